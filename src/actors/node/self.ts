/** A node's actor from inside: its state, how it writes its row, its connection and its permits. */
import type { LaunchEnding } from '../../domain/canary.js';
import { factSheet } from '../../domain/fact-sheet.js';
import { isLost, isNodeLost } from '../../domain/lost-row.js';
import type { NodePatch, NodeRow } from '../../domain/node-row.js';
import type { LogFields } from '../../ports/log.js';
import type { Outside } from '../../ports/outside.js';
import type { ShellPort } from '../../ports/shell.js';
import type { Session } from '../../ports/store.js';
import type { Context, Ref, TaskHandle, TaskIo } from '../../runtime/actor.js';
import {
  gaugesAddress,
  historyAddress,
  imageAddress,
  nodeNameAddress,
  poolAddress,
  statsAddress,
  targetAddress,
} from '../addresses.js';
import type { NodeMessage } from '../node.js';
import type { OwnConnection } from '../own-connection.js';
import type { PermitMessage, Work } from '../permits.js';
import type { SubnodesMessage } from '../subnodes.js';
import type { Settings } from '../settings.js';
import type { DeletePart } from '../../domain/delete-step.js';
import { newStepIo, type StepIo } from './step.js';

/** What outlives a life of the node's actor. */
export interface NodeHome {
  /** As it was last written or read. */
  row: NodeRow;
  readonly outside: Outside;
  readonly settings: Settings;
  readonly shell: ShellPort;
  readonly supervisor: Ref<PermitMessage>;
  /** Whether this is not the first life of its actor. */
  hadLife: boolean;
}

export interface Self {
  readonly home: NodeHome;
  /** Whether no earlier life can have written the row without hearing of it. */
  isRowSure: boolean;
  /** A call whose answer nobody has was begun by then: when this life began, or when the answer was given up. */
  begunBy: number;
  readonly connection: OwnConnection;
  readonly permits: Map<Work, 'waiting' | 'held'>;
  /** The launch step in hand. */
  step: TaskHandle | null;
  readonly parts: Set<DeletePart>;
  /** What failed and is tried again when its time comes. */
  readonly resting: Set<'step' | DeletePart>;
  /** Results whose write waits for a lease. */
  readonly keptForLease: NodeMessage[];
  /** Messages whose write waits for the database, in their order. */
  readonly keptForStore: NodeMessage[];
  /** The periodic check; null: none is due. */
  check: 'due' | 'under-way' | null;
  /** When what rests is tried again, epoch milliseconds. */
  restsUntil: number;
  /** Faults in a row of what is being tried. */
  failures: number;
  /** The test job was asked for in this life of the actor. */
  isTestAsked: boolean;
  /** An operator wants it deleted now, permit or not. */
  isUrgent: boolean;
  /** Holds the actors of its subnodes; null: none was needed in this life. */
  subnodes: Ref<SubnodesMessage> | null;
  /** Subnodes of this group whose launch has failed. */
  lostSubnodes: number;
  /** A call of this life or an earlier one may have put it into its master with its label. */
  isLabelInDoubt: boolean;
  /** Out of its master, and to be deleted where no job is heard of. */
  isLeaving: boolean;
  /** The row is gone, and the actor is on its way. */
  isGone: boolean;
}

export type NodeContext = Context<NodeMessage>;

/** A row that changes so often under its only writer is a bug. */
const writeTries = 4;

/**
 * Writes what `make` says of the row, by compare-and-set. A refusal brings the row as it is, and `make` is asked again;
 * null means that nothing is to be written. True where something was.
 */
export async function change(node: Self, ctx: NodeContext, make: (row: NodeRow) => NodePatch | null): Promise<boolean> {
  const { home } = node;
  const session: Session = node.connection.lease ?? home.outside.store.shared;
  for (let tries = 0; tries < writeTries; tries++) {
    const { row } = home;
    const patch = make(row);
    if (!patch) return false;
    const outcome = await session.changeNode(row.id, row, patch);
    if (!(await learnRow(outcome.kind === 'gone' ? null : outcome.row, node, ctx))) return false;
    if (outcome.kind === 'changed') return true;
    home.outside.log.info(`node ${row.id}: its row was changed by others`, whereabouts(row));
  }
  throw new Error(`the row of node ${home.row.id} changes faster than it can be written`);
}

