/**
 * Owns    one subnode: its row, its launch, its deletion. Nobody else writes the row.
 * Hears   remove, server-gone (its node), the outcome of its own steps.
 * Tells   its node its row after each durable change, and that it is gone; cloud and stats how its launch ended.
 * Stores  every change of its row, by compare-and-set, before it acts on it.
 * If it dies: the next life goes on at the step that the row names. A create in hand is in doubt.
 *
 * It goes through the steps of a node's own server (node/steps.ts), on the row of its node with what is its own in it.
 * Whether it is wanted is for its node to say; a launch that has failed ends here, and its node has another one made.
 */
import { backoffMs } from '../domain/backoff.js';
import { Fault, named } from '../domain/fault.js';
import { isLost } from '../domain/lost-row.js';
import type { NodePatch, NodeRow, SubnodePatch, SubnodeRow } from '../domain/node-row.js';
import { decideSubnode, isSubnodeStep, type SubnodeFact } from '../domain/subnode.js';
import type { LogFields } from '../ports/log.js';
import type { Outside } from '../ports/outside.js';
import type { ShellPort } from '../ports/shell.js';
import type { Actor, Context, Ref, TaskHandle, TaskIo, TaskOutcome } from '../runtime/actor.js';
import { subnodeAddress } from './addresses.js';
import { latestBegin } from './cloud/find-tagged.js';
import { runExplained } from './node/console.js';
import { removeAddresses, removeServers } from './node/delete.js';
import { countLaunch, isWorthRepeating, retryBackoff, stepNamed, tellCloud } from './node/launch.js';
import { newHostname } from './node/names.js';
import { newStepIo, type Step, type StepIo, type StepOutcome } from './node/step.js';
import type { Settings } from './settings.js';
import { orFault, outcomeOf } from './step-outcome.js';
import { asFault } from './store.js';

export type SubnodeMessage =
  | { readonly type: 'remove' | 'proceed' | 'rested' }
  /** The cloud has no such server any more. */
  | { readonly type: 'server-gone'; readonly why: string }
  | { readonly type: 'step-settled'; readonly outcome: TaskOutcome<StepOutcome> }
  | { readonly type: 'removed'; readonly outcome: TaskOutcome<null> };

/** What its node hears of it. */
export type SubnodeTold =
  | { readonly type: 'subnode-is'; readonly row: SubnodeRow }
  /** The database has lost its row, or changes of it. */
  | { readonly type: 'subnode-lost' }
  | { readonly type: 'subnode-gone'; readonly row: Pick<SubnodeRow, 'id'> };

/** What outlives a life of the subnode's actor. */
export interface SubnodeHome {
  /** As it was last written or read. */
  row: SubnodeRow;
  /** The row of its node as it is now. */
  readonly node: () => NodeRow;
  readonly owner: Ref<SubnodeTold>;
  readonly outside: Outside;
  readonly settings: Settings;
  readonly shell: ShellPort;
}

interface SubnodeState {
  readonly home: SubnodeHome;
  /** A call whose answer nobody has was begun by then at the latest. */
  begunBy: number;
  /** A step of its launch, or its removal. */
  inHand: TaskHandle | null;
  isResting: boolean;
  failures: number;
  isGone: boolean;
  /** The database is away: what could not be written is tried again in their order. */
  readonly kept: SubnodeMessage[];
}

type SubnodeContext = Context<SubnodeMessage>;

const storeAgainMs = 1_000;
/** A row that changes so often under its only writer is a bug. */
const writeTries = 4;

