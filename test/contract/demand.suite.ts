import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Fault, type FaultKind } from '../../src/domain/fault.js';
import type { GearmanServer } from '../../src/domain/pool-config.js';
import type { DemandSource } from '../../src/ports/demand.js';

export interface DemandHarness {
  readonly source: DemandSource;
  readonly server: GearmanServer;
  /** So many jobs of this function wait, and nobody can run it. */
  submit(name: string, count: number): Promise<void>;
  down(): Promise<void>;
  end(): Promise<void>;
}

export const soon = { deadlineMs: 5000 };

export async function faultOf(call: Promise<unknown>): Promise<FaultKind> {
  const error: unknown = await call.then(
    value => new Error(`no fault but ${JSON.stringify(value)}`),
    (reason: unknown) => reason,
  );
  if (error instanceof Fault) return error.kind;
  throw error;
}

/** What every source of demand promises. */
export function demandContract(subject: string, start: () => Promise<DemandHarness>): void {
  describe(`a source of demand: ${subject}`, () => {
    let harness: DemandHarness;
    beforeAll(async () => {
      harness = await start();
    });
    afterAll(() => harness.end());

    it('counts the jobs of each function, with spaces in its name too', async () => {
      await harness.submit('build:gate tempest:devstack precise', 3);
      await harness.submit('build:other:bare', 1);
      const { functions, malformed } = await harness.source.status(harness.server, soon);
      const counts = { running: 0, workers: 0 };
      expect(functions).toContainEqual({ name: 'build:gate tempest:devstack precise', total: 3, ...counts });
      expect(functions).toContainEqual({ name: 'build:other:bare', total: 1, ...counts });
      expect(malformed).toEqual([]);
    });

    it('answers several questions at once', async () => {
      const questions = Array.from({ length: 10 }, () => harness.source.status(harness.server, soon));
      const answers = await Promise.all(questions);
      expect(new Set(answers.map(answer => answer.functions.length)).size).toBe(1);
    });

    it('does not begin when its caller has given up', async () => {
      const signal = AbortSignal.abort();
      expect(await faultOf(harness.source.status(harness.server, { ...soon, signal }))).toBe('gearman.timeout');
    });

    it('is unreachable when the server is away', async () => {
      await harness.down();
      expect(await faultOf(harness.source.status(harness.server, soon))).toBe('gearman.unreachable');
    });
  });
}
