/** Smallest and largest value of a latency, in milliseconds. */
export type Range = readonly [number, number];

/** The world's dice: one seed, one sequence. Ids are not drawn from it, because they must never repeat. */
export class Chance {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** The next number from 0 (included) to 1 (excluded): mulberry32, whose 32 bits are plenty for latencies. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  between([min, max]: Range): number {
    return Math.round(min + this.next() * (max - min));
  }

  happens(rate: number): boolean {
    return rate > 0 && this.next() < rate;
  }
}
