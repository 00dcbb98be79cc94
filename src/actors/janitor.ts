/**
 * Owns    the ticks of the periodic checks, and what was seen once of leaks in the clouds.
 * Hears   its own clock, by the cron expressions of the configuration; reconfigured (config); store-ready;
 *         find-aliens (control).
 * Tells   nodes supervisors of rows that have no actor; node actors that they may be too old, are to be checked, or have
 *         lost their server; the pool how many servers no row counts; the supervisors of providers, images and targets
 *         which of them rows name; images that they are to tidy up, and their nodes; clouds what to delete.
 * Stores  nothing.
 * If it dies: the next tick comes all the same.
 */
import { grouped } from '../domain/grouped.js';
import type { Installation } from '../domain/ids.js';
import type { NodeRow } from '../domain/node-row.js';
import { nodesTooOld } from '../domain/replacement.js';
import type { Outside } from '../ports/outside.js';
import type { Actor, Context, TaskOutcome } from '../runtime/actor.js';
import {
  imageAddress,
  imagesAddress,
  janitorAddress,
  nodeAddress,
  nodesAddress,
  providersAddress,
  storeAddress,
  targetsAddress,
} from './addresses.js';
import { findAliens, type AlienQuestion } from './janitor/aliens.js';
import type { Rows, Sweeping } from './janitor/sweep.js';
import {
  cleaned,
  describeSweeps,
  forgetSeen,
  lookAround,
  looked,
  sweep,
  type CleanedUp,
  type Looked,
} from './janitor/sweeping.js';
import { awaitSchedule } from './schedule.js';
import type { Settings } from './settings.js';
import type { StoreNotice } from './store.js';

export type JanitorMessage =
  | { readonly type: 'cleanup' }
  | { readonly type: 'read' }
  | { readonly type: 'look-at-schedule' }
  | { readonly type: 'check' }
  | { readonly type: 'ready-read'; readonly outcome: TaskOutcome<readonly NodeRow[]> }
  | { readonly type: 'look-at-checks' }
  | { readonly type: 'rows-read'; readonly outcome: TaskOutcome<RowsRead> }
  | AlienQuestion
  | { readonly type: 'aliens-found'; readonly settle: () => void }
  | Looked
  | CleanedUp
  | { readonly type: 'reconfigured' }
  | StoreNotice;

interface RowsRead extends Rows {
  /** When the reading began. */
  readonly readAt: number;
}

export interface JanitorArgs {
  readonly outside: Outside;
  readonly settings: Settings;
}

export interface JanitorState extends JanitorArgs {
  cleanups: number;
  isCleaning: boolean;
  isReading: boolean;
  /** As they were read last; null: not yet. */
  rows: Rows | null;
  /** Providers whose clouds this cleanup waits for. */
  readonly awaited: Set<string>;
  /** Null until the database has said it. */
  installation: Installation | null;
  /** By provider. */
  readonly sweepings: Map<string, Sweeping>;
  /** Leaks that were deleted. */
  removed: number;
}

export type JanitorContext = Context<JanitorMessage>;

const firstCleanupMs = 1_000;
/** Clouds that do not answer so soon are compared with the rows of the next cleanup. */
const lookPatienceMs = 15_000;

export const janitorActor: Actor<JanitorMessage, JanitorState, JanitorArgs> = {
  kind: 'janitor',

  init(ctx, args) {
    ctx.register(janitorAddress);
    ctx.timer('cron cleanup', firstCleanupMs, { type: 'read' });
    nextCheck(args, ctx);
    ctx.tell(storeAddress, { type: 'subscribe', path: ctx.path, listener: ctx.self });
    return {
      ...args,
      cleanups: 0,
      isCleaning: false,
      isReading: false,
      rows: null,
      awaited: new Set(),
      installation: null,
      sweepings: new Map(),
      removed: 0,
    };
  },

  handle(message, state, ctx) {
    switch (message.type) {
      case 'cleanup':
        state.isCleaning = true;
        lookAround(state, ctx);
        ctx.timer('clouds are slow', lookPatienceMs, { type: 'read' });
        readOnceSeen(state, ctx);
        return;
      case 'read':
        state.awaited.clear();
        readOnceSeen(state, ctx);
        return;
      case 'rows-read':
        state.isCleaning = state.isReading = false;
        // The next tick tries again.
        if (message.outcome.ok) cleanUp(message.outcome.value, state, ctx);
        else forgetSeen(state);
        // What a former life left takes room, and is not to be found out only at the next tick.
        if (state.cleanups === 1) ctx.timer('cron cleanup', firstCleanupMs, { type: 'cleanup' });
        else nextCleanup(state, ctx);
        return;
      case 'look-at-schedule':
        nextCleanup(state, ctx);
        return;
      case 'check':
        ctx.task(
          'read the ready nodes',
          () => state.outside.store.shared.nodes(),
          outcome => ({ type: 'ready-read', outcome }),
        );
        return;
      case 'ready-read':
        if (message.outcome.ok) checkReady(message.outcome.value, ctx);
        nextCheck(state, ctx);
        return;
      case 'look-at-checks':
        nextCheck(state, ctx);
        return;
      case 'find-aliens':
        findAliens(message, state, ctx);
        return;
      case 'aliens-found':
        message.settle();
        return;
      case 'looked':
        looked(message, state);
        if (state.isCleaning) readOnceSeen(state, ctx);
        return;
      case 'cleaned':
        cleaned(message, state, ctx);
        return;
      case 'store-ready':
        state.installation = message.installation;
        return;
      case 'store-away':
        return;
      case 'reconfigured':
        // What has gone from the configuration goes from the tree once no row names it.
        nextCheck(state, ctx);
        if (!state.isCleaning) ctx.timer('cron cleanup', firstCleanupMs, { type: 'read' });
    }
  },

  describe: state => ({ state: [`${state.cleanups} cleanups`, ...describeSweeps(state)].join('; ') }),
};

