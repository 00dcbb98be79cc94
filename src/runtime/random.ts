/** Chance, as the whole program sees it: a number from 0 up to 1. */
export type Random = () => number;

export const systemRandom: Random = () => Math.random();

/** The same numbers for the same seed (the mulberry32 generator: 32 bits of state, good enough to spread choices). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
