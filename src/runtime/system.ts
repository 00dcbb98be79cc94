/**
 * A tree of actors with its clock, its chance, its run queue and its addresses. The first actor is the guardian; when it
 * cannot be kept alive the system gives up.
 */
import type { Actor, Address, AskOutcome, OfferOutcome, Ref, ReplyTo, Supervision, TaskIo } from './actor.js';
import { defaultSupervision } from './actor.js';
import { Ask } from './ask.js';
import { Cell } from './cell.js';
import type { Clock } from './clock.js';
import { systemClock } from './clock.js';
import { Deadlines } from './deadlines.js';
import type { Aborting } from './extra.js';
import { askRestart, failBecause } from './failing.js';
import type { ActorView } from './inspect.js';
import { viewOf } from './inspect.js';
import { kindOf } from './kind.js';
import type { Life } from './life.js';
import { Mailboxes } from './mailbox.js';
import type { Random } from './random.js';
import { systemRandom } from './random.js';
import { Scheduler } from './scheduler.js';
import { askStop } from './stopping.js';

export interface SystemOptions {
  readonly clock?: Clock;
  readonly random?: Random;
  /** What every child has that its parent does not say otherwise of. */
  readonly supervision?: Partial<Supervision>;
  /** Told of failures, dead letters and late stops: for the log. Must not throw. */
  readonly report?: (event: RuntimeEvent) => void;
  /** The guardian could not be kept alive. */
  readonly onGiveUp?: (reason: string) => void;
  /** For tests: draws which of the actors that are ready has its turn, of one message; otherwise first come, first served. */
  readonly order?: Random;
  /** For tests: told of each point before it is passed. To throw at a message or a life makes the actor fail there. */
  readonly probe?: (point: Point) => void;
}

export type RuntimeEvent =
  | {
      readonly type: 'failed';
      readonly path: string;
      readonly error: unknown;
      readonly count: number;
      /** The message in hand; null if there was none. */
      readonly inHand: unknown;
    }
  | {
      readonly type: 'resumed' | 'parked' | 'escalated' | 'stopped-late' | 'late-failure';
      readonly path: string;
      readonly error: unknown;
    }
  | { readonly type: 'restarted'; readonly path: string; readonly restarts: number }
  | { readonly type: 'long-queue'; readonly path: string; readonly length: number }
  | { readonly type: 'dead-letter'; readonly path: string; readonly reason: DeadLetterReason; readonly count: number };

/** Where a run of actors can be looked at, and disturbed. */
export type Point =
  | { readonly type: 'message'; readonly path: string; readonly message: unknown }
  | { readonly type: 'life'; readonly path: string; readonly number: number }
  | { readonly type: 'settled' | 'stopped'; readonly path: string };

export type DeadLetterReason = 'stopped' | 'draining' | 'overflow' | 'old-life' | 'expired' | 'unknown' | 'late-reply';

export interface DeadLetter {
  readonly path: string;
  readonly reason: DeadLetterReason;
  readonly message: unknown;
  readonly at: number;
}

/** So many dead letters are kept to be looked at. */
const deadLetterSamples = 50;
/** At most so many messages in one turn, so that a flooded actor does not keep the others waiting. */
const messagesPerTurn = 64;

/** Makes the actor that is not there. */
interface Demand {
  readonly life: Life;
  readonly start: (name: string) => Ref<never> | null;
}

export class ActorSystem {
  readonly clock: Clock;
  readonly random: Random;
  readonly supervision: Supervision;
  readonly scheduler: Scheduler;
  readonly deadlines: Deadlines;
  readonly report: (event: RuntimeEvent) => void;
  readonly probe: ((point: Point) => void) | null;
  readonly messagesPerTurn: number;
  readonly mailboxes = new Mailboxes();
  /** Dead letters so far, by reason. */
  readonly deadLetterCounts = new Map<DeadLetterReason, number>();
  readonly deadLetterSample: DeadLetter[] = [];
  readonly #onGiveUp: (reason: string) => void;
  readonly #addresses = new Map<string, Cell>();
  readonly #demands = new Map<string, Demand>();
  readonly #lateStops: string[] = [];
  #isStopping = false;
  #root: Cell | null = null;

