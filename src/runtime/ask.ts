import type { Address, AskOutcome, Ref, ReplyTo, WhyGone } from './actor.js';
import type { DeadlineLink, Lane } from './deadlines.js';
import { Envelope } from './envelope.js';
import type { Life } from './life.js';
import type { ActorSystem } from './system.js';

/**
 * One question under way: the envelope in which it waits, the deadline that it has, and the way back for the reply, all
 * in one object. It ends once: by a reply, at its deadline, or because the asked one is gone. The asked life knows the
 * questions that it has in hand, so that they fail at once when it ends.
 */
export class Ask extends Envelope implements ReplyTo<unknown>, DeadlineLink {
  content: unknown = undefined;
  isOpen = true;
  previous: DeadlineLink | null = null;
  next: DeadlineLink | null = null;
  lane: Lane | null = null;
  at = 0;
  /** The life that has it in hand. */
  holder: Life | null = null;
  readonly #system: ActorSystem;
  readonly #asked: Ref<never> | Address<never>;
  readonly #onOutcome: (outcome: AskOutcome<unknown>) => void;

  constructor(
    system: ActorSystem,
    asked: Ref<never> | Address<never>,
    onOutcome: (outcome: AskOutcome<unknown>) => void,
  ) {
    super();
    this.#system = system;
    this.#asked = asked;
    this.#onOutcome = onOutcome;
  }

  /** For any life. */
  get life(): null {
    return null;
  }

  reply(value: unknown): void {
    if (this.isOpen) this.#end({ kind: 'reply', value });
    else this.#system.lateReply(this.#asked, value);
  }

  expire(): void {
    this.#end({ kind: 'timeout', asked: this.#system.whereIs(this.#asked) });
  }

  gone(reason: WhyGone): void {
    this.#end({ kind: 'gone', asked: this.#system.whereIs(this.#asked), reason });
  }

  #end(outcome: AskOutcome<unknown>): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.lane?.unlink(this);
    this.holder?.letGo(this);
    this.#onOutcome(outcome);
  }

  get stale(): 'expired' | null {
    return this.isOpen ? null : 'expired';
  }

  open(): unknown {
    return this.content;
  }
}
