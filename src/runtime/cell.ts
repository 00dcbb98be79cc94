/**
 * One actor: its place in the tree, its mailbox, and its turns. Its modes:
 *
 * - starting: `init` runs, perhaps for long; messages wait. → running, or failure.
 * - running: takes its turns. → busy while an async handler has not settled; → failure; → stopping.
 * - failing: this life is over, its children are being stopped. → waiting, parked, starting (a restart on request),
 *   stopping, or the parent fails.
 * - waiting: until the back-off delay is over. → starting.
 * - parked: its budget is spent; tried again hourly, or when asked to. → starting.
 * - stopping: children first, then tasks that must settle, then `onStop` if a life was running. → stopped.
 *
 * How it fails and begins anew is in failing.ts, how it stops in stopping.ts. What a life began (timers, tasks,
 * questions in hand) ends with it, and what comes late from an old life is a dead letter. Mailbox, children's names and
 * addresses belong to the cell and outlive its lives.
 */
import type { Actor, Description, OfferOutcome, Ref, Supervision } from './actor.js';
import { Overdue } from './actor.js';
import { Ask } from './ask.js';
import { Envelope } from './envelope.js';
import { Extra, noState, type InHand, type Offer, type RunningTask, type Watcher } from './extra.js';
import { fail, failBecause } from './failing.js';
import { kindOf, type Kind } from './kind.js';
import type { Life } from './life.js';
import type { Mailbox } from './mailbox.js';
import { isPromise } from './promises.js';
import { Ring } from './ring.js';
import type { Runnable } from './scheduler.js';
import { askStop, childStopped, type Stopping } from './stopping.js';
import { attend, cutOff, isDue } from './supervising.js';
import { completed } from './supervision.js';
import type { ActorSystem } from './system.js';

export type Mode = 'starting' | 'running' | 'busy' | 'failing' | 'waiting' | 'parked' | 'stopping' | 'stopped';

export class Cell implements Ref<unknown>, Runnable {
  mode: Mode = 'starting';
  /** The latest life, be it over or not; none before the first. */
  life: Life | null = null;
  state: unknown = noState;
  /** None while nothing waits. */
  mailbox: Mailbox | null = null;
  extra: Extra | null = null;
  /** Since it was asked to stop. */
  stopping: Stopping | null = null;
  handled = 0;
  highWater = 0;
  readonly system: ActorSystem;
  readonly parent: Cell | null;
  readonly name: string;
  readonly kind: Kind;
  readonly args: unknown;
  readonly supervision: Supervision;
  /** A mailbox of this length wants a closer look at what comes: it is long, full, or takes nothing new. */
  #lookAt: number;
  /** What its next turn is for; it is queued for one unless that is nothing. Supervision goes before messages. */
  #next: 'nothing' | 'messages' | 'supervision' = 'supervision';

  constructor(
    system: ActorSystem,
    parent: Cell | null,
    name: string,
    kind: Kind,
    args: unknown,
    supervision: Supervision,
  ) {
    this.system = system;
    this.parent = parent;
    this.name = name;
    this.kind = kind;
    this.args = args;
    this.supervision = supervision;
    this.#lookAt = Math.min(kind.alarmAt - 1, kind.limit);
    system.scheduler.addBeginner(this);
  }

  // ── Messages come ──────────────────────────────────────────────────────────────────────────────────────────────

  tell(message: unknown): void {
    this.deliver(message);
  }

