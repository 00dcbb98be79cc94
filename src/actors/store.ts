/**
 * Owns    the way to the database: the start with its migrations and its lock, the slots and who has one, and the
 *         question whether the database is there at all.
 * Hears   lease-wanted, lease-returned (node actors), away-seen (whoever a write failed for), subscribe.
 * Tells   lease-granted, lease-asked-back; store-ready and store-away to subscribers; its health to stats.
 * Stores  nothing; it is the way to what is stored.
 * If it dies: it starts anew; who holds, waits or listens is still known to the next life.
 *
 * A slot is a warm connection for exclusive use. Slots are lent last-in-first-out, so that those that are not needed
 * grow old and are closed; deletes come before launches, and providers take turns. While the database is away nothing
 * is lent, one probe with back-off asks for it, and everybody else waits to be told.
 */
import { backoffMs } from '../domain/backoff.js';
import { FairQueue } from '../domain/fair-queue.js';
import { Fault } from '../domain/fault.js';
import type { Installation } from '../domain/ids.js';
import type { Outside } from '../ports/outside.js';
import type { Slot, StoreStart } from '../ports/store.js';
import type { Actor, Context, Ref, TaskOutcome } from '../runtime/actor.js';
import { statsAddress, storeAddress } from './addresses.js';
import type { Settings } from './settings.js';

/** A connection for exclusive use, until it is given back. */
export type Lease = Slot;

export interface LeaseOwner {
  readonly path: string;
  readonly provider: string;
  readonly isDelete: boolean;
  readonly ref: Ref<LeaseNotice>;
  /** Comes back with the grant: a lease that was asked for and given up may still be on its way. */
  readonly request: number;
}

export type LeaseNotice =
  | { readonly type: 'lease-granted'; readonly lease: Lease; readonly request: number }
  /** Others wait: an owner gives it back, and asks again when it has something to write. */
  | { readonly type: 'lease-asked-back' };

export type StoreNotice =
  | { readonly type: 'store-ready'; readonly installation: Installation }
  | { readonly type: 'store-away'; readonly reason: string };

export type StoreMessage =
  | { readonly type: 'subscribe'; readonly path: string; readonly listener: Ref<StoreNotice> }
  | { readonly type: 'unsubscribe'; readonly path: string }
  | { readonly type: 'lease-wanted'; readonly owner: LeaseOwner }
  /** `lease` null: none was granted yet, and none is wanted any more. */
  | {
      readonly type: 'lease-returned';
      readonly path: string;
      readonly lease: Lease | null;
      readonly isBroken: boolean;
    }
  | { readonly type: 'owner-ended'; readonly path: string }
  | { readonly type: 'away-seen'; readonly reason: string }
  | { readonly type: 'try' }
  | { readonly type: 'started'; readonly outcome: TaskOutcome<StoreStart> }
  | { readonly type: 'lock-lost'; readonly start: StoreStart }
  | { readonly type: 'slot-opened'; readonly outcome: TaskOutcome<Slot> }
  | { readonly type: 'slot-closed' }
  | { readonly type: 'open-again' }
  | { readonly type: 'close-old-slots' };

/** Who has what and who waits for what outlives a life: they would wait for ever for one that forgot them. */
export interface Lending {
  readonly listeners: Map<string, Ref<StoreNotice>>;
  readonly idle: { readonly slot: Slot; readonly since: number }[];
  readonly held: Map<string, { readonly slot: Slot; readonly owner: LeaseOwner; isAskedBack: boolean }>;
  readonly waiting: FairQueue<LeaseOwner>;
  /** Slots that are being opened, are open, or are being closed: each may be a connection at the server. */
  readonly slots: Set<Slot | Opening>;
  /** Owners whose end is heard of: a slot must not be lost with one that was parked or cut off. */
  readonly watched: Map<string, LeaseOwner>;
}

/** One that is being opened is told from the others only. */
interface Opening {
  readonly since: number;
}

export const nothingLent = (): Lending => ({
  listeners: new Map(),
  idle: [],
  held: new Map(),
  waiting: new FairQueue(2),
  slots: new Set(),
  watched: new Map(),
});

export interface StoreArgs {
  readonly outside: Outside;
  readonly settings: Settings;
  readonly lending: Lending;
}