  constructor(options: SystemOptions = {}) {
    this.clock = options.clock ?? systemClock;
    this.random = options.random ?? systemRandom;
    this.supervision = { ...defaultSupervision, ...options.supervision };
    this.scheduler = new Scheduler(this.clock, options.order);
    this.deadlines = new Deadlines(this.clock, callback => this.scheduler.atSliceEnd(callback));
    this.messagesPerTurn = options.order ? 1 : messagesPerTurn;
    this.probe = options.probe ?? null;
    this.report = options.report ?? (() => undefined);
    this.#onGiveUp = options.onGiveUp ?? (() => undefined);
  }

  /** Starts the guardian. One per system. */
  start<M, S, A>(guardian: Actor<M, S, A>, args: A, supervision: Partial<Supervision> = {}): Ref<M> {
    if (this.#root) throw new Error('this system has its guardian already');
    const kept: Supervision = { ...this.supervision, exhausted: 'escalate', ...supervision };
    this.#root = new Cell(this, null, '', kindOf(guardian), args, kept);
    return this.#root;
  }

  /** Stops the whole tree within one deadline. Resolves with the paths of those that had to be cut off. */
  stop(withinMs: number): Promise<readonly string[]> {
    return this.#end(withinMs, false);
  }

  /** The same after everybody has finished what is queued for them; nothing new is taken meanwhile. */
  drain(withinMs: number): Promise<readonly string[]> {
    return this.#end(withinMs, true);
  }

  #end(withinMs: number, isDrain: boolean): Promise<readonly string[]> {
    const root = this.#root;
    if (!root) return Promise.resolve([]);
    this.#isStopping = true;
    const by = this.clock.monotonic() + withinMs;
    return new Promise(resolve => {
      askStop(root, by, { isDrain, stopped: () => resolve(this.#lateStops) });
    });
  }

  stoppedLate(path: string, doing: string | undefined): void {
    if (this.#isStopping) this.#lateStops.push(path);
    this.report({ type: 'stopped-late', path, error: doing });
  }

  find(path: string): Cell | undefined {
    let cell = this.#root ?? undefined;
    for (const name of path.split('/')) if (name !== '') cell = cell?.child(name);
    return cell;
  }

  /** What the tree looks like from this path on; null where there is no such actor. */
  inspect(path: string): ActorView | null {
    const cell = this.find(path);
    return cell ? viewOf(cell) : null;
  }

  /** Begins a new life of the actor at the path, whatever its budget says. False where there is no such actor. */
  restart(path: string): boolean {
    const cell = this.find(path);
    if (cell) askRestart(cell);
    return cell !== undefined;
  }

  tell<T>(to: Ref<T> | Address<T>, message: T): void {
    const cell = this.resolve(to);
    if (cell) cell.deliver(message);
    else this.deadLetter(keyOf(to), message, 'unknown');
  }

  /** Calls back once: with the reply, at the deadline, or when the asked actor is gone. Never on anybody's stack. */
  ask<T, R>(
    to: Ref<T> | Address<T>,
    question: (replyTo: ReplyTo<R>) => T,
    deadlineMs: number,
    onOutcome: (outcome: AskOutcome<R>) => void,
  ): void {
    this.askNow<T, R>(to, question, deadlineMs, outcome => queueMicrotask(() => onOutcome(outcome)));
  }

  /** The same for those who only pass the outcome on, and may do so at once. */
  askNow<T, R>(
    to: Ref<T> | Address<T>,
    question: (replyTo: ReplyTo<R>) => T,
    deadlineMs: number,
    onOutcome: (outcome: AskOutcome<R>) => void,
  ): void {
    const ask = new Ask(this, to, onOutcome as (outcome: AskOutcome<unknown>) => void);
    ask.content = question(ask);
    const cell = this.resolve(to);
    if (!cell) {
      this.deadLetter(keyOf(to), ask.content, 'unknown');
      ask.gone('unknown');
      return;
    }
    this.deadlines.add(ask, deadlineMs);
    cell.deliver(ask);
  }

  /** `ask` for those who are no actor, and for tasks. */
  request<T, R>(
    to: Ref<T> | Address<T>,
    question: (replyTo: ReplyTo<R>) => T,
    deadlineMs: number,
  ): Promise<AskOutcome<R>> {
    return new Promise(resolve => this.askNow(to, question, deadlineMs, resolve));
  }

  lateReply(asked: Ref<never> | Address<never>, reply: unknown): void {
    this.deadLetter(keyOf(asked), reply, 'late-reply');
  }

  /** Tells, and resolves when the message is in the mailbox: a source that awaits it is as fast as the other reads. */
  offer<T>(to: Ref<T> | Address<T>, message: T): Promise<OfferOutcome> {
    return new Promise(resolve => this.offerTo(to, message, resolve));
  }

  offerTo<T>(to: Ref<T> | Address<T>, message: T, onOutcome: (outcome: OfferOutcome) => void): void {
    const cell = this.resolve(to);
    if (cell) {
      cell.offer(message, onOutcome);
      return;
    }
    this.deadLetter(keyOf(to), message, 'unknown');
    onOutcome('gone');
  }

  /** Who is registered at the address now, or can be made for it. */
  resolve<T>(to: Ref<T> | Address<T>): Cell | undefined {
    if (to instanceof Cell) return to;
    const key = keyOf(to);
    return this.#addresses.get(key) ?? (this.#demands.size > 0 ? this.#onDemand(key) : undefined);
  }

  /** For people: its path, or its address where nobody is registered there. */
  whereIs(to: Ref<never> | Address<never>): string {
    return 'key' in to ? (this.#addresses.get(to.key)?.path ?? to.key) : to.path;
  }

  onDemand(kind: string, life: Life, start: (name: string) => Ref<never> | null): void {
    this.#demands.set(kind, { life, start });
  }

  #onDemand(key: string): Cell | undefined {
    const colon = key.indexOf(':');
    const demand = this.#demands.get(key.slice(0, colon));
    if (!demand || demand.life.isOver) return undefined;
    try {
      const cell = demand.start(key.slice(colon + 1)) as unknown as Cell | null;
      cell?.register(key, null);
      return cell ?? undefined;
    } catch (error) {
      failBecause(demand.life.cell, error);
      return undefined;
    }
  }

  register(key: string, cell: Cell): void {
    this.#addresses.set(key, cell);
  }

  unregister(key: string, cell: Cell): void {
    if (this.#addresses.get(key) === cell) this.#addresses.delete(key);
  }

  escalate(parent: Cell | null, reason: string): void {
    if (parent) failBecause(parent, new Error(reason));
    else this.#onGiveUp(reason);
  }

  deadLetter(path: string, message: unknown, reason: DeadLetterReason): void {
    const count = (this.deadLetterCounts.get(reason) ?? 0) + 1;
    this.deadLetterCounts.set(reason, count);
    if (this.deadLetterSample.length === deadLetterSamples) this.deadLetterSample.shift();
    this.deadLetterSample.push({ path, reason, message, at: this.clock.now() });
    this.report({ type: 'dead-letter', path, reason, count });
  }

  taskIo(aborting: Aborting): TaskIo {
    return {
      get signal() {
        return aborting.signal;
      },
      ask: (to, question, deadlineMs) => this.request(to, question, deadlineMs),
      offer: (to, message) => this.offer(to, message),
      sleep: delayMs => this.#sleep(delayMs, aborting.signal),
      now: () => this.clock.now(),
      random: () => this.random(),
    };
  }

  #sleep(delayMs: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      if (signal.aborted) {
        resolve();
        return;
      }
      const wake = (): void => {
        signal.removeEventListener('abort', wake);
        cancel();
        resolve();
      };
      const cancel = this.clock.after(delayMs, wake);
      signal.addEventListener('abort', wake);
    });
  }
}

function keyOf(to: Ref<never> | Address<never>): string {
  return 'key' in to ? to.key : to.path;
}