export const subnodeActor: Actor<SubnodeMessage, SubnodeState, SubnodeHome> = {
  kind: 'subnode',

  init(ctx, home) {
    ctx.register(subnodeAddress(home.row.id));
    ctx.self.tell({ type: 'proceed' });
    return { home, begunBy: ctx.now(), inHand: null, isResting: false, failures: 0, isGone: false, kept: [] };
  },

  async handle(message, state, ctx) {
    if (message.type !== 'proceed') state.kept.push(message);
    for (let tries = 1; ; tries++) {
      try {
        await actOnAll(state, ctx);
        return;
      } catch (error) {
        if (error instanceof RowChanged && tries < writeTries) continue;
        if (!(error instanceof Fault) || error.kind !== 'store.away') throw error;
        ctx.timer('database is away', storeAgainMs, { type: 'proceed' });
        return;
      }
    }
  },

  describe({ home: { row } }) {
    const step = row.step === null ? '' : ` ${row.step}`;
    return { state: `${row.state}${step}${row.lastError === null ? '' : ` (${row.lastError})`}` };
  },
};

async function actOnAll(state: SubnodeState, ctx: SubnodeContext): Promise<void> {
  for (let next = state.kept[0]; next; next = state.kept[0]) {
    await act(next, state, ctx);
    state.kept.shift();
  }
  if (!state.isGone) await proceed(state, ctx);
}

async function act(message: SubnodeMessage, state: SubnodeState, ctx: SubnodeContext): Promise<void> {
  switch (message.type) {
    case 'remove':
      await learn('delete-asked', {}, state, ctx);
      return;
    case 'server-gone':
      await learn('server-gone', { lastError: message.why }, state, ctx);
      return;
    case 'step-settled':
      await stepSettled(message.outcome, state, ctx);
      state.inHand = null;
      return;
    case 'removed':
      await removed(message.outcome, state, ctx);
      state.inHand = null;
      return;
    case 'rested':
      state.isResting = false;
      return;
    case 'proceed':
  }
}

async function proceed(state: SubnodeState, ctx: SubnodeContext): Promise<void> {
  const { row } = state.home;
  if (state.inHand) {
    // Only the step in hand knows what it is making (lesson 2).
    if (row.state === 'delete') state.inHand.cancel();
    return;
  }
  if (state.isResting) return;
  if (row.state === 'delete') remove(state, ctx);
  else if (row.state === 'building') await launch(state, ctx);
}

// ── Launch ───────────────────────────────────────────────────────────────────────────────────────────────────────

async function launch(state: SubnodeState, ctx: SubnodeContext): Promise<void> {
  const { home } = state;
  const name = home.row.step === 'queued' || home.row.step === null ? 'create' : home.row.step;
  const step = stepNamed(name);
  if (!step) throw new Error(`subnode ${home.row.id} has the unknown step ${name}`);
  const prepared = orFault(() => prepare(step, name, home, ctx.now()));
  if (prepared instanceof Fault) {
    await failed(prepared, state, ctx);
    ctx.self.tell({ type: 'proceed' });
    return;
  }
  if (prepared !== null || name !== home.row.step) {
    await change({ ...prepared, ...(name === home.row.step ? {} : { step: name, stepAt: ctx.now() }) }, state, ctx);
  }
  state.inHand = ctx.task(
    name,
    io => runExplained(name, step, stepIo(state, ctx, io, prepared !== null)),
    outcome => ({ type: 'step-settled', outcome }),
    { mustSettle: step.mustSettle ?? false },
  );
}

/** The name of its machine is its own; the rest is as for a node. */
function prepare(step: Step, name: string, home: SubnodeHome, now: number): SubnodePatch | null {
  const { row, settings } = home;
  const node = asNode(home);
  if (name !== 'create') return ownPatch(step.prepare?.(node, now, settings) ?? null);
  if (row.sentAt !== null) return null;
  return { hostname: newHostname(node, settings, now, { of: 'subnodeHostname', subnode: row.id }), sentAt: now };
}

async function stepSettled(outcome: TaskOutcome<StepOutcome>, state: SubnodeState, ctx: SubnodeContext): Promise<void> {
  const result: StepOutcome = outcomeOf(outcome);
  if (result.kind === 'done') await stepDone(result, state, ctx);
  else if (result.kind === 'fault') await stepFailed(result, state, ctx);
}

