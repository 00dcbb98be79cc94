import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import { backoffMs } from '../../src/domain/backoff.js';

const backoff = { minMs: 1000, maxMs: 60_000, factor: 2, jitter: 0.2 };

test('the wait doubles with each failure, up to its maximum', () => {
  expect([1, 2, 3, 6, 7, 8, 5000].map(failures => backoffMs(backoff, failures, 0))).toEqual([
    1000, 2000, 4000, 32_000, 60_000, 60_000, 60_000,
  ]);
});

test('chance takes off at most the jitter', () => {
  expect(backoffMs(backoff, 1, 0.5)).toBe(900);
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (failures, chance) => {
      const wait = backoffMs(backoff, failures, chance);
      expect(wait).toBeGreaterThanOrEqual(800);
      expect(wait).toBeLessThanOrEqual(60_000);
    }),
  );
});
