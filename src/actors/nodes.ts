/**
 * Owns    the node actors of one provider, and how many of them launch and delete at once.
 * Hears   adopt (pool), rows (janitor), findings (target), permit-wanted, permit-returned (node actors), figures (control),
 *         store-ready, reconfigured.
 * Tells   permit-granted; a node what was found of it, and what its row is like; the pool which there are.
 * Stores  nothing.
 * If it dies: its nodes stop with it, and its next life finds them in the rows.
 */
import { nodeId, type NodeId } from '../domain/ids.js';
import type { NodeRow } from '../domain/node-row.js';
import type { SlaveFinding } from '../domain/slave-check.js';
import type { Outside } from '../ports/outside.js';
import type { ShellPort } from '../ports/shell.js';
import type { Actor, Context, EndReason, Ref, ReplyTo, TaskOutcome } from '../runtime/actor.js';
import { nodeAddress, nodesAddress, poolAddress, storeAddress } from './addresses.js';
import { nodeActor, type NodeMessage } from './node.js';
import { Permits, works, type PermitGranted, type PermitMessage, type Work } from './permits.js';
import type { Settings } from './settings.js';
import type { StoreNotice } from './store.js';

export type NodesMessage =
  /** Rows that were just granted. */
  | { readonly type: 'adopt'; readonly rows: readonly NodeRow[] }
  /** All rows of the provider (janitor): some may have no actor yet. */
  | ({ readonly type: 'rows' } & RowsRead)
  /** What Jenkins knows of them and they do not (target). */
  | { readonly type: 'findings'; readonly findings: readonly SlaveFinding[] }
  | { readonly type: 'rows-read'; readonly outcome: TaskOutcome<RowsRead> }
  | { readonly type: 'read-rows' }
  | { readonly type: 'deleted-again' }
  | { readonly type: 'reconfigured' }
  | { readonly type: 'figures'; readonly replyTo: ReplyTo<WorkFigures> }
  | { readonly type: 'node-ended'; readonly id: NodeId; readonly reason: EndReason }
  | PermitMessage
  | StoreNotice;

interface RowsRead {
  readonly rows: readonly NodeRow[];
  /** When the reading began. */
  readonly readAt: number;
}

/** How much of each kind of work is under way, waits, and may be under way at once. */
export type WorkFigures = Readonly<
  Record<Exclude<Work, 'check'>, { readonly underWay: number; readonly waiting: number; readonly limit: number }>
>;

/** What no row says once the database has lost it: it outlives a life of the supervisor (ADR 4). */
export interface NodesSeen {
  /** Of the nodes that have or had an actor. */
  highestId: number;
  /** When actors were done with their nodes, the oldest first: rows that were read before that name them still. */
  readonly gone: Map<NodeId, number>;
}

export const noNodesSeen = (): NodesSeen => ({ highestId: 0, gone: new Map() });

export interface NodesArgs {
  readonly provider: string;
  readonly outside: Outside;
  readonly settings: Settings;
  readonly seen: NodesSeen;
}

interface NodesState extends NodesArgs {
  readonly shell: ShellPort;
  readonly permits: Readonly<Record<Work, Permits<NodeId, PermitGranted>>>;
  areRowsRead: boolean;
}

const readAgainMs = 5_000;
/** More than are deleted in the time that a read of the rows may take. */
const goneMax = 10_000;
/** Dead machines take the whole deadline each: a rack of them is through in minutes, and not in hours (lesson 135). */
const checksAtOnce = 20;

export const nodesActor: Actor<NodesMessage, NodesState, NodesArgs> = {
  kind: 'nodes',
  isDynamic: true,
  mailbox: { limit: 100_000, overflow: 'refuse-newest' },

  init(ctx, args) {
    ctx.register(nodesAddress(args.provider));
    ctx.tell(storeAddress, { type: 'subscribe', path: ctx.path, listener: ctx.self });
    return {
      ...args,
      shell: args.outside.openShell(args.provider),
      permits: { launch: permitsFor('launch'), delete: permitsFor('delete'), check: permitsFor('check') },
      areRowsRead: false,
    };
  },

  handle(message, state, ctx) {
    switch (message.type) {
      case 'store-ready':
      case 'read-rows':
        // Also when it comes back: it may have lost what was committed last, and have what was thought to be deleted.
        readRows(state, ctx);
        return;
      case 'store-away':
      case 'deleted-again':
        return;
      case 'rows-read':
        rowsRead(message.outcome, state, ctx);
        return;
      case 'adopt':
        for (const row of message.rows) adopt(row, state, ctx);
        return;
      case 'rows':
        adoptAll(message, state, ctx);
        return;
      case 'findings':
        for (const { row, fact } of message.findings) {
          const node = adopt(row, state, ctx) ?? nodeAddress(row.id);
          ctx.tell(node, { type: 'slave-compared', fact, revision: row.revision });
        }
        return;
      case 'reconfigured':
        for (const work of works) state.permits[work].grant(limitOf(work, state));
        return;
      case 'figures':
        message.replyTo.reply({ launch: figuresOf('launch', state), delete: figuresOf('delete', state) });
        return;
      case 'permit-wanted':
        state.permits[message.work].ask(message.id, message.ref, limitOf(message.work, state));
        return;
      case 'permit-returned':
        state.permits[message.work].giveBack(message.id, limitOf(message.work, state));
        return;
      case 'node-ended':
        for (const work of works) {
          state.permits[work].giveBack(message.id, limitOf(work, state));
        }
        if (message.reason === 'stopped') remember(message.id, state.seen, ctx.now());
    }
  },

  async onStop(state) {
    await state.shell.close();
  },

  describe({ areRowsRead, permits: { launch, delete: deletes } }) {
    if (!areRowsRead) return { state: 'waiting for the database' };
    return {
      state: `launching ${launch.held} (${launch.waiting} wait), deleting ${deletes.held} (${deletes.waiting} wait)`,
    };
  },
};