  /** Puts a message, bare or in its envelope, into the mailbox. */
  deliver(item: unknown): void {
    const { scheduler } = this.system;
    const mailbox = (this.mailbox ??= this.system.mailboxes.take());
    const { length } = mailbox;
    if (length >= this.#lookAt && !this.isWelcome(item, mailbox)) return;
    if (mailbox.look !== scheduler.look) mailbox.stamp(scheduler);
    mailbox.push(item);
    if (mailbox.length > this.highWater) this.highWater = mailbox.length;
    if (this.#next !== 'nothing' || this.mode !== 'running') return;
    this.#next = 'messages';
    scheduler.add(this);
  }

  /** Whether there is room for it, perhaps by dropping an older one. What is refused is a dead letter. */
  private isWelcome(item: unknown, mailbox: Mailbox): boolean {
    if (this.mode === 'stopped') return this.turnAway(item, 'stopped');
    if (!isOwn(item)) {
      if (this.stopping?.isDrain) return this.turnAway(item, 'draining');
      if (this.isFull && !this.makesRoom(mailbox)) return this.turnAway(item, 'overflow');
    }
    if (mailbox.length + 1 >= this.kind.alarmAt && !mailbox.isAlarmed) {
      mailbox.isAlarmed = true;
      this.system.report({ type: 'long-queue', path: this.path, length: mailbox.length + 1 });
      this.lookAgain();
    }
    return true;
  }

  private turnAway(item: unknown, reason: 'stopped' | 'draining' | 'overflow'): false {
    this.refuse(item, reason);
    if (this.mode === 'stopped') this.putMailboxBack();
    return false;
  }

  private get isFull(): boolean {
    const stashed = this.extra?.stash?.length ?? 0;
    const waiting = this.extra?.sources?.length ?? 0;
    return waiting > 0 || this.mailboxLength + stashed >= this.kind.limit;
  }

  private makesRoom(mailbox: Mailbox): boolean {
    if (this.kind.overflow !== 'drop-oldest') return false;
    const oldest = mailbox.removeFirst(each => !isOwn(each));
    if (oldest === undefined) return false;
    this.refuse(oldest, 'overflow');
    return true;
  }

  /** Tells and says what became of it: at once, or when there is room. */
  offer(message: unknown, onOutcome: (outcome: OfferOutcome) => void): void {
    const waiting = this.extra?.sources?.length ?? 0;
    const isOpen = this.mode !== 'stopped' && !this.stopping?.isDrain;
    if (isOpen && this.isFull && this.kind.overflow === 'back-pressure' && waiting < this.kind.limit) {
      (this.need().sources ??= new Ring()).push({ item: message, onOutcome });
      this.lookAgain();
      return;
    }
    const isTaken = isOpen && (!this.isFull || this.kind.overflow === 'drop-oldest');
    this.deliver(message);
    onOutcome(isTaken ? 'taken' : isOpen ? 'refused' : 'gone');
  }

  /** Lets in those who wait with their messages, in their order, as far as there is room. */
  private letIn(sources: Ring<Offer>): void {
    const stashed = this.extra?.stash?.length ?? 0;
    const { scheduler } = this.system;
    while (sources.length > 0 && this.mailboxLength + stashed < this.kind.limit) {
      const offer = sources.shift();
      if (!offer) break;
      const mailbox = (this.mailbox ??= this.system.mailboxes.take());
      if (mailbox.look !== scheduler.look) mailbox.stamp(scheduler);
      mailbox.push(offer.item);
      offer.onOutcome('taken');
    }
    if (sources.length === 0) this.need().sources = null;
    this.lookAgain();
  }

  takeNothingNew(): void {
    this.turnSourcesAway('draining');
    this.lookAgain();
  }

  private turnSourcesAway(reason: 'stopped' | 'draining'): void {
    const sources = this.extra?.sources;
    if (!sources) return;
    this.need().sources = null;
    for (let offer = sources.shift(); offer; offer = sources.shift()) {
      this.refuse(offer.item, reason);
      offer.onOutcome('gone');
    }
  }

  /** What is undeliverable is a dead letter, and a question ends. */
  refuse(item: unknown, reason: 'stopped' | 'draining' | 'overflow'): void {
    if (!(item instanceof Envelope)) {
      this.system.deadLetter(this.path, item, reason);
      return;
    }
    const { stale } = item;
    if (stale !== 'cancelled') this.system.deadLetter(this.path, item.content, stale ?? reason);
    if (item instanceof Ask) item.gone(reason === 'overflow' ? 'refused' : 'stopped');
  }

  /** From which length on a message is looked at. */
  lookAgain(): void {
    const { alarmAt, limit } = this.kind;
    if (this.mode === 'stopped' || this.stopping?.isDrain || this.extra?.sources) this.#lookAt = 0;
    else {
      const room = limit - (this.extra?.stash?.length ?? 0);
      this.#lookAt = Math.max(0, this.mailbox?.isAlarmed ? room : Math.min(room, alarmAt - 1));
    }
  }

  // ── Turns ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Something has changed that may let supervision or messages go on. */
  reconsider(): void {
    const wasQueued = this.#next !== 'nothing';
    if (isDue(this)) this.#next = 'supervision';
    else if (wasQueued || this.hasMessages) this.#next = 'messages';
    if (!wasQueued && this.#next !== 'nothing') this.system.scheduler.add(this);
  }

  get isDue(): boolean {
    return this.#next === 'supervision';
  }

  private get hasMessages(): boolean {
    return this.mode === 'running' && this.mailboxLength > 0;
  }

  /** Supervision before messages; it stays queued during the turn, so that a message to itself queues it once. */
  turn(): boolean {
    const isSupervision = this.isDue;
    if (isSupervision) attend(this);
    else this.handleSome();
    // A drain is due once the last message has been handled.
    const isDueNow = isSupervision || this.stopping ? isDue(this) : this.isDue;
    this.#next = isDueNow ? 'supervision' : this.hasMessages ? 'messages' : 'nothing';
    return this.#next !== 'nothing';
  }

  private handleSome(): void {
    const { mailbox, life } = this;
    if (!mailbox || !life || this.mode !== 'running') return;
    for (let left = this.system.messagesPerTurn; left > 0 && mailbox.length > 0; left--) {
      this.handle(mailbox.shift(), life);
      if (this.isDue || this.mode !== 'running') break;
    }
    if (this.extra?.sources) this.letIn(this.extra.sources);
    if (mailbox.isAlarmed && mailbox.length <= this.kind.alarmAt / 2) {
      mailbox.isAlarmed = false;
      this.lookAgain();
    }
    if (mailbox.length === 0) this.putMailboxBack();
  }

  private putMailboxBack(): void {
    if (this.mailbox && this.system.mailboxes.putBack(this.mailbox)) this.mailbox = null;
  }

  private handle(item: unknown, life: Life): void {
    if (item instanceof Envelope) {
      const { stale } = item;
      if (stale) {
        if (stale !== 'cancelled') this.system.deadLetter(this.path, item.content, stale);
        return;
      }
    }
    const { kind } = this;
    let message: unknown = null;
    try {
      message = item instanceof Envelope ? item.open(life) : item;
      if (this.system.probe && !this.mayHandle(message)) return;
      const pending: unknown = kind.handle.call(kind.actor, message, this.state, life);
      if (pending !== undefined && isPromise(pending)) {
        this.suspend(pending, 'busy', { message, item }, () => this.handledWell(item, life));
        if (item instanceof Ask) life.holds(item);
        return;
      }
    } catch (error) {
      if (item instanceof Ask) life.holds(item);
      fail(this, error, message, { item });
      return;
    }
    this.handledWell(item, life);
  }

  private handledWell(item: unknown, life: Life): void {
    if (life.stage === 'stashing') {
      this.putAside(item, life);
      return;
    }
    this.handled++;
    // Answered later, perhaps; until then this life has it in hand.
    if (item instanceof Ask && item.isOpen) life.holds(item);
  }

  /** Whoever looks on may make the actor fail here, by throwing, or the whole process end. */
  private mayHandle(message: unknown): boolean {
    this.system.probe?.({ type: 'message', path: this.path, message });
    return !this.system.scheduler.isHalted;
  }

  private putAside(item: unknown, life: Life): void {
    life.stage = 'open';
    if (item instanceof Ask) life.letGo(item);
    (this.need().stash ??= new Ring()).push(item);
    this.lookAgain();
  }

  unstash(): void {
    const stash = this.extra?.stash;
    if (!stash || !this.extra) return;
    this.extra.stash = null;
    const mailbox = (this.mailbox ??= this.system.mailboxes.take());
    if (mailbox.length === 0) mailbox.stamp(this.system.scheduler);
    for (const item of stash.drain().reverse()) mailbox.unshift(item);
    this.lookAgain();
  }

  /** Waits for an async `init` or handler, under a deadline; a life that ended meanwhile is not disturbed by it. */
  private suspend(
    pending: PromiseLike<unknown>,
    mode: 'starting' | 'busy',
    given: { readonly message: unknown; readonly item: unknown } | null,
    settled: (value: unknown) => void,
  ): void {
    const { deadlines, clock } = this.system;
    this.mode = mode;
    const message = given?.message ?? null;
    const deadline = deadlines.in(this.kind.handlerDeadlineMs, () => {
      fail(this, new Overdue(mode, this.kind.handlerDeadlineMs), message);
    });
    const inHand: InHand = { since: clock.now(), message, deadline };
    this.need().inHand = inHand;
    pending.then(
      value => {
        if (!this.takesBack(inHand)) return;
        this.mode = 'running';
        settled(value);
        this.reconsider();
      },
      (error: unknown) => {
        if (this.takesBack(inHand)) fail(this, error, message, given);
        else this.system.report({ type: 'late-failure', path: this.path, error });
      },
    );
  }

  private takesBack(inHand: InHand): boolean {
    if (this.extra?.inHand !== inHand) return false;
    this.system.probe?.({ type: 'settled', path: this.path });
    if (this.system.scheduler.isHalted) return false;
    this.emptyHands();
    return true;
  }

  private emptyHands(): void {
    if (!this.extra?.inHand) return;
    this.extra.inHand.deadline.cancel();
    this.extra.inHand = null;
  }

  // ── Lives ──────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Runs what a new life begins with; `begun` gets the state that it builds. */
  begin(life: Life, begun: (state: unknown) => void): void {
    this.life = life;
    this.mode = 'starting';
    try {
      const state = this.initialState(life);
      if (isPromise(state)) this.suspend(state, 'starting', null, begun);
      else begun(state);
    } catch (error) {
      fail(this, error);
    }
  }

  private initialState(life: Life): unknown {
    const { actor } = this.kind;
    this.system.probe?.({ type: 'life', path: this.path, number: this.restarts + 1 });
    const { extra, args } = this;
    if (!extra?.isFailureNew || !extra.lastFailure) return actor.init(life, args);
    extra.isFailureNew = false;
    const pending: unknown = actor.onRestart?.(extra.lastFailure, life, args);
    if (!isPromise(pending)) return actor.init(life, args);
    return pending.then(() => (life.isOver ? undefined : actor.init(life, args)));
  }

  /** Ends what this life began. */
  endLife(reason: 'restarted' | 'stopped'): void {
    this.life?.end(reason);
    this.state = noState;
    this.emptyHands();
    const { extra } = this;
    if (!extra) return;
    extra.cancelWait?.();
    extra.cancelWait = null;
    extra.failureAsked = null;
    extra.openAsks = 0;
    for (const task of extra.tasks ?? []) if (!task.mustSettle) task.aborting.abort();
    if (reason === 'stopped') this.releaseKeys(null);
  }

  // ── What a life does with its cell ─────────────────────────────────────────────────────────────────────────────

  spawn<CM, CS, CA>(actor: Actor<CM, CS, CA>, name: string, args: CA, supervision?: Partial<Supervision>): Ref<CM> {
    const extra = this.need();
    const children = (extra.children ??= new Map<string, Cell>());
    if (children.has(name)) throw new Error(`${this.path} has a child named ${name} already`);
    if (name === '' || name.includes('/')) throw new Error(`${JSON.stringify(name)} cannot name an actor`);
    const defaults = this.system.supervision;
    const kept = supervision ? (extra.keptLike = completed(supervision, defaults, extra.keptLike)) : defaults;
    const cell = new Cell(this.system, this, name, kindOf(actor), args, kept);
    children.set(name, cell);
    return cell;
  }

  taskBegan(task: RunningTask, deadlineMs: number): void {
    (this.need().tasks ??= new Set()).add(task);
    const { life } = this;
    task.deadline = this.system.deadlines.in(deadlineMs, () => {
      this.taskSettled(task);
      if (!task.mustSettle) task.aborting.abort();
      const error = new Overdue(`task ${task.name}`, deadlineMs);
      if (life?.isOver) this.system.report({ type: 'late-failure', path: this.path, error });
      else failBecause(this, error);
    });
  }

  taskSettled(task: RunningTask): void {
    task.deadline?.cancel();
    this.extra?.tasks?.delete(task);
    if (this.stopping) this.reconsider();
  }

  addWatcher(watcher: Watcher): void {
    if (this.mode === 'stopped') {
      watcher.life.hears(this.stopping?.endReason ?? 'stopped', watcher.toMessage);
      return;
    }
    if (this.mode === 'parked') watcher.life.hears('parked', watcher.toMessage);
    this.need().addWatcher(watcher);
  }

  /** Makes it the one at the address, for the life or, with null, for all its lives. */
  register(key: string, life: Life | null): void {
    (this.need().keys ??= new Map()).set(key, life);
    this.system.register(key, this);
  }

  /** Frees its addresses, except those that this life holds, and those that are its own for all its lives. */
  releaseKeys(keptBy: Life | null, withItsOwn = false): void {
    const keys = this.extra?.keys;
    if (!keys) return;
    for (const [key, life] of keys) {
      if (life === null ? !withItsOwn : life === keptBy) continue;
      this.system.unregister(key, this);
      keys.delete(key);
    }
  }

  need(): Extra {
    return (this.extra ??= new Extra());
  }

  // ── What others see ────────────────────────────────────────────────────────────────────────────────────────────

  get path(): string {
    if (!this.parent) return '/';
    const names = [this.name];
    for (let { parent } = this; parent?.parent; { parent } = parent) names.push(parent.name);
    return `/${names.reverse().join('/')}`;
  }

  get mailboxLength(): number {
    return this.mailbox?.length ?? 0;
  }

  get hasChildren(): boolean {
    const { extra } = this;
    return extra !== null && extra.children !== null && extra.children.size > 0;
  }

  get restarts(): number {
    return this.extra?.restarts ?? 0;
  }

  get children(): Iterable<Cell> {
    return this.extra?.children?.values() ?? [];
  }

  child(name: string): Cell | undefined {
    return this.extra?.children?.get(name);
  }

  childStopped(child: Cell): void {
    this.extra?.children?.delete(child.name);
    childStopped(this);
  }

  cutOff(): void {
    cutOff(this);
  }

  /** Whatever waits is a dead letter. */
  emptyMailbox(): void {
    const { mailbox } = this;
    this.mailbox = null;
    while (mailbox && mailbox.length > 0) this.refuse(mailbox.shift(), 'stopped');
    const stash = this.extra?.stash;
    while (stash && stash.length > 0) this.refuse(stash.shift(), 'stopped');
    this.turnSourcesAway('stopped');
  }

  /** Asks it to stop within the time; calls back when it has. The earliest of several deadlines counts. */
  askStop(withinMs: number, stopped?: () => void): void {
    askStop(this, this.system.clock.monotonic() + withinMs, { stopped });
  }

  get oldestTask(): { readonly name: string; readonly since: number } | null {
    for (const task of this.extra?.tasks ?? []) return task;
    if (this.stopping?.hookSince !== undefined) return { name: 'stop hook', since: this.stopping.hookSince };
    const inHand = this.extra?.inHand;
    return inHand ? { name: this.mode, since: inHand.since } : null;
  }

  describe(): Description {
    const isAlive = this.mode === 'running' || this.mode === 'busy';
    if (!isAlive) return { state: this.mode };
    return this.kind.actor.describe?.(this.state) ?? { state: 'running' };
  }
}

/** What a life sends itself (timers, results, replies) is bounded by what it began, and is never refused. */
function isOwn(item: unknown): boolean {
  return item instanceof Envelope && item.life !== null;
}
