/** Gearman servers in memory: every server that nobody told anything about has empty queues. */
import { Fault } from '../../src/domain/fault.js';
import type { GearmanServer } from '../../src/domain/pool-config.js';
import type { DemandSource, QueueFunction, QueueStatus } from '../../src/ports/demand.js';
import { systemClock, type Clock } from '../../src/runtime/clock.js';
import { Troubles, type CallTrouble } from './fake-ci.js';

export interface FakeDemandOptions {
  readonly clock?: Pick<Clock, 'after'>;
  readonly latencyMs?: number;
}

export class FakeDemand implements DemandSource {
  latencyMs: number;
  /** Lines that each answer has besides its functions. */
  malformed: readonly string[] = [];
  asked = 0;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #functions = new Map<string, readonly QueueFunction[]>();
  readonly #troubles = new Troubles<string>();

  constructor(options: FakeDemandOptions = {}) {
    this.#clock = options.clock ?? systemClock;
    this.latencyMs = options.latencyMs ?? 0;
  }

  /** What the server answers from now on. A name given alone has no running jobs and no workers. */
  set(
    server: GearmanServer,
    functions: readonly (Partial<QueueFunction> & Pick<QueueFunction, 'name' | 'total'>)[],
  ): void {
    this.#functions.set(
      keyOf(server),
      functions.map(each => ({ running: 0, workers: 0, ...each })),
    );
  }

  /** The next answers of the server meet these troubles, in order. */
  next(server: GearmanServer, ...troubles: CallTrouble[]): void {
    this.#troubles.next(keyOf(server), ...troubles);
  }

  /** Each further question fails; null brings it back. */
  down(server: GearmanServer, fault: Fault | null = new Fault('gearman.unreachable', 'the fake server is down')): void {
    this.#troubles.always(keyOf(server), fault);
  }

  /** What else befalls a question, of its own accord. */
  set whim(whim: () => CallTrouble | null) {
    this.#troubles.whim = whim;
  }

  status(
    server: GearmanServer,
    call: { readonly deadlineMs: number; readonly signal?: AbortSignal },
  ): Promise<QueueStatus> {
    this.asked += 1;
    return this.#troubles.perform({
      op: keyOf(server),
      call,
      effect: () => ({ functions: this.#functions.get(keyOf(server)) ?? [], malformed: this.malformed }),
      clock: this.#clock,
      latencyMs: this.latencyMs,
      timeout: 'gearman.timeout',
      refusal: null,
    });
  }
}

function keyOf(server: GearmanServer): string {
  return `${server.host}:${server.port}`;
}
