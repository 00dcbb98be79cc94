import type {
  Actor,
  Address,
  AskOutcome,
  Context,
  EndReason,
  OfferOutcome,
  Ref,
  ReplyTo,
  Supervision,
  TaskHandle,
  TaskIo,
  TaskOptions,
  TaskOutcome,
} from './actor.js';
import type { Ask } from './ask.js';
import type { Cell } from './cell.js';
import { KeyedTimer, Outcome } from './envelope.js';
import { Aborting, type RunningTask } from './extra.js';
import { endByItself } from './failing.js';
import { askStop } from './stopping.js';

/** What ends with a life. */
class Held {
  readonly timers = new Map<string, KeyedTimer>();
  /** Questions that have been handled, and not answered. */
  readonly asks = new Set<Ask>();
}

/**
 * One life of an actor, as the actor itself sees it. What a life begins is kept here and ends with it. Once it is over
 * its context is closed: a handler that outlived its deadline, or a stop hook, can still tell, and begins nothing more.
 */
export class Life implements Context<unknown> {
  readonly cell: Cell;
  /** `stashing`: the message in hand is to be put aside. */
  stage: 'open' | 'stashing' | 'over' = 'open';
  /** None while it has neither timers nor questions in hand, as most have not. */
  private held: Held | null = null;

  constructor(cell: Cell) {
    this.cell = cell;
  }

  get isOver(): boolean {
    return this.stage === 'over';
  }

  get self(): Ref<unknown> {
    return this.cell;
  }

  get path(): string {
    return this.cell.path;
  }

  now(): number {
    return this.cell.system.clock.now();
  }

  random(): number {
    return this.cell.system.random();
  }

  spawn<CM, CS, CA>(actor: Actor<CM, CS, CA>, name: string, args: CA, supervision?: Partial<Supervision>): Ref<CM> {
    this.mustBeOpen();
    return this.cell.spawn(actor, name, args, supervision);
  }

  stop(ref: Ref<never>): void {
    this.mustBeOpen();
    const cell = ref as unknown as Cell;
    if (cell === this.cell) endByItself(cell);
    else cell.askStop(cell.supervision.stopMs);
  }

  drain(ref: Ref<never>, withinMs: number): void {
    this.mustBeOpen();
    const by = this.cell.system.clock.monotonic() + withinMs;
    askStop(ref as unknown as Cell, by, { isDrain: true });
  }

  hasChild(name: string): boolean {
    return this.cell.child(name) !== undefined;
  }

  childNames(): string[] {
    return Array.from(this.cell.children, child => child.name);
  }

  tell<T>(to: Ref<T> | Address<T>, message: T): void {
    this.cell.system.tell(to, message);
  }

  ask<T, R>(
    to: Ref<T> | Address<T>,
    question: (replyTo: ReplyTo<R>) => T,
    deadlineMs: number,
    toMessage: (outcome: AskOutcome<R>) => unknown,
  ): void {
    this.mustBeOpen();
    this.cell.need().openAsks++;
    this.cell.system.askNow<T, R>(to, question, deadlineMs, outcome => {
      if (!this.isOver) this.cell.need().openAsks--;
      this.hears(outcome, toMessage);
    });
  }

  offer<T>(to: Ref<T> | Address<T>, message: T, toMessage: (outcome: OfferOutcome) => unknown): void {
    this.mustBeOpen();
    this.cell.system.offerTo(to, message, outcome => this.hears(outcome, toMessage));
  }

  task<T>(
    name: string,
    run: (io: TaskIo) => Promise<T>,
    toMessage: (outcome: TaskOutcome<T>) => unknown,
    { mustSettle = false, deadlineMs = this.cell.kind.taskDeadlineMs }: TaskOptions = {},
  ): TaskHandle {
    this.mustBeOpen();
    const aborting = new Aborting();
    const task: RunningTask = { name, since: this.now(), mustSettle, aborting, deadline: null };
    this.cell.taskBegan(task, deadlineMs);
    void this.run(run, aborting).then(outcome => {
      this.hears(outcome, toMessage);
      this.cell.taskSettled(task);
    });
    return {
      cancel: () => {
        if (!mustSettle) aborting.abort();
      },
    };
  }

  private async run<T>(run: (io: TaskIo) => Promise<T>, aborting: Aborting): Promise<TaskOutcome<T>> {
    try {
      return { ok: true, value: await run(this.cell.system.taskIo(aborting)) };
    } catch (error) {
      return { ok: false, error };
    }
  }

  stash(): void {
    this.mustBeOpen();
    this.stage = 'stashing';
  }

  unstash(): void {
    this.mustBeOpen();
    this.cell.unstash();
  }

  timer(key: string, delayMs: number, message: unknown, state: string | null = null): void {
    this.mustBeOpen();
    this.cancelTimer(key);
    const timer = new KeyedTimer(this, key, message, state);
    // It stays in the map until its message is handled: until then it can be taken back.
    (this.held ??= new Held()).timers.set(key, timer);
    timer.cancelClock = this.cell.system.clock.after(delayMs, () => this.cell.deliver(timer));
  }

  cancelTimer(key: string): void {
    const timer = this.held?.timers.get(key);
    if (!timer) return;
    timer.cancel();
    this.held?.timers.delete(key);
  }

  leave(state: string): void {
    for (const timer of [...(this.held?.timers.values() ?? [])]) if (timer.state === state) this.cancelTimer(timer.key);
  }

  watch(ref: Ref<never>, toMessage: (reason: EndReason) => unknown): void {
    this.mustBeOpen();
    (ref as unknown as Cell).addWatcher({ life: this, toMessage });
  }

  register(at: Address<unknown>): void {
    this.mustBeOpen();
    this.cell.register(at.key, this);
  }

  onDemand<T>(kind: string, start: (name: string) => Ref<T> | null): void {
    this.mustBeOpen();
    this.cell.system.onDemand(kind, this, start);
  }

  // ── What the cell tells its life ───────────────────────────────────────────────────────────────────────────────

  /** Something this life waited for has come: a message is made of it in the actor's own turn. */
  hears<O>(outcome: O, toMessage: (outcome: O) => unknown): void {
    this.cell.deliver(new Outcome(this, outcome, toMessage as (outcome: unknown) => unknown));
  }

  /** The message of a timer is in the actor's hands. */
  timerCame(timer: KeyedTimer): void {
    this.held?.timers.delete(timer.key);
  }

  /** The question is in the actor's hands until it ends. */
  holds(ask: Ask): void {
    if (!ask.isOpen || ask.holder) return;
    ask.holder = this;
    (this.held ??= new Held()).asks.add(ask);
  }

  letGo(ask: Ask): void {
    if (ask.holder !== this) return;
    ask.holder = null;
    this.held?.asks.delete(ask);
  }

  end(reason: 'restarted' | 'stopped'): void {
    this.stage = 'over';
    const { held } = this;
    if (!held) return;
    this.held = null;
    for (const timer of held.timers.values()) timer.cancel();
    for (const ask of held.asks) ask.gone(reason);
  }

  private mustBeOpen(): void {
    if (this.isOver) throw new Error(`this life of ${this.path} is over`);
  }
}
