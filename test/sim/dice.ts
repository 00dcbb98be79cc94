import { seededRandom } from '../../src/runtime/random.js';

/** Chance from a seed, in the forms that a simulation asks for. */
export class Dice {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  readonly next = (): number => this.#random();

  chance(probability: number): boolean {
    return this.#random() < probability;
  }

  /** From `least` to `most`, both included. */
  int(least: number, most: number): number {
    return least + Math.floor(this.#random() * (most - least + 1));
  }

  pick<T>(of: readonly [T, ...T[]]): T {
    return of[this.int(0, of.length - 1)] ?? of[0];
  }

  /** Null where there is nothing to draw from. */
  pickAny<T>(of: readonly T[]): T | null {
    return of[this.int(0, of.length - 1)] ?? null;
  }

  /** Times between things that have nothing to do with each other. */
  exponential(mean: number): number {
    return Math.ceil(-mean * Math.log(1 - this.#random()));
  }
}
