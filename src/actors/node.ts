/**
 * Owns    one node: its row, its launch, its job, its hold, its deletion. Nobody else writes the row.
 * Hears   job-started, job-finished (events), slave-compared (target), auto-hold (jobs), hold, release, delete (control),
 *         too-old, outdated, check, server-gone (janitor), permits from its
 *         supervisor, leases from the store, the outcome of its own steps.
 * Tells   the pool its whole fact after each durable change; stats what happened; target and cloud what it needs.
 * Stores  every change of its row, by compare-and-set on state and step, before it acts on it.
 * If it dies: the mailbox stays, and the next life goes on at the step that the row names. A create in hand is in doubt.
 *
 * A message whose write cannot be done, because the database is away or the lease was handed on, is kept and handled
 * again when it can. After each message the node looks at its row and begins whatever is next and not in hand.
 */
import type { DeletePart } from '../domain/delete-step.js';
import { factSheet } from '../domain/fact-sheet.js';
import { Fault } from '../domain/fault.js';
import type { ServerId } from '../domain/ids.js';
import type { NodePatch, NodeRow } from '../domain/node-row.js';
import type { NodeFact } from '../domain/node.js';
import { situationOf, type Situation } from '../domain/situation.js';
import { nodeView } from '../domain/views.js';
import type { CommandOutcome } from '../ports/control.js';
import type { Actor, ReplyTo, TaskOutcome } from '../runtime/actor.js';
import { gaugesAddress, historyAddress, nodeAddress, poolAddress, storeAddress } from './addresses.js';
import { checked, proceedCheck, wantCheck } from './node/check.js';
import { partSettled, proceedDelete } from './node/delete.js';
import { autoHold, jobFinished, jobStarted, slaveCompared, type JobFinished, type SlaveCompared } from './node/job.js';
import { labelling, proceedLaunch, stepSettled } from './node/launch.js';
import { noteSubnode, replaceMember } from './node/group.js';
import { learn } from './node/learn.js';
import { makeRoom, withdrawn, type Withdrawn } from './node/replace.js';
import { giveBackPermit, readRow, settleIn, type NodeContext, type NodeHome, type Self } from './node/self.js';
import type { StepOutcome } from './node/step.js';
import { OwnConnection } from './own-connection.js';
import type { PermitGranted } from './permits.js';
import type { LeaseNotice, StoreNotice } from './store.js';
import type { SubnodeTold } from './subnode.js';

export type NodeMessage =
  | { readonly type: 'job-started'; readonly job: string }
  | ({ readonly type: 'job-finished' } & JobFinished)
  | ({ readonly type: 'slave-compared' } & SlaveCompared)
  | {
      readonly type: 'hold';
      readonly reason: string | null;
      readonly forMs: number | null;
      readonly replyTo: ReplyTo<CommandOutcome>;
    }
  | { readonly type: 'release'; readonly replyTo: ReplyTo<CommandOutcome> }
  | { readonly type: 'delete'; readonly isUrgent: boolean; readonly replyTo: ReplyTo<CommandOutcome> }
  /** Its job has failed, and is one of those of which nodes are kept. */
  | { readonly type: 'auto-hold'; readonly job: string }
  | { readonly type: 'explain'; readonly replyTo: ReplyTo<Situation> }
  | { readonly type: 'too-old' }
  /** Whether anybody can log in (janitor). */
  | { readonly type: 'check' }
  | { readonly type: 'checked'; readonly outcome: TaskOutcome<void> }
  /** Its row has this revision, null where none was found (its supervisor, janitor). */
  | { readonly type: 'row-seen'; readonly revision: number | null }
  /** The cloud has no such server any more (janitor). */
  | { readonly type: 'server-gone'; readonly server: ServerId }
  /** It is to make room for a fresh one: of a newer image (its image), or because it has been ready too long (janitor). */
  | { readonly type: 'outdated'; readonly why: string }
  | ({ readonly type: 'withdrawn' } & Withdrawn)
  | { readonly type: 'delay-over' }
  | { readonly type: 'hold-expired' }
  /** Look at the row, and begin what is next. */
  | { readonly type: 'proceed' }
  | { readonly type: 'rested'; readonly what: 'step' | DeletePart }
  | SubnodeTold
  | { readonly type: 'step-settled'; readonly outcome: TaskOutcome<StepOutcome> }
  | { readonly type: 'part-settled'; readonly part: DeletePart; readonly outcome: TaskOutcome<NodePatch> }
  | PermitGranted
  | LeaseNotice
  | StoreNotice;