interface StoreState extends Omit<StoreArgs, 'lending'>, Lending {
  phase: { name: 'starting' | 'ready' } | { name: 'away'; reason: string };
  failures: number;
  start: StoreStart | null;
  opening: number;
  /** The server gives no more connections than there are, though it is there. Null: it does. */
  scarcity: { readonly reason: string; readonly refusals: number; readonly until: number } | null;
}

/** Connections left to the operator, to backups and to the original's own tools. */
const reserve = 10;
/** The shared ones and the one that holds the lock. */
const ownConnections = 5;
/** A server forks or allocates for each: more at once make all of them slow. */
const openingAtOnce = 20;
const idleMs = 60_000;
/** One connection that is refused costs nothing, and everybody waits for the first that is not. */
const awayBackoff = { minMs: 500, maxMs: 1_000, factor: 2, jitter: 0.3 };
const scarcityBackoff = { minMs: 500, maxMs: 15_000, factor: 2, jitter: 0.3 };

export const storeActor: Actor<StoreMessage, StoreState, StoreArgs> = {
  kind: 'store',
  mailbox: { limit: 100_000, overflow: 'refuse-newest' },

  init(ctx, { outside, settings, lending }) {
    ctx.register(storeAddress);
    const state: StoreState = {
      outside,
      settings,
      phase: { name: 'starting' },
      failures: 0,
      start: null,
      ...lending,
      opening: 0,
      scarcity: null,
    };
    for (const owner of state.watched.values()) watch(owner, ctx);
    tellHealth(state, ctx);
    begin(state, ctx);
    ctx.timer('close-old-slots', idleMs / 4, { type: 'close-old-slots' });
    return state;
  },

  handle(message, state, ctx) {
    switch (message.type) {
      case 'subscribe':
        state.listeners.set(message.path, message.listener);
        if (state.phase.name === 'ready') tellReady(message.listener, state);
        return;
      case 'unsubscribe':
        state.listeners.delete(message.path);
        return;
      case 'lease-wanted':
        wantLease(message.owner, state, ctx);
        return;
      case 'lease-returned':
        takeBack(message.path, message.lease, message.isBroken, state, ctx);
        return;
      case 'owner-ended':
        state.watched.delete(message.path);
        takeBack(message.path, null, false, state, ctx);
        return;
      case 'away-seen':
        if (state.phase.name === 'ready') goAway(message.reason, state, ctx);
        return;
      case 'try':
        begin(state, ctx);
        return;
      case 'started':
        started(message.outcome, state, ctx);
        return;
      case 'lock-lost':
        if (message.start === state.start && state.phase.name === 'ready') {
          goAway('the connection that holds the lock was lost', state, ctx);
        }
        return;
      case 'slot-opened':
        slotOpened(message.outcome, state, ctx);
        return;
      case 'slot-closed':
      case 'open-again':
        lend(state, ctx);
        return;
      case 'close-old-slots':
        closeOldSlots(state, ctx);
    }
  },

  async onStop(state) {
    const slots = [...state.idle, ...state.held.values()].map(({ slot }) => slot.close());
    await Promise.allSettled(slots);
    await state.outside.store.close();
  },

  describe(state) {
    // Whether it still gives no more is not known once nobody wants one.
    const few =
      state.scarcity && state.waiting.length > 0 ? `; the server gives no more: ${state.scarcity.reason}` : '';
    const slots = `${state.held.size} lent, ${state.idle.length} idle, ${state.waiting.length} waiting${few}`;
    if (state.phase.name === 'away') return { state: `away: ${state.phase.reason}` };
    return { state: state.start ? `${state.phase.name}: ${state.start.server}, ${slots}` : state.phase.name };
  },
};

function begin(state: StoreState, ctx: Context<StoreMessage>): void {
  const { store, holder } = state.outside;
  ctx.task(
    'start',
    () => store.start(holder),
    outcome => ({ type: 'started', outcome }),
    { mustSettle: true },
  );
}

