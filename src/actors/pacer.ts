import { FairQueue } from '../domain/fair-queue.js';
import type { Pace } from '../domain/pace.js';

/** Where a call waits: the lanes are served in order, the sources of a lane in turn. */
export interface QueuePlace {
  readonly lane: number;
  readonly source: string;
}

/** A queue of calls under a pace. It knows no timers: it says when to look again. */
export class Pacer<Call> {
  readonly #queue: FairQueue<Call>;
  #inFlight = 0;
  #lastStart = -Infinity;
  #lastEnd = -Infinity;
  #pausedUntil = -Infinity;

  constructor(lanes: number) {
    this.#queue = new FairQueue(lanes);
  }

  get waiting(): number {
    return this.#queue.length;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  push(call: Call, place: QueuePlace): void {
    this.#queue.push(call, place);
  }

  /** No call starts before then: the other side asked for a pause, or is down. */
  pauseUntil(at: number): void {
    this.#pausedUntil = Math.max(this.#pausedUntil, at);
  }

  resume(): void {
    this.#pausedUntil = -Infinity;
  }

  pausedForMs(now: number): number {
    return Math.max(0, this.#pausedUntil - now);
  }

  /** The next call to start now, which is then in flight; or in how many milliseconds to look; or nothing to do. */
  next(now: number, pace: Pace): { readonly call: Call } | { readonly inMs: number } | null {
    if (this.#queue.length === 0 || this.#inFlight >= pace.calls) return null;
    const since = pace.calls === 1 ? this.#lastEnd : this.#lastStart;
    const inMs = Math.max(since + pace.rateMs, this.#pausedUntil) - now;
    if (inMs > 0) return { inMs };
    const call = this.#queue.shift();
    if (call === undefined) return null;
    this.#inFlight++;
    this.#lastStart = now;
    return { call };
  }

  /** Empties the queue. */
  withdrawn(): readonly Call[] {
    return [...this.#queue.drain()];
  }

  /** The call that was next is not made after all. */
  dropped(): void {
    this.#inFlight--;
  }

  ended(now: number): void {
    this.#inFlight--;
    this.#lastEnd = now;
  }
}
