/**
 * Owns    the ledger of allocation rounds: what was wanted, what was granted, and who was refused by what.
 * Hears   round (pool), look (control), store-ready.
 * Tells   who asks.
 * Stores  the last day of it, in batches; a crash loses the last few seconds, and how long the last entry went on.
 * If it dies: nothing is lost; what it was told outlives a life.
 */
import { Fault } from '../domain/fault.js';
import { Ledger, type LedgerEntry, type NotedRound } from '../domain/ledger.js';
import type { PoolConfig } from '../domain/pool-config.js';
import type { Outside } from '../ports/outside.js';
import type { LedgerRow } from '../ports/store.js';
import type { Actor, Context, ReplyTo, TaskOutcome } from '../runtime/actor.js';
import { ledgerAddress, storeAddress } from './addresses.js';
import type { Settings } from './settings.js';
import { asFault, type StoreNotice } from './store.js';

export type LedgerMessage =
  | { readonly type: 'round'; readonly round: NotedRound; readonly sampledAt: number | null }
  /** The entries after the time, epoch milliseconds. */
  | { readonly type: 'look'; readonly since: number; readonly replyTo: ReplyTo<LedgerLook> }
  | { readonly type: 'read'; readonly outcome: TaskOutcome<readonly LedgerRow[]> }
  | { readonly type: 'write' }
  | { readonly type: 'written'; readonly entries: readonly LedgerEntry[]; readonly outcome: TaskOutcome<void> }
  | StoreNotice;

export interface LedgerLook {
  readonly last: Ledger['last'];
  readonly entries: readonly LedgerEntry[];
  /** In force, and what of it is disabled. */
  readonly config: Pick<PoolConfig, 'labels' | 'providers' | 'disabled'>;
}

export interface LedgerArgs {
  readonly outside: Outside;
  readonly settings: Settings;
  /** Outlives a life: nobody would tell it again. */
  readonly ledger: Ledger;
}

interface LedgerState extends LedgerArgs {
  areRowsRead: boolean;
  isWriteDue: boolean;
}

/** A round that makes a difference comes seldom; one write serves all that came meanwhile. */
const writeEveryMs = 10_000;

export const ledgerActor: Actor<LedgerMessage, LedgerState, LedgerArgs> = {
  kind: 'ledger',
  mailbox: { limit: 10_000, overflow: 'drop-oldest' },

  init(ctx, args) {
    ctx.register(ledgerAddress);
    ctx.tell(storeAddress, { type: 'subscribe', path: ctx.path, listener: ctx.self });
    return { ...args, areRowsRead: false, isWriteDue: false };
  },

  handle(message, state, ctx) {
    switch (message.type) {
      case 'round':
        state.ledger.note(message.round, message.sampledAt, ctx.now());
        if (state.ledger.hasChanged) writeSoon(state, ctx);
        return;
      case 'look':
        message.replyTo.reply(look(message.since, state));
        return;
      case 'store-ready':
        if (!state.areRowsRead) read(state, ctx);
        return;
      case 'read':
        if (message.outcome.ok) restore(message.outcome.value, state);
        else warn('is not read', asFault(message.outcome.error), state);
        return;
      case 'write':
        write(state, ctx);
        return;
      case 'written':
        state.isWriteDue = false;
        if (message.outcome.ok) return;
        warn('is not written', asFault(message.outcome.error), state);
        state.ledger.giveBackChanged(message.entries);
        return;
      case 'store-away':
    }
  },

  describe: ({ ledger }) => ({ state: `${ledger.size} entries` }),
};

function look(since: number, { ledger, settings }: LedgerState): LedgerLook {
  const { labels, providers, disabled } = settings.config;
  return { last: ledger.last, entries: ledger.since(since), config: { labels, providers, disabled } };
}

function read({ outside }: LedgerState, ctx: Context<LedgerMessage>): void {
  ctx.task(
    'read',
    () => outside.store.shared.ledger(),
    outcome => ({ type: 'read', outcome }),
  );
}

function restore(rows: readonly LedgerRow[], state: LedgerState): void {
  state.areRowsRead = true;
  state.ledger.restore(rows.flatMap(({ body }) => entryOf(body) ?? []));
}

/** Null: it is not one of ours, or of another release. */
function entryOf(body: string): LedgerEntry | null {
  try {
    const entry = JSON.parse(body) as Partial<LedgerEntry>;
    const isWhole = typeof entry.at === 'number' && typeof entry.until === 'number' && typeof entry.rounds === 'number';
    const areLists = [entry.labels, entry.refusals, entry.providers].every(Array.isArray);
    return isWhole && areLists ? (entry as LedgerEntry) : null;
  } catch {
    return null;
  }
}

function writeSoon(state: LedgerState, ctx: Context<LedgerMessage>): void {
  if (state.isWriteDue) return;
  state.isWriteDue = true;
  ctx.timer('write', writeEveryMs, { type: 'write' });
}

function write({ outside, ledger }: LedgerState, ctx: Context<LedgerMessage>): void {
  const entries = ledger.takeChanged();
  const rows = entries.map(entry => ({ at: entry.at, body: JSON.stringify(entry) }));
  ctx.task(
    'write',
    () => outside.store.shared.writeLedger(rows, ledger.keptFrom),
    outcome => ({ type: 'written', entries, outcome }),
  );
}

function warn(what: string, fault: Fault, { outside }: LedgerState): void {
  outside.log.debug(`the ledger of rounds ${what}: ${fault.message}`, { actor: 'ledger', fault: fault.kind });
}
