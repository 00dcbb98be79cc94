/** The worlds of 250 seeds more: `npm run check` does without them. */
import { test } from 'vitest';
import { simulate } from './simulation.js';

const moreSeeds = Array.from({ length: 250 }, (_, n) => n + 51);

test.each(moreSeeds)('nothing is lost, left behind or killed in the world of seed %i', async seed => {
  await simulate({ seed, steps: 100 });
});
