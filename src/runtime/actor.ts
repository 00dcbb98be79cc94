/**
 * What an actor is, and what it can do. An actor has a state of its own, handles one message at a time, and reaches
 * others only by messages. Everything here is described in docs/runtime.md; the reasons are there too.
 */

/** Where messages for an actor go. Stays valid over restarts; after the actor's end it leads to the dead letters. */
export interface Ref<in M> {
  readonly path: string;
  /** Never throws, never waits, never runs the receiver on the sender's stack. */
  tell(message: M): void;
}

/**
 * A name by which an actor is found at each send: an actor registers it, and it is free again when the actor stops. Over
 * a restart it leads to the same mailbox, and is free afterwards if the new life's `init` has not registered it again.
 * The type parameter says which messages are understood there.
 */
export interface Address<in M> {
  readonly key: string;
  readonly understands?: (message: M) => void;
}

export function address<M>(kind: string, name: string | number): Address<M> {
  return { key: `${kind}:${name}` };
}

export interface Actor<M, S, A> {
  /** What kind of thing it is, for people: `node`, `cloud`. */
  readonly kind: string;
  readonly mailbox?: MailboxBound;
  /** A handler or `init` that has not settled by then has failed. Default 30,000. */
  readonly handlerDeadlineMs?: number;
  /** A task that has not settled by then has failed, and its actor with it, unless the task says otherwise. Default a day. */
  readonly taskDeadlineMs?: number;
  /** Children are many and alike: they are stopped side by side, not in reverse order of their start. */
  readonly isDynamic?: boolean;
  /**
   * Which of its children begin a new life when one of them does: that one (the default), also those started after it,
   * or all. The others keep ref and mailbox, and use up nothing of their budget.
   */
  readonly strategy?: 'one-for-one' | 'rest-for-one' | 'all-for-one';
  /** Builds the state of a new life, at the first start and after each restart. */
  init(ctx: Context<M>, args: A): S | Promise<S>;
  handle(message: M, state: S, ctx: Context<M>): void | Promise<void>;
  /** Runs after a failure, at the beginning of the new life, before `init`. To fail here is to fail in `init`. */
  onRestart?(failed: FailedLife<M>, ctx: Context<M>, args: A): void | Promise<void>;
  /** Runs at a stop of a running actor, after the children have stopped; not after a failure, nor at a restart. */
  onStop?(state: S, ctx: Context<M>): void | Promise<void>;
  /** What inspection shows of it; called only when somebody looks. */
  describe?(state: S): Description;
}

/** How the last life ended. */
export interface FailedLife<M> {
  readonly error: unknown;
  /** The message in hand at the failure; null if there was none. It is not handled again. */
  readonly inHand: M | null;
  /** Failures of this actor so far. */
  readonly count: number;
}

export interface Description {
  /** A few words for people: `ready`, `away: connection refused`. */
  readonly state: string;
  readonly connection?: { readonly state: 'held' | 'waiting'; readonly since: number } | null;
}

export interface MailboxBound {
  readonly limit: number;
  /**
   * What happens to a message for which there is no room: it, or the oldest one, becomes a dead letter. With
   * `back-pressure` a source that offers its messages waits until there is room; one that only tells is refused.
   */
  readonly overflow: 'refuse-newest' | 'drop-oldest' | 'back-pressure';
  /** A queue of this length is reported, once until it has halved. Default half of the limit, but at least 100. */
  readonly alarmAt?: number;
}

export const defaultMailbox: MailboxBound = { limit: 10_000, overflow: 'refuse-newest' };

/**
 * Belongs to one life. When that is over (and in `onStop`), `tell`, `now` and `random` still work; what would begin
 * something throws.
 */
export interface Context<M> {
  readonly self: Ref<M>;
  readonly path: string;
  /** Epoch milliseconds. */
  now(): number;
  random(): number;

  /** Starts a child. A name in use among the children is a bug and throws. */
  spawn<CM, CS, CA>(actor: Actor<CM, CS, CA>, name: string, args: CA, supervision?: Partial<Supervision>): Ref<CM>;
  /** Stops a child, or this actor itself, after the message in hand. */
  stop(ref: Ref<never>): void;
  /** Lets a child, or this actor itself, finish what is queued and take nothing new, and then stops it. */
  drain(ref: Ref<never>, withinMs: number): void;
  hasChild(name: string): boolean;
  childNames(): string[];

  tell<T>(to: Ref<T> | Address<T>, message: T): void;
  /** Asks; the outcome arrives as a message. */
  ask<T, R>(
    to: Ref<T> | Address<T>,
    question: (replyTo: ReplyTo<R>) => T,
    deadlineMs: number,
    toMessage: (outcome: AskOutcome<R>) => M,
  ): void;
  /** Tells, and hears when there is room for the next one. Until then a source does well to wait. */
  offer<T>(to: Ref<T> | Address<T>, message: T, toMessage: (outcome: OfferOutcome) => M): void;
  /** Long work beside the mailbox; the outcome arrives as a message, unless this life has ended by then. */
  task<T>(
    name: string,
    run: (io: TaskIo) => Promise<T>,
    toMessage: (outcome: TaskOutcome<T>) => M,
    options?: TaskOptions,
  ): TaskHandle;