const permitsFor = (work: Work): Permits<NodeId, PermitGranted> => new Permits({ type: 'permit-granted', work });

function limitOf(work: Work, { provider, settings }: NodesState): number {
  if (work === 'check') return checksAtOnce;
  const concurrency = settings.lastKnown.provider(provider)?.concurrency;
  // Of a provider of which nothing is known a launch can only fail; its turn to do so comes all the same.
  return (work === 'launch' ? concurrency?.launches : concurrency?.deletes) ?? 1;
}

function figuresOf(work: keyof WorkFigures, state: NodesState): WorkFigures[keyof WorkFigures] {
  const { held, waiting } = state.permits[work];
  return { underWay: held, waiting, limit: limitOf(work, state) };
}

function readRows({ provider, outside }: NodesState, ctx: Context<NodesMessage>): void {
  const readAt = ctx.now();
  ctx.task(
    'read the rows',
    async () => ({ rows: await outside.store.shared.nodes({ provider }), readAt }),
    outcome => ({ type: 'rows-read', outcome }),
  );
}

function rowsRead(outcome: TaskOutcome<RowsRead>, state: NodesState, ctx: Context<NodesMessage>): void {
  if (!outcome.ok) {
    ctx.timer('read-rows', readAgainMs, { type: 'read-rows' });
    return;
  }
  const { rows } = outcome.value;
  if (!state.areRowsRead) for (const row of rows) if (isUnderWay(row)) state.permits.launch.holdFromStart(row.id);
  state.areRowsRead = true;
  const before = livingNodes(ctx);
  adoptAll(outcome.value, state, ctx);
  const revisions = new Map(rows.map(({ id, revision }) => [id, revision]));
  for (const id of before) ctx.tell(nodeAddress(id), { type: 'row-seen', revision: revisions.get(id) ?? null });
}

function adoptAll({ rows, readAt }: RowsRead, state: NodesState, ctx: Context<NodesMessage>): void {
  for (const row of rows) {
    const goneAt = state.seen.gone.get(row.id);
    if (goneAt === undefined) adopt(row, state, ctx);
    else if (goneAt < readAt) deleteAgain(row, state, ctx);
  }
  const { provider, seen } = state;
  ctx.tell(poolAddress, { type: 'living', provider, nodes: new Set(livingNodes(ctx)), highestId: seen.highestId });
}

const livingNodes = (ctx: Context<NodesMessage>): NodeId[] => ctx.childNames().map(name => nodeId(Number(name)));

/** The database has lost that it was deleted, when nothing of it was left. */
function deleteAgain({ id }: NodeRow, { outside }: NodesState, ctx: Context<NodesMessage>): void {
  outside.log.warn(`node ${id}: the database had lost that it was deleted`, { actor: ctx.path });
  ctx.task(
    `delete ${id} again`,
    () => outside.store.shared.deleteNode(id),
    () => ({ type: 'deleted-again' }),
  );
}

/** Its server may exist: whatever the limit is now, it is one of those that launch at once. */
function isUnderWay(row: NodeRow): boolean {
  return row.state === 'building' && row.step !== null && row.step !== 'queued';
}

function remember(id: NodeId, { gone }: NodesSeen, now: number): void {
  gone.delete(id);
  gone.set(id, now);
  const [oldest] = gone.keys();
  if (gone.size > goneMax && oldest !== undefined) gone.delete(oldest);
}

/** The node's actor, if it is a new one. */
function adopt(row: NodeRow, state: NodesState, ctx: Context<NodesMessage>): Ref<NodeMessage> | null {
  const name = String(row.id);
  if (ctx.hasChild(name)) return null;
  const { outside, settings, shell, seen } = state;
  seen.highestId = Math.max(seen.highestId, row.id);
  const ref = ctx.spawn(nodeActor, name, { row, outside, settings, shell, supervisor: ctx.self, hadLife: false });
  ctx.watch(ref, reason => ({ type: 'node-ended', id: row.id, reason }));
  return ref;
}