function started(outcome: TaskOutcome<StoreStart>, state: StoreState, ctx: Context<StoreMessage>): void {
  if (!outcome.ok) {
    const fault = asFault(outcome.error);
    if (fault.kind === 'store.locked') state.outside.giveUp(fault.message);
    state.failures++;
    state.phase = { name: 'away', reason: fault.message };
    tellHealth(state, ctx);
    ctx.timer('try', backoffMs(awayBackoff, state.failures, ctx.random()), { type: 'try' });
    return;
  }
  const start = outcome.value;
  state.start = start;
  state.failures = 0;
  state.phase = { name: 'ready' };
  void start.lockLost.then(() => ctx.self.tell({ type: 'lock-lost', start }));
  warnOfFewConnections(state);
  tellHealth(state, ctx);
  for (const listener of state.listeners.values()) tellReady(listener, state);
  lend(state, ctx);
}

function tellReady(listener: Ref<StoreNotice>, { start }: StoreState): void {
  if (start) listener.tell({ type: 'store-ready', installation: start.installation });
}

/** The database went away: slots are of no use any more, and everybody waits for `store-ready`. */
function goAway(reason: string, state: StoreState, ctx: Context<StoreMessage>): void {
  state.phase = { name: 'away', reason };
  state.scarcity = null;
  state.failures = 1;
  for (const { slot } of state.idle.splice(0)) close(slot, state, ctx);
  tellHealth(state, ctx);
  for (const listener of state.listeners.values()) listener.tell({ type: 'store-away', reason });
  ctx.timer('try', backoffMs(awayBackoff, 1, ctx.random()), { type: 'try' });
}

function tellHealth({ phase }: StoreState, ctx: Context<StoreMessage>): void {
  const reason = phase.name === 'ready' ? null : phase.name === 'away' ? phase.reason : 'starting';
  ctx.tell(statsAddress, { type: 'dependency', name: 'store', reason, isVital: true });
}

function warnOfFewConnections(state: StoreState): void {
  const wanted = 2 * state.settings.config.providers.reduce((sum, each) => sum + Math.max(0, each.maxServers), 0);
  const limit = slotLimit(state);
  if (limit >= wanted) return;
  state.outside.log.warn(
    `the database allows ${limit} connections for nodes; twice the sum of max-servers is ${wanted}: they will be shared`,
    { actor: 'store', next: 'raise max_connections of the server, or database.max-connections' },
  );
}

/** The bound counts every connection of ours, as whoever set it counts them at the server. */
function slotLimit({ settings, start }: StoreState): number {
  const allowed = settings.config.database.maxConnections ?? (start?.connectionsAllowed ?? 0) - reserve;
  return Math.max(1, allowed - ownConnections);
}

// ── Slots ────────────────────────────────────────────────────────────────────────────────────────────────────────

function wantLease(owner: LeaseOwner, state: StoreState, ctx: Context<StoreMessage>): void {
  if (!state.watched.has(owner.path)) {
    state.watched.set(owner.path, owner);
    watch(owner, ctx);
  }
  const held = state.held.get(owner.path);
  if (held) {
    // A restarted owner has forgotten that it has one, and perhaps that it was asked for it.
    owner.ref.tell({ type: 'lease-granted', lease: held.slot, request: owner.request });
    held.isAskedBack = false;
    lend(state, ctx);
    return;
  }
  state.waiting.remove(each => each.path === owner.path);
  state.waiting.push(owner, { lane: owner.isDelete ? 0 : 1, source: owner.provider });
  lend(state, ctx);
}

function watch({ ref, path }: LeaseOwner, ctx: Context<StoreMessage>): void {
  ctx.watch(ref, () => ({ type: 'owner-ended', path }));
}

function lend(state: StoreState, ctx: Context<StoreMessage>): void {
  if (state.phase.name !== 'ready') return;
  for (let ready = state.idle.pop(); ready; ready = state.idle.pop()) {
    const owner = state.waiting.shift();
    if (!owner) {
      state.idle.push(ready);
      return;
    }
    state.held.set(owner.path, { slot: ready.slot, owner, isAskedBack: false });
    owner.ref.tell({ type: 'lease-granted', lease: ready.slot, request: owner.request });
  }
  while (mayOpen(state, ctx.now())) open(state, ctx);
  if (state.waiting.length <= state.opening) return;
  let wanted = state.waiting.length - state.opening;
  for (const held of state.held.values()) {
    if (wanted-- === 0) return;
    // Once is enough: each is answered, and a crowd that waits must not flood those who hold.
    if (held.isAskedBack) continue;
    held.isAskedBack = true;
    held.owner.ref.tell({ type: 'lease-asked-back' });
  }
}