async function stepDone(
  { next, patch }: Extract<StepOutcome, { kind: 'done' }>,
  state: SubnodeState,
  ctx: SubnodeContext,
): Promise<void> {
  state.failures = 0;
  const { home } = state;
  const own = ownPatch(patch) ?? {};
  // Whatever became of it meanwhile, what the step made is remembered: its removal must know the server.
  if (home.row.state !== 'building') {
    if (Object.keys(own).length > 0) await change(own, state, ctx);
    return;
  }
  // The server's zone is that of the node, and its own steps end where the machine answers.
  if (isSubnodeStep(next)) {
    await change({ ...own, step: next, stepAt: ctx.now() }, state, ctx);
    return;
  }
  await learn('launched', { ...own, step: null, stepAt: null, lastError: null }, state, ctx);
  tellCloud(null, asNode(home), home.settings, ctx);
  countLaunch(null, { of: 'subnode', row: asNode(home) }, home.settings, ctx);
}

async function stepFailed(
  { fault, isCertain }: Extract<StepOutcome, { kind: 'fault' }>,
  state: SubnodeState,
  ctx: SubnodeContext,
): Promise<void> {
  const { row, settings, outside } = state.home;
  const step = stepNamed(row.step);
  if (!isCertain) state.begunBy = latestBegin(fault, asNode(state.home).provider, { settings, now: ctx.now() });
  const forget = isCertain ? (ownPatch(step?.forget ?? null) ?? {}) : {};
  if (row.state !== 'building') {
    if (row.serverId === null && Object.keys(forget).length > 0) await change(forget, state, ctx);
    return;
  }
  if (!isWorthRepeating(asNode(state.home), fault, ctx.now(), settings)) {
    await failed(fault, state, ctx, forget);
    return;
  }
  outside.log.debug(`${row.step ?? ''} is tried again: ${fault.message}`, { ...whereabouts(state), fault: fault.kind });
  await change({ ...forget, lastError: named(fault) }, state, ctx);
  rest(state, ctx);
}

async function failed(fault: Fault, state: SubnodeState, ctx: SubnodeContext, patch: SubnodePatch = {}): Promise<void> {
  const { home } = state;
  const { row, settings, outside } = home;
  outside.log.warn(`subnode ${row.id}: its launch failed at ${row.step ?? 'no step'}: ${fault.message}`, {
    ...whereabouts(state),
    fault: fault.kind,
    next: fault.next,
  });
  const machine = asNode(home);
  await learn('launch-failed', { ...patch, lastError: named(fault) }, state, ctx);
  if (fault.kind !== 'config.removed') tellCloud(fault, machine, settings, ctx);
  countLaunch(fault, { of: 'subnode', row: machine }, settings, ctx);
}

// ── Removal ──────────────────────────────────────────────────────────────────────────────────────────────────────

function remove(state: SubnodeState, ctx: SubnodeContext): void {
  state.inHand = ctx.task(
    'remove',
    async io => {
      const own = stepIo(state, ctx, io, false);
      await removeServers(own);
      await removeAddresses(own);
      return null;
    },
    outcome => ({ type: 'removed', outcome }),
  );
}

/** Tried again for as long as it takes: a row never goes before what it stands for. */
async function removed(outcome: TaskOutcome<null>, state: SubnodeState, ctx: SubnodeContext): Promise<void> {
  const { row, outside, owner } = state.home;
  if (outcome.ok) {
    await outside.store.shared.deleteSubnode(row.id);
    gone(state, ctx);
    ctx.tell(owner, { type: 'subnode-gone', row });
    return;
  }
  const fault = asFault(outcome.error);
  const fields = { ...whereabouts(state), fault: fault.kind, next: fault.next };
  outside.log.warn(`subnode ${row.id}: its removal is tried again: ${fault.message}`, fields);
  if (row.lastError !== named(fault)) await change({ lastError: named(fault) }, state, ctx);
  rest(state, ctx);
}

