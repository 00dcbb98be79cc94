import type { Clock } from './clock.js';

interface Pending {
  readonly at: number;
  readonly order: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is moved. Callbacks run in order of their time, then of their making. */
export class ManualClock implements Clock {
  #now: number;
  #order = 0;
  /** The next to come lies last, where it is cheap to take; the place of any other is found by halving. */
  readonly #pending: Pending[] = [];
  /** Says whether work is left that needs no time: the scheduler of the system under test. */
  isBusy: () => boolean = () => false;

  constructor(startMs = 1_400_000_000_000) {
    this.#now = startMs;
  }

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now;
  }

  after(delayMs: number, callback: () => void): () => void {
    const pending: Pending = { at: this.#now + Math.max(0, delayMs), order: this.#order++, callback };
    this.#pending.splice(this.#placeOf(pending), 0, pending);
    return () => {
      const place = this.#placeOf(pending);
      if (this.#pending[place] === pending) this.#pending.splice(place, 1);
    };
  }

  /** When the next callback is due; null if none is. */
  get nextAt(): number | null {
    return this.#pending.at(-1)?.at ?? null;
  }

  /** Moves on by the time, letting everything settle after each callback. */
  async advance(byMs: number): Promise<void> {
    const until = this.#now + byMs;
    await this.settle();
    for (let next = this.#pending.at(-1); next && next.at <= until; next = this.#pending.at(-1)) {
      this.#now = next.at;
      this.#pending.pop();
      next.callback();
      await this.settle();
    }
    this.#now = until;
  }

  /** Moves on from callback to callback until the condition holds. */
  async advanceUntil(condition: () => boolean, withinMs: number): Promise<void> {
    const until = this.#now + withinMs;
    await this.settle();
    while (!condition()) {
      const nextAt = this.nextAt;
      if (nextAt === null || nextAt > until) throw new Error(`not so within ${withinMs} ms of virtual time`);
      await this.advance(nextAt - this.#now);
    }
  }

  /** Where it lies among the pending, or would lie: behind all that come later. */
  #placeOf({ at, order }: Pending): number {
    let from = 0;
    let to = this.#pending.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      const other = this.#pending[middle];
      if (other && (other.at > at || (other.at === at && other.order > order))) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /**
   * Lets run queue and microtasks run empty. A turn of the event loop drains all microtasks, and the scheduler goes on
   * by setImmediate, so a few turns without work mean that nothing is left.
   */
  async settle(): Promise<void> {
    for (let quietTurns = 0; quietTurns < 3; quietTurns = this.isBusy() ? 0 : quietTurns + 1) {
      await new Promise<void>(resolve => setImmediate(resolve));
    }
  }
}
