import { performance } from 'node:perf_hooks';

/** How much later than due the timers of this thread came, in milliseconds. */
export interface Lateness {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const EVERY_MS = 2;

/** A timer that is due every two milliseconds; what is late for it is late for every message, too. */
export class Sampler {
  readonly #late: number[] = [];
  #timer: NodeJS.Timeout;
  #due = performance.now() + EVERY_MS;

  constructor() {
    const sample = (): void => {
      const now = performance.now();
      this.#late.push(Math.max(0, now - this.#due));
      this.#due = now + EVERY_MS;
      this.#timer = setTimeout(sample, EVERY_MS);
    };
    this.#timer = setTimeout(sample, EVERY_MS);
  }

  stop(): Lateness {
    clearTimeout(this.#timer);
    const sorted = this.#late.sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
    return { p50: at(0.5), p99: at(0.99), max: at(1) };
  }
}
