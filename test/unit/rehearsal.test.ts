import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { betterSpeed, rehearsed, type RehearsalReport } from '../../src/sim/rehearsal.js';
import { poolConfig } from '../support/pool-config.js';

test('a rehearsal shortens the waits of the configuration, and no deadline of what this machine itself does', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'rehearsal-'));
  try {
    const config = poolConfig();
    const { timings } = await rehearsed(config, 40, dir);
    expect(timings.deleteDelay).toBe(config.timings.deleteDelay / 40);
    // A login that takes a quarter of a second was never waited for at this speed, so no image was ever built.
    for (const name of ['distroSsh', 'templateSsh', 'checkSsh', 'script', 'api', 'gearman'] as const) {
      expect(timings[name], name).toBe(config.timings[name]);
    }
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('a machine that was too slow is told a speed that it can follow', () => {
  const of = (speed: number, lateP99Seconds: number): number | null => {
    return betterSpeed({ speed, lateP99Seconds } as RehearsalReport);
  };
  expect(of(10, 5)).toBeNull();
  expect(of(40, 8)).toBe(25);
  expect(of(2, 20)).toBe(0.5);
});