/** One more. */
function mayOpen(state: StoreState, now: number): boolean {
  const { opening, waiting, slots, scarcity } = state;
  if (opening >= Math.min(openingAtOnce, waiting.length) || slots.size >= slotLimit(state)) return false;
  // One by one, until one is given.
  return scarcity === null || (opening === 0 && now >= scarcity.until);
}

function open(state: StoreState, ctx: Context<StoreMessage>): void {
  const { slots, outside } = state;
  const opening: Opening = { since: ctx.now() };
  state.opening++;
  slots.add(opening);
  ctx.task(
    'open a slot',
    async io => {
      try {
        const slot = await outside.store.openSlot();
        slots.add(slot);
        // Nobody hears of it any more.
        if (io.signal.aborted) await closed(slot, slots);
        return slot;
      } finally {
        slots.delete(opening);
      }
    },
    outcome => ({ type: 'slot-opened', outcome }),
  );
}

/** Its place is free for another one when the server has closed it. */
function close(slot: Slot, { slots }: StoreState, ctx: Context<StoreMessage>): void {
  ctx.task(
    'close a slot',
    () => closed(slot, slots),
    () => ({ type: 'slot-closed' }),
  );
}

async function closed(slot: Slot, slots: Lending['slots']): Promise<void> {
  try {
    await slot.close();
  } finally {
    slots.delete(slot);
  }
}

function slotOpened(outcome: TaskOutcome<Slot>, state: StoreState, ctx: Context<StoreMessage>): void {
  state.opening--;
  if (outcome.ok) {
    // Of those that were opened together some may be given and some refused.
    if (state.scarcity !== null && ctx.now() >= state.scarcity.until) state.scarcity = null;
    state.idle.push({ slot: outcome.value, since: ctx.now() });
    lend(state, ctx);
  } else if (state.phase.name === 'ready') {
    refused(asFault(outcome.error).message, state, ctx);
  }
}

/**
 * Others may have taken the server's connections. Whoever has one goes on with it, and hands it on to those who wait; if
 * the server is away after all, the next statement says so.
 */
function refused(reason: string, state: StoreState, ctx: Context<StoreMessage>): void {
  if (state.held.size + state.idle.length + state.opening === 0) {
    goAway(reason, state, ctx);
    return;
  }
  // Of those that were opened together one refusal counts.
  if (state.scarcity !== null && ctx.now() < state.scarcity.until) return;
  const refusals = (state.scarcity?.refusals ?? 0) + 1;
  if (refusals === 1) {
    const next = 'raise max_connections of the server, or lower database.max-connections';
    state.outside.log.warn(`the database gives no more connections: ${reason}`, { actor: 'store', next });
  }
  const restMs = backoffMs(scarcityBackoff, refusals, ctx.random());
  state.scarcity = { reason, refusals, until: ctx.now() + restMs };
  ctx.timer('open-again', restMs, { type: 'open-again' });
  lend(state, ctx);
}

function takeBack(
  path: string,
  lease: Lease | null,
  isBroken: boolean,
  state: StoreState,
  ctx: Context<StoreMessage>,
): void {
  state.waiting.remove(owner => owner.path === path);
  const held = state.held.get(path);
  state.held.delete(path);
  const slot = held?.slot ?? lease;
  // One that was taken back before is not known here, and is only closed.
  const isOver = !held || isBroken || state.phase.name !== 'ready' || state.slots.size > slotLimit(state);
  if (slot && isOver) close(slot, state, ctx);
  else if (slot) state.idle.push({ slot, since: ctx.now() });
  lend(state, ctx);
}

function closeOldSlots(state: StoreState, ctx: Context<StoreMessage>): void {
  // The oldest lie at the front, because lending takes from the back.
  const young = state.idle.findIndex(({ since }) => ctx.now() - since < idleMs);
  for (const { slot } of state.idle.splice(0, young === -1 ? Infinity : young)) close(slot, state, ctx);
  // One that an earlier life was closing is closed by now, and nobody has told this one.
  lend(state, ctx);
  ctx.timer('close-old-slots', idleMs / 4, { type: 'close-old-slots' });
}

/** What a task of a port rejects with is a fault; anything else is a bug and crashes the actor that sees it. */
export function asFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  throw error;
}