  /**
   * Puts the message in hand aside, once its handler has ended well. It counts against the bound of the mailbox. What
   * was put aside comes back, before all that waits, by `unstash` and with each new life.
   */
  stash(): void;
  unstash(): void;

  /** Sends a message to itself later. A timer of the same key is replaced. It may belong to a state of the actor. */
  timer(key: string, delayMs: number, message: M, state?: string): void;
  /** Also takes back a message of this timer that is already in the mailbox. */
  cancelTimer(key: string): void;
  /** Cancels all timers that belong to the state. */
  leave(state: string): void;
  /** Tells when the other is stopped or parked; at once if it already is. */
  watch(ref: Ref<never>, toMessage: (reason: EndReason) => M): void;
  /** Makes this actor the one found at the address. A later registration wins. */
  register(at: Address<M>): void;
  /**
   * Addresses of this kind that nobody has lead to a child made for them: `start` spawns the one of that name, or says
   * that there is none. It runs at each first send, so it must do nothing else. The address is free when the child stops.
   */
  onDemand<T>(kind: string, start: (name: string) => Ref<T> | null): void;
}

export interface ReplyTo<in R> {
  /** The first reply counts; later ones, and one after the deadline, become dead letters. */
  reply(value: R): void;
}

/** Why a question has no answer, and will have none. */
export type WhyGone = 'unknown' | 'restarted' | 'stopped' | 'refused' | 'failed';

export type AskOutcome<R> =
  | { readonly kind: 'reply'; readonly value: R }
  /** `asked`: its path, or its address where nobody is registered there. */
  | { readonly kind: 'timeout'; readonly asked: string }
  | { readonly kind: 'gone'; readonly asked: string; readonly reason: WhyGone };

/** What became of an offered message: it is in the mailbox; or there is no room, or nobody, and it is a dead letter. */
export type OfferOutcome = 'taken' | 'refused' | 'gone';

export interface TaskIo {
  /** Aborts when the actor ends this life, except for a task that must settle. */
  readonly signal: AbortSignal;
  ask<T, R>(to: Ref<T> | Address<T>, question: (replyTo: ReplyTo<R>) => T, deadlineMs: number): Promise<AskOutcome<R>>;
  /** Resolves when there is room for the next message: a source that awaits it never floods the other. */
  offer<T>(to: Ref<T> | Address<T>, message: T): Promise<OfferOutcome>;
  /** Resolves after the delay, or at once when the signal aborts. */
  sleep(delayMs: number): Promise<void>;
  now(): number;
  random(): number;
}

export interface TaskOptions {
  /** Its effect on the world cannot be called back: never aborted, and a stop waits for it. */
  readonly mustSettle?: boolean;
  /** Overdue, it is a failure of its actor, whose next life begins without it. Default: the actor's `taskDeadlineMs`. */
  readonly deadlineMs?: number;
}

export interface TaskHandle {
  /** Aborts, unless the task must settle. The outcome still arrives. */
  cancel(): void;
}

export type TaskOutcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

export type EndReason = 'stopped' | 'failed' | 'parked';

/** What has taken longer than it may: a handler, an `init` or a task. */
export class Overdue extends Error {
  readonly what: string;

  constructor(what: string, deadlineMs: number) {
    super(`${what} for more than ${deadlineMs} ms`);
    this.name = 'Overdue';
    this.what = what;
  }
}

/**
 * What is done about a failure. restart: a new life, after the back-off and within the budget. resume: the message in
 * hand is given up and the life goes on, if there is one that can (an `init`, or what is overdue, is restarted). stop:
 * it ends for good. escalate: so does it, and its parent fails.
 */
export type Directive = 'restart' | 'resume' | 'stop' | 'escalate';

/** How a parent keeps a child alive. */
export interface Supervision {
  /** permanent: always started again; transient: only after a failure; temporary: never. */
  readonly restart: 'permanent' | 'transient' | 'temporary';
  /** More failures than this within the time, and the budget is spent. */
  readonly budget: { readonly restarts: number; readonly withinMs: number };
  readonly backoff: {
    readonly minMs: number;
    readonly maxMs: number;
    readonly factor: number;
    /** Share of the delay that chance may add or take away. */
    readonly jitter: number;
    /** After a life that lasted so long the delays begin anew at `minMs`. Default: the time of the budget. */
    readonly resetMs?: number;
  };
  /** By the error that it failed with. Default: restart. */
  readonly directive?: (error: unknown) => Directive;
  /** park: stays visible, counted and addressed, and is tried again later. escalate: the parent fails too. */
  readonly exhausted: 'park' | 'escalate';
  readonly retryParkedMs: number;
  /** One without children is cut off after this time, though its parent may have longer. */
  readonly stopMs: number;
}

export const defaultSupervision: Supervision = {
  restart: 'transient',
  budget: { restarts: 5, withinMs: 600_000 },
  backoff: { minMs: 100, maxMs: 30_000, factor: 2, jitter: 0.2 },
  exhausted: 'park',
  retryParkedMs: 3_600_000,
  stopMs: 5_000,
};
