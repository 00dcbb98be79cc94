import type { Life } from './life.js';

/**
 * A message that needs more than itself: one that belongs to a life of the receiver (timer, outcome, watch), or one
 * that was asked. Other messages lie bare in the mailbox.
 */
export abstract class Envelope {
  /** The life it is meant for; null: any. What a life sends itself is bounded by what it began, and never refused. */
  abstract readonly life: Life | null;
  /** What a dead letter shows. */
  abstract readonly content: unknown;
  /** Why it may no longer be handled, or null. What was cancelled is missed by nobody; the others are dead letters. */
  abstract get stale(): 'cancelled' | 'old-life' | 'expired' | null;
  /** What the actor hears; it has it in hand from here on. */
  abstract open(life: Life): unknown;
}

/** Something a life waited for: its outcome becomes a message in the actor's own turn. */
export class Outcome extends Envelope {
  readonly life: Life;
  readonly content: unknown;
  readonly #toMessage: (content: unknown) => unknown;

  constructor(life: Life, content: unknown, toMessage: (content: unknown) => unknown) {
    super();
    this.life = life;
    this.content = content;
    this.#toMessage = toMessage;
  }

  get stale(): 'old-life' | null {
    return this.life.isOver ? 'old-life' : null;
  }

  open(): unknown {
    return this.#toMessage(this.content);
  }
}

/** A timer of one life: its message may still be in the mailbox when the timer is cancelled. */
export class KeyedTimer extends Envelope {
  readonly life: Life;
  readonly content: unknown;
  readonly key: string;
  /** The state of the actor that it goes with, if any. */
  readonly state: string | null;
  cancelClock: (() => void) | null = null;
  #isLive = true;

  constructor(life: Life, key: string, message: unknown, state: string | null) {
    super();
    this.life = life;
    this.key = key;
    this.content = message;
    this.state = state;
  }

  cancel(): void {
    this.#isLive = false;
    this.cancelClock?.();
  }

  get stale(): 'cancelled' | 'old-life' | null {
    if (!this.#isLive) return 'cancelled';
    return this.life.isOver ? 'old-life' : null;
  }

  open(life: Life): unknown {
    life.timerCame(this);
    return this.content;
  }
}
