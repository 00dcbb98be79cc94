import type { Clock } from './clock.js';
import type { Random } from './random.js';
import { Ring } from './ring.js';

/** Something that has work: one turn does a bounded part of it and says whether there is more. */
export interface Runnable {
  turn(): boolean;
}

/** How long one turn of the event loop may be spent on messages before timers and sockets get their chance. */
const sliceMs = 2;
/** A microtask by this costs half of one by `queueMicrotask`, and a loop of asks needs one for each of them. */
const resolved = Promise.resolve();
/** Reading the clock costs 60 ns, so after short turns it is read only now and then. */
const shortTurnsPerLook = 16;

/**
 * One run queue. It starts in a microtask, because a macrotask for each message costs thirty times as much, and goes on
 * by setImmediate once the slice is used up, because a chain of microtasks would starve timers for ever. The slice is
 * kept across drains within one turn of the event loop: an ask loop is a chain of small drains. Its clock is the
 * system's, so that under a clock that stands still the order of turns does not depend on the speed of the machine.
 */
export class Scheduler {
  /** Counts the looks at the clock: what has the same number happened at the same time, as far as we care. */
  look = 0;
  readonly #clock: Clock;
  /** Draws who is next; null: first come, first served. */
  readonly #order: Random | null;
  readonly #queue = new Ring<Runnable>(64);
  /** Those that have not begun yet, where the order of the others is drawn. */
  readonly #beginners = new Ring<Runnable>(64);
  #isArmed = false;
  #isHalted = false;
  /** When the slice began; null before the first turn in this turn of the event loop. */
  #sliceStart: number | null = null;
  #isSliceOver = false;
  #shortTurns = 0;
  #now = 0;
  #atSliceEnd: (() => void)[] = [];

  constructor(clock: Clock, order: Random | null = null) {
    this.#clock = clock;
    this.#order = order;
  }

  /** Queues one for the first time: it begins after those that were made before it, whatever the order of the others. */
  addBeginner(runnable: Runnable): void {
    this.#add(runnable, this.#order ? this.#beginners : this.#queue);
  }

  /** Queues it. The caller sees to it that nothing is queued twice. */
  add(runnable: Runnable): void {
    this.#add(runnable, this.#queue);
  }

  #add(runnable: Runnable, queue: Ring<Runnable>): void {
    if (this.#isHalted) return;
    queue.push(runnable);
    if (this.#isArmed) return;
    this.#isArmed = true;
    if (this.#isSliceOver) setImmediate(this.#drain);
    else void resolved.then(this.#drain);
  }

  get isIdle(): boolean {
    return this.#queue.length + this.#beginners.length === 0;
  }

  /** Nothing has a turn any more: the process that it belongs to is dead. */
  halt(): void {
    this.#isHalted = true;
    for (const queue of [this.#queue, this.#beginners]) while (queue.length > 0) queue.shift();
  }

  get isHalted(): boolean {
    return this.#isHalted;
  }

  /** The steady clock as of the last look, which is at most a slice old. */
  roughNow(): number {
    this.#needSlice();
    return this.#now;
  }

  /** Calls back before the event loop waits: for what is not worth doing at once. */
  atSliceEnd(callback: () => void): void {
    this.#atSliceEnd.push(callback);
    this.#needSlice();
  }

  #needSlice(): number {
    if (this.#sliceStart === null) {
      this.#sliceStart = this.#lookAtClock();
      setImmediate(this.#endSlice);
    }
    return this.#sliceStart;
  }

  #lookAtClock(): number {
    this.look = (this.look + 1) | 0;
    return (this.#now = this.#clock.monotonic());
  }

  readonly #drain = (): void => {
    const start = this.#needSlice();
    try {
      this.#drainSlice(start);
    } finally {
      // Also when a turn threw, which is a bug in here: the others must not stand still for it.
      if (!this.isIdle) setImmediate(this.#drain);
      else this.#isArmed = false;
    }
  };

  #drainSlice(start: number): void {
    for (let next = this.#next(); next; next = this.#next()) {
      const hasMore = next.turn();
      if (hasMore && !this.#isHalted) this.#queue.push(next);
      if (!hasMore && ++this.#shortTurns % shortTurnsPerLook !== 0) continue;
      this.#isSliceOver = this.#lookAtClock() - start > sliceMs;
      if (this.#isSliceOver) return;
    }
  }

  #next(): Runnable | undefined {
    const beginner = this.#order && this.#beginners.shift();
    if (beginner) return beginner;
    if (this.#order && this.#queue.length > 1) this.#queue.swapFirst(Math.floor(this.#order() * this.#queue.length));
    return this.#queue.shift();
  }

  readonly #endSlice = (): void => {
    this.#sliceStart = null;
    this.#isSliceOver = false;
    // What comes before the next slice begins comes at a time of its own.
    this.look = (this.look + 1) | 0;
    if (this.#atSliceEnd.length === 0) return;
    const callbacks = this.#atSliceEnd;
    this.#atSliceEnd = [];
    for (const callback of callbacks) callback();
  };
}