function gone(state: SubnodeState, ctx: SubnodeContext): void {
  state.isGone = true;
  ctx.stop(ctx.self);
}

// ── Its row ──────────────────────────────────────────────────────────────────────────────────────────────────────

async function learn(fact: SubnodeFact, patch: SubnodePatch, state: SubnodeState, ctx: SubnodeContext): Promise<void> {
  const decision = decideSubnode(state.home.row.state, fact);
  if (decision.kind === 'ignore') return;
  const step = decision.to === 'delete' ? { step: 'servers' as const, stepAt: ctx.now() } : {};
  await change({ ...patch, ...step, state: decision.to }, state, ctx);
}

/** The row was not as it was known here: an answer was lost. Now it is known, and what is to be done is decided anew. */
class RowChanged extends Error {}

/** By compare-and-set; a refusal brings the row as it is. */
async function change(patch: SubnodePatch, state: SubnodeState, ctx: SubnodeContext): Promise<void> {
  const { home } = state;
  const outcome = await home.outside.store.shared.changeSubnode(home.row.id, home.row, patch);
  const found = outcome.kind === 'gone' ? null : outcome.row;
  if (!found || isLost(home.row, found)) {
    // On its way out it goes on with what it knows.
    if (home.row.state === 'delete') return;
    // Its node puts back all that it knows of its group.
    ctx.tell(home.owner, { type: 'subnode-lost' });
    throw new Fault('store.away', `the database has lost the row of subnode ${home.row.id}`);
  }
  home.row = found;
  ctx.tell(home.owner, { type: 'subnode-is', row: found });
  if (outcome.kind === 'refused') throw new RowChanged(`the row of subnode ${home.row.id} was changed by others`);
}

/** The row of its node with what is its own: the steps of a launch make no difference between the two. */
function asNode({ node, row }: SubnodeHome): NodeRow {
  return {
    ...node(),
    hostname: row.hostname,
    nodename: null,
    serverId: row.serverId,
    ip: row.ip,
    ipPrivate: row.ipPrivate,
    state: row.state,
    stateTime: row.stateTime,
    step: row.step,
    stepAt: row.stepAt,
    sentAt: row.sentAt,
    addressId: row.addressId,
    addressSentAt: row.addressSentAt,
    hostKey: row.hostKey,
    tag: row.tag,
    subnodes: [],
  };
}

const ownKeys = [
  'hostname',
  'serverId',
  'ip',
  'ipPrivate',
  'step',
  'stepAt',
  'sentAt',
  'addressId',
  'addressSentAt',
  'hostKey',
] as const satisfies readonly (keyof SubnodePatch & keyof NodePatch)[];

/** Zone and image are its node's. */
function ownPatch(patch: NodePatch | null): SubnodePatch | null {
  if (patch === null) return null;
  return Object.fromEntries(ownKeys.filter(key => patch[key] !== undefined).map(key => [key, patch[key]]));
}

function stepIo({ home, begunBy }: SubnodeState, ctx: SubnodeContext, task: TaskIo, wasPrepared: boolean): StepIo {
  const row = asNode(home);
  const whose = { node: row.id, subnode: home.row.id };
  return newStepIo(home, { row, whose, task, begunBy, wasPrepared }, ctx);
}

function rest(state: SubnodeState, ctx: SubnodeContext): void {
  state.failures++;
  state.isResting = true;
  ctx.timer('retry', backoffMs(retryBackoff, state.failures, ctx.random()), { type: 'rested' });
}

function whereabouts({ home: { row, node } }: SubnodeState): LogFields {
  const { provider, label, target } = node();
  return { logger: 'nodepool.SubNodeLauncher', node: Number(row.nodeId), provider, label, target };
}