export const nodeActor: Actor<NodeMessage, Self, NodeHome> = {
  kind: 'node',
  mailbox: { limit: 1_000, overflow: 'refuse-newest' },

  init(ctx, home) {
    const node: Self = {
      home,
      isRowSure: !home.hadLife,
      begunBy: ctx.now(),
      connection: new OwnConnection(ctx.now()),
      permits: new Map(),
      step: null,
      parts: new Set(),
      resting: new Set(),
      restsUntil: 0,
      keptForLease: [],
      keptForStore: [],
      check: null,
      failures: 0,
      isTestAsked: false,
      isUrgent: false,
      subnodes: null,
      lostSubnodes: 0,
      isLabelInDoubt: labelling.has(home.row.step ?? ''),
      isLeaving: false,
      isGone: false,
    };
    home.hadLife = true;
    ctx.register(nodeAddress(home.row.id));
    settleIn(node, ctx);
    ctx.tell(poolAddress, { type: 'node', fact: factSheet(home.row) });
    ctx.tell(gaugesAddress, { type: 'node', fact: factSheet(home.row) });
    ctx.tell(historyAddress, { type: 'node-began', row: home.row });
    ctx.self.tell({ type: 'proceed' });
    return node;
  },

  async handle(message, node, ctx) {
    await attempt(message, node, ctx);
    if (message.type !== 'proceed' && !node.isGone) await attempt({ type: 'proceed' }, node, ctx);
  },

  onStop(node, ctx) {
    node.connection.giveBack(ctx);
  },

  describe({ home: { row }, connection, keptForStore }) {
    return { state: stateForPeople(row, keptForStore.length > 0), connection: connection.describe() };
  },
};

function stateForPeople(row: NodeRow, isDatabaseAway: boolean): string {
  const step = row.step === null ? '' : ` ${row.step}`;
  const trouble = row.lastError === null ? '' : ` (${row.lastError})`;
  return `${row.state}${step}${trouble}${isDatabaseAway ? ', waiting for the database' : ''}`;
}

/** Handles one message; one that cannot be written now is kept. */
async function attempt(message: NodeMessage, node: Self, ctx: NodeContext): Promise<void> {
  if (node.keptForStore.length > 0 && mustWait.has(message.type)) {
    if (message.type !== 'proceed') node.keptForStore.push(message);
    return;
  }
  try {
    await act(message, node, ctx);
  } catch (error) {
    if (!(error instanceof Fault) || error.kind !== 'store.away') throw error;
    await keep(message, error, node, ctx);
  }
}

/** What is handled in its order, behind what is kept; anything else says where the way to the database is. */
const mustWait: ReadonlySet<NodeMessage['type']> = new Set<NodeMessage['type']>([
  'job-started',
  'job-finished',
  'slave-compared',
  'hold',
  'auto-hold',
  'release',
  'delete',
  'too-old',
  'server-gone',
  'checked',
  'withdrawn',
  'delay-over',
  'hold-expired',
  'proceed',
  'rested',
  'step-settled',
  'part-settled',
]);

async function keep(message: NodeMessage, fault: Fault, node: Self, ctx: NodeContext): Promise<void> {
  if (node.connection.lease) {
    // Perhaps only this connection is broken: the shared ones show.
    node.connection.giveBack(ctx, true);
    await attempt(message, node, ctx);
    return;
  }
  node.keptForStore.push(message);
  ctx.tell(storeAddress, { type: 'away-seen', reason: fault.message });
  ctx.tell(storeAddress, { type: 'subscribe', path: ctx.path, listener: ctx.self });
}

