import type { Clock } from './clock.js';

/** One thing that must happen in time. Cancelling is unlinking: nothing is searched. */
export interface Deadline {
  cancel(): void;
}

/**
 * What a deadline is made of: a link in the list of those of its duration. An object that has a deadline for all its
 * life is one itself, and needs no other.
 */
export interface DeadlineLink {
  previous: DeadlineLink | null;
  next: DeadlineLink | null;
  lane: Lane | null;
  at: number;
  expire(): void;
}

class PlainDeadline implements Deadline, DeadlineLink {
  previous: DeadlineLink | null = null;
  next: DeadlineLink | null = null;
  lane: Lane | null = null;
  at = 0;
  readonly expire: () => void;

  constructor(expire: () => void) {
    this.expire = expire;
  }

  cancel(): void {
    this.lane?.unlink(this);
  }
}

/** All deadlines of one duration: added in order of time, so one timer for the first of them serves all. */
export class Lane {
  readonly durationMs: number;
  #head: DeadlineLink | null = null;
  #tail: DeadlineLink | null = null;
  #cancelTimer: (() => void) | null = null;
  readonly #clock: Clock;
  readonly #onEmpty: (lane: Lane) => void;

  constructor(durationMs: number, clock: Clock, onEmpty: (lane: Lane) => void) {
    this.durationMs = durationMs;
    this.#clock = clock;
    this.#onEmpty = onEmpty;
  }

  add(deadline: DeadlineLink): void {
    // A whole number of milliseconds takes no object to remember. Rounded up: never early.
    deadline.at = Math.ceil(this.#clock.monotonic() + this.durationMs);
    deadline.lane = this;
    deadline.previous = this.#tail;
    if (this.#tail) this.#tail.next = deadline;
    else this.#head = deadline;
    this.#tail = deadline;
    if (!this.#cancelTimer) this.#arm(deadline);
  }

  unlink(deadline: DeadlineLink): void {
    if (deadline.lane !== this) return;
    const { previous, next } = deadline;
    if (previous) previous.next = next;
    else this.#head = next;
    if (next) next.previous = previous;
    else this.#tail = previous;
    // An unlinked one keeps no neighbours: old garbage must not keep young alive.
    deadline.lane = null;
    deadline.previous = null;
    deadline.next = null;
    if (!this.#head) this.#onEmpty(this);
  }

  get isEmpty(): boolean {
    return this.#head === null;
  }

  close(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  #arm(first: DeadlineLink): void {
    this.#cancelTimer = this.#clock.after(first.at - this.#clock.monotonic(), () => this.#expire());
  }

  #expire(): void {
    this.#cancelTimer = null;
    const now = this.#clock.monotonic();
    for (let first = this.#head; first && first.at <= now; first = this.#head) {
      this.unlink(first);
      first.expire();
    }
    if (this.#head && !this.#cancelTimer) this.#arm(this.#head);
  }
}

/**
 * Deadlines in their thousands for the price of one timer per distinct duration. The timer of a duration that nobody
 * has any more is cancelled a little later: in a loop of asks, each over before the next, it is made once and not for
 * each of them.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #later: (callback: () => void) => void;
  readonly #lanes = new Map<number, Lane>();
  readonly #empty = new Set<Lane>();
  #isSweepDue = false;
  #last: Lane | null = null;

  /** `later` calls back before the event loop waits. */
  constructor(clock: Clock, later: (callback: () => void) => void) {
    this.#clock = clock;
    this.#later = later;
  }

  in(durationMs: number, expire: () => void): Deadline {
    const deadline = new PlainDeadline(expire);
    this.add(deadline, durationMs);
    return deadline;
  }

  add(deadline: DeadlineLink, durationMs: number): void {
    let lane = this.#last;
    if (lane?.durationMs !== durationMs) {
      lane = this.#lanes.get(durationMs) ?? null;
      if (!lane) {
        lane = new Lane(durationMs, this.#clock, this.#onEmpty);
        this.#lanes.set(durationMs, lane);
      }
      this.#last = lane;
    }
    lane.add(deadline);
  }

  readonly #onEmpty = (lane: Lane): void => {
    this.#empty.add(lane);
    if (this.#isSweepDue) return;
    this.#isSweepDue = true;
    this.#later(this.#sweep);
  };

  readonly #sweep = (): void => {
    this.#isSweepDue = false;
    for (const lane of this.#empty) {
      if (!lane.isEmpty) continue;
      lane.close();
      this.#lanes.delete(lane.durationMs);
      if (this.#last === lane) this.#last = null;
    }
    this.#empty.clear();
  };
}