/** The row as it is, where somebody may have written it without hearing of it. False where it is gone. */
export async function readRow(node: Self, ctx: NodeContext): Promise<boolean> {
  const { home } = node;
  const isThere = await learnRow(await home.outside.store.shared.node(home.row.id), node, ctx);
  node.isRowSure = true;
  return isThere;
}

/** What the database says of the row. What it has lost is put back; false where it is gone because it was deleted. */
async function learnRow(found: NodeRow | null, node: Self, ctx: NodeContext): Promise<boolean> {
  const { home } = node;
  if (found && !isNodeLost(home.row, found)) {
    accept(found, node, ctx);
    return true;
  }
  const session: Session = node.connection.lease ?? home.outside.store.shared;
  const row = await session.restoreNode(home.row);
  if (!row) {
    leave(node, ctx);
    return false;
  }
  if (isLost(home.row, found)) {
    home.outside.log.warn(`node ${row.id}: the database had lost its row, which is as it was again`, whereabouts(row));
  }
  accept(row, node, ctx);
  return true;
}

/** The row is durable like this: pool, gauges and history learn it, and whoever listens learns of a new state. */
function accept(row: NodeRow, node: Self, ctx: NodeContext): void {
  const before = node.home.row;
  node.home.row = row;
  const fact = factSheet(row);
  ctx.tell(poolAddress, { type: 'node', fact });
  ctx.tell(gaugesAddress, { type: 'node', fact });
  ctx.tell(historyAddress, { type: 'node-changed', before, after: row });
  // Masters are not asked of nodes that are on their way.
  if (row.state !== 'building' || before.state !== 'building') tellTarget(node, ctx);
  if (row.nodename !== before.nodename) settleIn(node, ctx);
  if (row.state === before.state) return;
  const { provider, label, target } = row;
  ctx.tell(statsAddress, {
    type: 'happened',
    event: {
      type: `node.${row.state}`,
      message: `node ${row.id} (${row.nodename ?? 'no name yet'}) is ${row.state}, was ${before.state}`,
      node: Number(row.id),
      provider,
      label,
      target,
    },
  });
}

function tellTarget({ home: { row } }: Self, ctx: NodeContext): void {
  ctx.tell(targetAddress(row.target), { type: 'node-changed' });
}

/** Found by its name from now on, and known to the pool. */
export function settleIn({ home: { row } }: Self, ctx: NodeContext): void {
  if (row.nodename !== null) ctx.register(nodeNameAddress(row.nodename));
}

/** The row is gone: so is the actor. */
export function leave(node: Self, ctx: NodeContext): void {
  node.isGone = true;
  ctx.tell(poolAddress, { type: 'node-gone', id: node.home.row.id });
  ctx.tell(gaugesAddress, { type: 'node-gone', id: node.home.row.id });
  ctx.tell(historyAddress, { type: 'node-gone', id: node.home.row.id });
  tellTarget(node, ctx);
  ctx.stop(ctx.self);
}

/** What the launch says of the image that it booted from. */
export function tellImage(ending: LaunchEnding, { home: { row, settings } }: Self, ctx: NodeContext): void {
  const image = settings.lastKnown.label(row.label)?.image;
  if (image === undefined) return;
  const told = { type: 'launch-ended', node: row.id, snapshot: row.snapshotId, ending } as const;
  ctx.tell(imageAddress(row.provider, image), told);
}

export function whereabouts(row: NodeRow): LogFields {
  const logger = row.state === 'delete' ? 'nodepool.NodeDeleter' : 'nodepool.NodeLauncher';
  return { logger, node: Number(row.id), provider: row.provider, label: row.label, target: row.target };
}

export function stepIo({ home, begunBy }: Self, ctx: NodeContext, task: TaskIo, wasPrepared: boolean): StepIo {
  const { row } = home;
  return newStepIo(home, { row, whose: { node: row.id }, task, begunBy, wasPrepared }, ctx);
}

// ── Permits ──────────────────────────────────────────────────────────────────────────────────────────────────────

export function hasPermit(work: Work, node: Self, ctx: NodeContext): boolean {
  const permit = node.permits.get(work);
  if (permit === 'held') return true;
  if (permit === undefined) {
    node.permits.set(work, 'waiting');
    node.home.supervisor.tell({ type: 'permit-wanted', work, id: node.home.row.id, ref: ctx.self });
  }
  return false;
}

export function giveBackPermit(work: Work, node: Self): void {
  if (!node.permits.delete(work)) return;
  node.home.supervisor.tell({ type: 'permit-returned', work, id: node.home.row.id });
}