async function again(kept: NodeMessage[], node: Self, ctx: NodeContext): Promise<void> {
  for (const message of kept.splice(0)) await attempt(message, node, ctx);
}

async function act(message: NodeMessage, node: Self, ctx: NodeContext): Promise<void> {
  switch (message.type) {
    case 'job-started':
      await jobStarted(message.job, node, ctx);
      return;
    case 'job-finished':
      await jobFinished(message, node, ctx);
      return;
    case 'slave-compared':
      await slaveCompared(message, node, ctx);
      return;
    case 'hold': {
      const forMs = message.forMs ?? node.home.settings.config.maxHoldAgeMs;
      const expiry = forMs === null ? null : ctx.now() + forMs;
      await command('hold-asked', message.replyTo, node, ctx, { reason: message.reason, expiry });
      return;
    }
    case 'auto-hold':
      await autoHold(message.job, node, ctx);
      return;
    case 'release':
      node.isTestAsked = false;
      await command('release-asked', message.replyTo, node, ctx);
      return;
    case 'delete':
      node.isUrgent ||= message.isUrgent;
      await command('delete-asked', message.replyTo, node, ctx);
      return;
    case 'explain':
      message.replyTo.reply(explain(node));
      return;
    case 'too-old':
      if (isTooOld(node, ctx.now())) await learn('too-old', node, ctx);
      return;
    case 'check':
      wantCheck(node);
      return;
    case 'checked':
      checked(message.outcome, node, ctx);
      return;
    case 'row-seen':
      // A process that was killed had asked for a change, and the database has made it since; or it has lost some.
      if (message.revision !== node.home.row.revision) node.isRowSure = false;
      return;
    case 'subnode-lost':
      node.isRowSure = false;
      return;
    case 'server-gone':
      await serverGone(message.server, node, ctx);
      return;
    case 'outdated':
      makeRoom({ fact: 'outdated', why: message.why, lastError: null }, node, ctx);
      return;
    case 'withdrawn':
      await withdrawn(message, node, ctx);
      return;
    case 'delay-over':
      if (isOver(node.home.row.deleteAt, ctx)) await learn(message.type, node, ctx);
      return;
    case 'hold-expired':
      // It may have been renewed while this message waited for the database.
      if (isOver(node.home.row.expiry, ctx)) await learn(message.type, node, ctx);
      return;
    case 'proceed':
      if (node.isRowSure || (await readRow(node, ctx))) await proceed(node, ctx);
      return;
    case 'rested':
      node.resting.delete(message.what);
      return;
    case 'step-settled':
      if (hasLeaseFor(message, node, ctx)) await stepSettled(message.outcome, node, ctx);
      return;
    case 'part-settled':
      if (hasLeaseFor(message, node, ctx)) await partSettled(message.part, message.outcome, node, ctx);
      return;
    case 'subnode-is':
    case 'subnode-gone':
      noteSubnode(message, node);
      return;
    case 'permit-granted':
      node.permits.set(message.work, 'held');
      return;
    case 'lease-granted':
      if (node.connection.take(message, ctx.now())) await again(node.keptForLease, node, ctx);
      return;
    case 'lease-asked-back':
      node.connection.handOn(ctx);
      return;
    case 'store-ready':
      ctx.tell(storeAddress, { type: 'unsubscribe', path: ctx.path });
      await again(node.keptForStore, node, ctx);
      return;
    case 'store-away':
  }
}

function explain(node: Self): Situation {
  const { home, permits, resting, restsUntil, connection, keptForStore } = node;
  return situationOf(home.row, {
    isDatabaseAway: keptForStore.length > 0,
    waitsForPermit: (['launch', 'delete'] as const).find(work => permits.get(work) === 'waiting') ?? null,
    waitsForConnection: connection.isAskedFor,
    isBusy: node.step !== null || node.parts.size > 0,
    restsUntil: resting.size > 0 ? restsUntil : null,
  });
}

