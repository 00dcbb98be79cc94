import { Ring } from './ring.js';
import type { Scheduler } from './scheduler.js';

/** The messages from this place on came at this time. */
interface Arrival {
  readonly place: number;
  readonly at: number;
}

/**
 * The messages that wait for one actor. It knows when the oldest of them came, and pays for that once for each look at
 * the clock, not for each message: messages between two looks came at one time. An actor has a mailbox only while
 * something is in it.
 */
export class Mailbox extends Ring<unknown> {
  /** The look at the clock after which the newest messages came. */
  look = -1;
  /** The alarm for its length has been given and not been called off. */
  isAlarmed = false;
  #since = 0;
  /** Times at which others came than the oldest, in their order; none while all came at one time. */
  #later: Ring<Arrival> | null = null;

  /** Notes the time; called before the first message after each look at the clock. */
  stamp(scheduler: Scheduler): void {
    const at = scheduler.roughNow();
    this.look = scheduler.look;
    if (this.length === 0) {
      this.#since = at;
      this.#later = null;
      return;
    }
    this.#forget();
    (this.#later ??= new Ring<Arrival>()).push({ place: this.tail, at });
  }

  /** When the oldest message came, on the system's steady clock. Of use only while there is one. */
  get oldestAt(): number {
    this.#forget();
    return this.#since;
  }

  /** Times of messages that are gone. */
  #forget(): void {
    const later = this.#later;
    if (!later) return;
    for (let next = later.first; next && ((next.place - this.head) | 0) <= 0; next = later.first) {
      this.#since = next.at;
      later.shift();
    }
    if (later.length === 0) this.#later = null;
  }
}

/** A mailbox of more room than this is not kept for others. */
const smallRoom = 64;
/** An empty one with more room than this is thrown away: a flood must not cost memory for ever. */
const roomKept = 1_024;
const idleKept = 1_024;

/** Empty mailboxes: an actor that has nothing to do needs none, and one that gets a message need not wait for it. */
export class Mailboxes {
  readonly #idle: Mailbox[] = [];

  take(): Mailbox {
    return this.#idle.pop() ?? new Mailbox();
  }

  /** False where its owner should keep it: it has grown with its work. */
  putBack(mailbox: Mailbox): boolean {
    const { capacity } = mailbox;
    if (capacity > smallRoom) return capacity > roomKept;
    if (this.#idle.length < idleKept) this.#idle.push(mailbox);
    return true;
  }
}
