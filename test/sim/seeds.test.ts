/** Fifty worlds, those that once went wrong, and the proof that a seed is enough to see one of them again. */
import { expect, test } from 'vitest';
import { keptSeeds } from './seeds.js';
import { simulate } from './simulation.js';

const steps = 100;
const firstSeeds = Array.from({ length: 50 }, (_, n) => n + 1);

test.each(firstSeeds)('nothing is lost, left behind or killed in the world of seed %i', async seed => {
  await simulate({ seed, steps });
});

test.each(keptSeeds)('seed $seed is well, where $found', async ({ seed, steps: all }) => {
  await simulate({ seed, steps: all });
});

test.each([2, 6, 9])('seed %i takes the same course when it is run again', async seed => {
  const [one, other] = [
    await simulate({ seed, steps, isTraced: true }),
    await simulate({ seed, steps, isTraced: true }),
  ];
  expect(other.trace).toEqual(one.trace);
  expect(one.crashes).toBeGreaterThan(0);
  expect(other.sum).toBe(one.sum);
});