/** Once for all, when the clouds have been seen: what a cloud has is compared with rows that are read after it. */
function readOnceSeen(state: JanitorState, ctx: JanitorContext): void {
  if (state.awaited.size > 0 || state.isReading) return;
  ctx.cancelTimer('clouds are slow');
  state.isCleaning = state.isReading = true;
  const readAt = ctx.now();
  ctx.task(
    'read the rows',
    () => readRows(state, readAt),
    outcome => ({ type: 'rows-read', outcome }),
  );
}

async function readRows({ outside, rows }: JanitorState, readAt: number): Promise<RowsRead> {
  const { shared } = outside.store;
  const [nodes, snapshots] = await Promise.all([shared.nodesSince(rows?.nodes ?? []), shared.snapshots()]);
  return { nodes, snapshots, readAt, unread: new Set(outside.store.unreadTags) };
}

function nextCleanup(state: JanitorState, ctx: JanitorContext): void {
  awaitSchedule('cleanup', { due: { type: 'cleanup' }, later: { type: 'look-at-schedule' } }, state, ctx);
}

function nextCheck(state: JanitorArgs, ctx: JanitorContext): void {
  awaitSchedule('check', { due: { type: 'check' }, later: { type: 'look-at-checks' } }, state, ctx);
}

/** Each checks itself, as many at once as its provider allows. */
function checkReady(nodes: readonly NodeRow[], ctx: JanitorContext): void {
  for (const { id, state } of nodes) if (state === 'ready') ctx.tell(nodeAddress(id), { type: 'check' });
}

function cleanUp(rows: RowsRead, state: JanitorState, ctx: JanitorContext): void {
  const { nodes, snapshots } = rows;
  const before = new Set(state.rows?.nodes);
  state.cleanups++;
  state.rows = rows;
  // Rows may name what is no longer configured: it gets its actors, so that it can be seen, and deleted.
  const providers = new Set([...nodes, ...snapshots].map(({ provider }) => provider));
  ctx.tell(providersAddress, { type: 'in-use', names: [...providers] });
  ctx.tell(targetsAddress, { type: 'in-use', names: [...new Set(nodes.map(({ target }) => target))] });
  const byProvider = grouped(nodes, ({ provider }) => provider);
  tidyImages(rows, state, ctx);
  sweep(rows, state, ctx);
  refresh(nodes, state, ctx);
  const { nodeCleanup, testCleanup } = state.settings.timings;
  const youngest = Math.min(nodeCleanup, testCleanup);
  for (const [provider, own] of byProvider) {
    ctx.tell(nodesAddress(provider), { type: 'rows', rows: own, readAt: rows.readAt });
    for (const row of own) {
      if (!before.has(row)) ctx.tell(nodeAddress(row.id), { type: 'row-seen', revision: row.revision });
      if (ctx.now() - row.stateTime * 1000 > youngest && canBeTooOld.has(row.state)) {
        ctx.tell(nodeAddress(row.id), { type: 'too-old' });
      }
    }
  }
}

/** Ready nodes that have idled too long. */
function refresh(nodes: readonly NodeRow[], { settings }: JanitorState, ctx: JanitorContext): void {
  const why = 'it has been ready for longer than max-ready-age';
  for (const { name, maxReadyAgeMs } of settings.config.labels) {
    if (maxReadyAgeMs === null) continue;
    const own = nodes.filter(({ label }) => label === name);
    for (const id of nodesTooOld(own, maxReadyAgeMs, ctx.now())) ctx.tell(nodeAddress(id), { type: 'outdated', why });
  }
}

const canBeTooOld: ReadonlySet<NodeRow['state']> = new Set<NodeRow['state']>(['building', 'used', 'test']);

/** Each image is told of its rows and of the nodes that are launched from it; those that rows alone name are there now. */
function tidyImages({ nodes, snapshots, readAt }: RowsRead, { settings }: JanitorState, ctx: JanitorContext): void {
  const byImage = grouped(nodes, ({ provider, label }) =>
    imageKey(provider, settings.lastKnown.label(label)?.image ?? ''),
  );
  const rowsOf = grouped(snapshots, ({ provider, image }) => imageKey(provider, image));
  const byProvider = new Map<string, Set<string>>();
  for (const { provider, image } of snapshots) {
    byProvider.set(provider, (byProvider.get(provider) ?? new Set()).add(image));
  }
  for (const { name } of settings.config.providers) if (!byProvider.has(name)) byProvider.set(name, new Set());
  for (const [provider, names] of byProvider) {
    ctx.tell(imagesAddress(provider), { type: 'in-use', names: [...names] });
    for (const image of names) {
      const key = imageKey(provider, image);
      ctx.tell(imageAddress(provider, image), {
        type: 'tidy',
        rows: rowsOf.get(key) ?? [],
        readAt,
        nodes: byImage.get(key) ?? [],
      });
    }
  }
}

const imageKey = (provider: string, image: string): string => JSON.stringify([provider, image]);