/** The lease may have been handed on while the world was waited for: what came of it is kept until there is another. */
function hasLeaseFor(message: NodeMessage, node: Self, ctx: NodeContext): boolean {
  if (node.connection.lease) return true;
  node.keptForLease.push(message);
  node.connection.want(node.home.row, ctx);
  return false;
}

async function proceed(node: Self, ctx: NodeContext): Promise<void> {
  const { row } = node.home;
  alarm('delay-over', row.state === 'used' ? row.deleteAt : null, ctx);
  alarm('hold-expired', row.state === 'hold' ? row.expiry : null, ctx);
  proceedCheck(node, ctx);
  switch (row.state) {
    case 'building':
      if (row.step === null) {
        // The original, killed in the middle of it: nobody knows how far it came.
        await learn('launch-failed', node, ctx, () => ({ lastError: 'its launch was left without a step' }));
        ctx.self.tell({ type: 'proceed' });
        return;
      }
      await proceedLaunch(node, ctx);
      return;
    case 'test':
      await proceedLaunch(node, ctx);
      return;
    case 'delete':
      giveBackPermit('launch', node);
      proceedDelete(node, ctx);
      return;
    case 'used':
    case 'hold':
    case 'ready':
  }
  if (node.step || node.keptForLease.length > 0) return;
  giveBackPermit('launch', node);
  node.connection.giveBack(ctx);
}

/** A time on the row belongs to a state: with either gone, the alarm is off. */
function alarm(type: 'delay-over' | 'hold-expired', at: number | null, ctx: NodeContext): void {
  if (at === null) ctx.cancelTimer(type);
  else ctx.timer(type, Math.max(0, at - ctx.now()), { type });
}

function isOver(at: number | null, ctx: NodeContext): boolean {
  return at !== null && at <= ctx.now();
}

async function command(
  fact: NodeFact,
  replyTo: ReplyTo<CommandOutcome>,
  node: Self,
  ctx: NodeContext,
  patch: NodePatch = {},
): Promise<void> {
  const decision = await learn(fact, node, ctx, () => patch);
  const { row } = node.home;
  if (decision.kind === 'refuse') {
    const next = `nodepool explain node ${row.id} says what it does`;
    replyTo.reply({ kind: 'refused', message: `node ${row.id}: ${decision.why}`, next });
  } else replyTo.reply({ kind: 'done', node: nodeView(row, ctx.now()) });
}

const lossEnd = 'is gone from the cloud, and nobody here deleted it';

/** A held node is told so once; whoever holds it decides. */
async function serverGone(server: ServerId, node: Self, ctx: NodeContext): Promise<void> {
  const { row } = node.home;
  if (row.state === 'hold' && row.lastError?.endsWith(lossEnd) === true) return;
  if (row.serverId === server) {
    await learn('server-gone', node, ctx, () => ({ lastError: `its server ${server} ${lossEnd}` }));
    return;
  }
  const member = row.subnodes.find(({ serverId }) => serverId === server);
  if (!member) return;
  const why = `server ${server} of subnode ${member.id} ${lossEnd}`;
  if (row.state === 'ready') {
    makeRoom({ fact: 'member-gone', why, lastError: why }, node, ctx);
    return;
  }
  const decision = await learn('member-gone', node, ctx, () => ({ lastError: why }));
  if (decision.kind === 'ignore' && row.state === 'building') replaceMember({ id: member.id, why }, node, ctx);
}

function isTooOld({ home: { row, settings } }: Self, now: number): boolean {
  const { nodeCleanup, testCleanup } = settings.timings;
  // The limit of a test runs from the start of its job (lesson 64).
  if (row.state === 'test') return now - (row.jobStartedAt ?? row.stateTime * 1000) > testCleanup;
  return now - row.stateTime * 1000 > nodeCleanup;
}
