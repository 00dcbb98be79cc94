import type { Actor } from './actor.js';
import { defaultMailbox } from './actor.js';

/** The types of messages and states are checked where actors are written; in here they are unknown. */
export type AnyActor = Actor<unknown, unknown, unknown>;

const defaultHandlerDeadlineMs = 30_000;
/** The longest thing that we wait for takes hours. */
const defaultTaskDeadlineMs = 86_400_000;
/** A queue shorter than this is no cause for alarm, whatever the bound. */
const longQueueMin = 100;

/**
 * What is declared of all actors of one kind, with the defaults filled in. Declarations are objects of many shapes, and
 * to read one for each message would cost more than the message: this is one shape.
 */
export class Kind {
  readonly actor: AnyActor;
  readonly limit: number;
  readonly overflow: 'refuse-newest' | 'drop-oldest' | 'back-pressure';
  /** A mailbox of this length is told of. */
  readonly alarmAt: number;
  readonly handlerDeadlineMs: number;
  readonly taskDeadlineMs: number;
  readonly isDynamic: boolean;
  readonly strategy: 'one-for-one' | 'rest-for-one' | 'all-for-one';
  /** Called with the actor as `this`, as if it had been called as its method. */
  readonly handle: AnyActor['handle'];

  constructor(actor: AnyActor) {
    const mailbox = actor.mailbox ?? defaultMailbox;
    this.actor = actor;
    this.limit = mailbox.limit;
    this.overflow = mailbox.overflow;
    this.alarmAt = mailbox.alarmAt ?? Math.max(longQueueMin, Math.ceil(mailbox.limit / 2));
    this.handlerDeadlineMs = actor.handlerDeadlineMs ?? defaultHandlerDeadlineMs;
    this.taskDeadlineMs = actor.taskDeadlineMs ?? defaultTaskDeadlineMs;
    this.isDynamic = actor.isDynamic ?? false;
    this.strategy = actor.strategy ?? 'one-for-one';
    // eslint-disable-next-line @typescript-eslint/unbound-method
    this.handle = actor.handle;
  }
}

const kinds = new WeakMap<object, Kind>();

export function kindOf<M, S, A>(actor: Actor<M, S, A>): Kind {
  let kind = kinds.get(actor);
  if (!kind) {
    kind = new Kind(actor);
    kinds.set(actor, kind);
  }
  return kind;
}
