import type { EndReason, OfferOutcome, Supervision } from './actor.js';
import type { Cell } from './cell.js';
import type { Deadline } from './deadlines.js';
import type { Life } from './life.js';
import { Ring } from './ring.js';
import type { FailureRecord } from './supervision.js';

/** The state of an actor without a life. */
export const noState = Symbol('no state');

/** What is to happen once the children of a life that is over have stopped. */
export type Verdict =
  | { readonly kind: 'again' }
  | { readonly kind: 'stop' }
  | { readonly kind: 'escalate'; readonly reason: string }
  | { readonly kind: 'wait'; readonly delayMs: number }
  | { readonly kind: 'park' };

export interface RunningTask {
  readonly name: string;
  readonly since: number;
  readonly mustSettle: boolean;
  readonly aborting: Aborting;
  deadline: Deadline | null;
}

export interface Watcher {
  readonly life: Life;
  readonly toMessage: (reason: EndReason) => unknown;
}

/** A message whose source waits until there is room for it. */
export interface Offer {
  readonly item: unknown;
  readonly onOutcome: (outcome: OfferOutcome) => void;
}

/** What an `init` or handler that has not settled yet is doing, and until when. */
export interface InHand {
  readonly since: number;
  readonly message: unknown;
  readonly deadline: Deadline;
}

/** The last failure, as it is given to the next life and to whoever looks. */
export interface LastFailure {
  readonly error: unknown;
  readonly inHand: unknown;
  readonly at: number;
  readonly count: number;
}

/** So many watchers, and then at each doubling, those whose life is over are forgotten. */
const fewWatchers = 8;

/** What only some actors have, made when it is first needed: an idle actor without children has none of it. */
export class Extra {
  children: Map<string, Cell> | null = null;
  /** How the last child is kept alive; most of its siblings are kept the same way. */
  keptLike: Supervision | undefined = undefined;
  /** Children still to be asked to stop, the next one last; and when all of them have to be done. */
  toStop: Cell[] | null = null;
  childrenStopBy = 0;
  isDraining = false;
  tasks: Set<RunningTask> | null = null;
  /** Addresses, each with the life that registered it last; null: it is the actor's own for all its lives. */
  keys: Map<string, Life | null> | null = null;
  inHand: InHand | null = null;
  stash: Ring<unknown> | null = null;
  sources: Ring<Offer> | null = null;
  /** Questions that this life waits for. */
  openAsks = 0;
  restarts = 0;
  restartAsked: 'due' | 'by-itself' | 'with-sibling' | 'on-request' | null = null;
  isWithSibling = false;
  /** A failure that others brought about: a child that could not be kept alive, a task that is overdue. */
  failureAsked: { readonly error: unknown } | null = null;
  failures: FailureRecord | null = null;
  verdict: Verdict | null = null;
  lastFailure: LastFailure | null = null;
  /** The last failure has not been told to a new life yet. */
  isFailureNew = false;
  cancelWait: (() => void) | null = null;
  #watchers: Watcher[] = [];
  #pruneWatchersAt = fewWatchers;

  addWatcher(watcher: Watcher): void {
    if (this.#watchers.length >= this.#pruneWatchersAt) {
      this.#watchers = this.#watchers.filter(each => !each.life.isOver);
      this.#pruneWatchersAt = Math.max(fewWatchers, 2 * this.#watchers.length);
    }
    this.#watchers.push(watcher);
  }

  tellWatchers(reason: EndReason): void {
    for (const { life, toMessage } of this.#watchers) if (!life.isOver) life.hears(reason, toMessage);
  }

  forgetWatchers(): void {
    this.#watchers = [];
  }
}

/** Of one task: most never look at their signal, and an AbortController costs as much as many messages. */
export class Aborting {
  #controller: AbortController | null = null;
  #isAborted = false;

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort();
    }
    return this.#controller.signal;
  }

  abort(): void {
    this.#isAborted = true;
    this.#controller?.abort();
  }
}
