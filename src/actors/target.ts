/**
 * Owns    one Jenkins master: the calls to it, their pace, whether it is online, and what its slaves say of our nodes.
 * Hears   register, unregister, start-test, relabel, set-offline, withdraw, taken, node-changed (node actors), reconfigured.
 * Tells   the asker its outcome, and history of it; the pool whether nodes are welcome; nodes what Jenkins knows and they do not;
 *         publishers that they should have told; its health to stats.
 * Stores  nothing.
 * If it dies: the asks in hand fail with `restarted` and their nodes ask again; every call here may be repeated.
 *
 * A target is online while its probe says so, and once its slaves have been compared with the rows. Probe and list have
 * a lane of their own, so that hundreds of waiting calls do not make a master look dead (lesson 60). A target without
 * Jenkins is always online, and nobody is told of its nodes.
 */
import { backoffMs } from '../domain/backoff.js';
import { Fault } from '../domain/fault.js';
import type { NodeId, NodeName } from '../domain/ids.js';
import type { Pace } from '../domain/pace.js';
import type { Target } from '../domain/pool-config.js';
import type { CiCall, CiNodeSpec, CiPort, CiStatus } from '../ports/ci.js';
import type { Outside } from '../ports/outside.js';
import type { Actor, Context, ReplyTo, TaskOutcome } from '../runtime/actor.js';
import { poolAddress, statsAddress, storeAddress, targetAddress } from './addresses.js';
import { tellCall } from './call-made.js';
import type { Reply } from './outcome.js';
import { Pacer } from './pacer.js';
import type { Settings } from './settings.js';
import { asFault, type StoreNotice } from './store.js';
import {
  compare,
  compared,
  nothingCompared,
  taken,
  troubleOf,
  type Comparing,
  type Listing,
  type Taken,
} from './target/comparing.js';
import { lookAtStrangers, noStrangers, type Strangers } from './target/strangers.js';
import { Withdrawing, type Withdrawal } from './target/withdrawing.js';

export type TargetMessage =
  | {
      readonly type: 'register';
      readonly spec: CiNodeSpec;
      readonly node: NodeId;
      readonly replyTo: ReplyTo<Reply<null>>;
    }
  | {
      readonly type: 'unregister';
      readonly name: NodeName;
      readonly node: NodeId;
      readonly replyTo: ReplyTo<Reply<null>>;
    }
  | {
      readonly type: 'start-test';
      readonly job: string;
      readonly name: NodeName;
      readonly node: NodeId;
      readonly replyTo: ReplyTo<Reply<null>>;
    }
  | {
      readonly type: 'relabel';
      readonly name: NodeName;
      readonly labels: string;
      readonly node: NodeId;
      readonly replyTo: ReplyTo<Reply<null>>;
    }
  /** The node's job has started: no second one may (lesson 67). `isAgain`: it should have been by now. */
  | {
      readonly type: 'set-offline';
      readonly name: NodeName;
      readonly reason: string;
      readonly node: NodeId;
      readonly isAgain: boolean;
    }
  | ({ readonly type: 'withdraw' } & Withdrawal)
  | { readonly type: 'probe' }
  | { readonly type: 'probed'; readonly port: CiPort; readonly outcome: TaskOutcome<CiStatus> }
  | { readonly type: 'compare' }
  | { readonly type: 'compared'; readonly port: CiPort; readonly outcome: TaskOutcome<Listing> }
  /** A node of it is not what it was, or gone. */
  | { readonly type: 'node-changed' }
  /** A node has written what was found of it, or knew it by then. */
  | ({ readonly type: 'taken' } & Taken)
  | { readonly type: 'call-settled'; readonly call: BegunCall; readonly outcome: TaskOutcome<unknown> }
  | { readonly type: 'look-at-queue' }
  | { readonly type: 'reconfigured' }
  | StoreNotice;

interface Call {
  readonly name: string;
  /** With whom it takes turns. Null: urgent. */
  readonly turn: string | null;
  /** Whose story tells of it. */
  readonly node?: NodeId;
  run(port: CiPort, call: CiCall): Promise<unknown>;
  settled(reply: Reply<null>): void;
}

interface QueuedCall extends Call {
  readonly queuedAt: number;
}

interface BegunCall extends QueuedCall {
  readonly begunAt: number;
}

export interface TargetArgs {
  readonly name: string;
  readonly outside: Outside;
  readonly settings: Settings;
}

interface TargetState extends TargetArgs {
  /** What the port was opened for. Null: never in the configuration of this daemon. */
  target: Target | null;
  /** Null: no Jenkins. */
  port: CiPort | null;
  readonly pacer: Pacer<QueuedCall>;
  /** Takes nodes offline, and does not wait for the pace of the others. */
  readonly urgent: Pacer<QueuedCall>;
  comparing: Comparing;
  strangers: Strangers;
  readonly withdrawing: Withdrawing;
  /** It let us take no node offline when it was asked last. */
  refusesOffline: boolean;
  /** Changes when the master restarts: its executors forget what they did. */
  session: string | null;
  isOnline: boolean;
  /** Null: it answers, and takes nodes. */
  trouble: string | null;
  failures: number;
}

/** Creations are serial in a master anyway. */
const callsAtOnce = 2;
/**
 * Of three calls two make slaves, where both wait: jobs wait for these. One that is done with is offline, and its server
 * goes without it.
 */
const doneWith = 'done with';
const wanted = (node: NodeId): string => `wanted ${node % 2}`;
const pauseBackoff = { minMs: 500, maxMs: 30_000, factor: 2, jitter: 0.3 };

export const targetActor: Actor<TargetMessage, TargetState, TargetArgs> = {
  kind: 'target',

  init(ctx, args) {
    ctx.register(targetAddress(args.name));
    ctx.tell(storeAddress, { type: 'subscribe', path: ctx.path, listener: ctx.self });
    const state: TargetState = {
      ...args,
      target: null,
      port: null,
      pacer: new Pacer<QueuedCall>(1),
      urgent: new Pacer<QueuedCall>(1),
      comparing: nothingCompared(ctx.now()),
      strangers: noStrangers(),
      withdrawing: new Withdrawing(),
      refusesOffline: false,
      session: null,
      isOnline: false,
      trouble: null,
      failures: 0,
    };
    open(args.settings.lastKnown.target(args.name), state, ctx);
    return state;
  },

  handle(message, state, ctx) {
    switch (message.type) {
      case 'register':
      case 'unregister':
      case 'start-test':
      case 'relabel':
        enqueue({ ...callOf(message), node: message.node, settled: reply => message.replyTo.reply(reply) }, state, ctx);
        return;
      case 'set-offline':
        setOffline(message, state, ctx);
        return;
      case 'withdraw':
        withdraw(message, state, ctx);
        return;
      case 'probe':
        probe(state, ctx);
        return;
      case 'probed':
        // One that was left meanwhile says nothing of this one.
        if (message.port === state.port) probed(message.outcome, state, ctx);
        return;
      case 'compare':
        if (state.port && state.trouble === null) compare(state.port, state, ctx);
        return;
      case 'compared':
        if (message.port !== state.port) return;
        compared(message.outcome, state, ctx);
        if (message.outcome.ok) {
          const { slaves, listedAt } = message.outcome.value;
          state.withdrawing.listed(slaves, listedAt);
          strangersSeen(message.outcome.value, state, ctx);
        }
        showOnline(state, ctx);
        return;
      case 'taken':
        taken(message, state, ctx);
        showOnline(state, ctx);
        return;
      case 'node-changed':
        state.comparing.changedAt = ctx.now();
        return;
      case 'call-settled':
        callSettled(message, state, ctx);
        return;
      case 'look-at-queue':
        startCalls(state, ctx);
        return;
      case 'store-ready':
        state.strangers.installation = message.installation;
        return;
      case 'store-away':
        return;
      case 'reconfigured':
        reconfigure(state, ctx);
    }
  },

  async onStop(state) {
    await state.port?.close();
  },

  describe(state) {
    const doubt = troubleOf(state.comparing);
    const line = state.isOnline ? `online${doubt === null ? '' : `, but ${doubt}`}` : `offline: ${whyOffline(state)}`;
    const [inFlight, waiting] = [
      state.pacer.inFlight + state.urgent.inFlight,
      state.pacer.waiting + state.urgent.waiting,
    ];
    return { state: state.port ? `${line}; ${inFlight} calls, ${waiting} queued` : line };
  },
};

function open(target: Target | null, state: TargetState, ctx: Context<TargetMessage>): void {
  state.target = target;
  state.port = target?.jenkins ? state.outside.openCi(target) : null;
  state.isOnline = state.port === null && isConfigured(state);
  state.trouble = state.port === null ? null : 'not asked yet';
  state.failures = 0;
  state.comparing = nothingCompared(ctx.now());
  state.strangers = { ...noStrangers(), installation: state.strangers.installation };
  state.session = null;
  state.refusesOffline = false;
  state.withdrawing.giveUp(new Fault('actor.gone', `target ${state.name} is another one now`));
  // Of a master that has not answered yet nothing is known: the pool keeps what it believed.
  if (state.port) tellHealth(state, ctx);
  else tellPool(state, ctx);
  probe(state, ctx);
}

/** A new address or password is a new way to the master. What waits for the old one goes the new way. */
function reconfigure(state: TargetState, ctx: Context<TargetMessage>): void {
  const target = state.settings.target(state.name);
  if (target && !isSameWay(target, state.target)) {
    const left = state.port;
    resume(state);
    open(target, state, ctx);
    // It lets no call in hand finish: each is answered with a fault, and its node asks again.
    void left?.close();
  } else {
    state.target = target ?? state.target;
    state.isOnline = target !== null && (state.port === null || state.isOnline);
    tellPool(state, ctx);
    probe(state, ctx);
  }
  startCalls(state, ctx);
}

/** The test job is the node's affair, not the port's. */
function isSameWay(target: Target, before: Target | null): boolean {
  const wayOf = (of: Target | null): string => JSON.stringify({ ...of?.jenkins, testJob: null });
  return before !== null && wayOf(target) === wayOf(before) && (target.jenkins === null) === (before.jenkins === null);
}

function isConfigured({ settings, name }: TargetState): boolean {
  return settings.target(name) !== null;
}

function whyOffline(state: TargetState): string {
  return isConfigured(state) ? (state.trouble ?? 'not asked yet') : 'not in configuration';
}

function callOf(
  message: Extract<TargetMessage, { type: 'register' | 'unregister' | 'start-test' | 'relabel' }>,
): Omit<Call, 'settled'> {
  switch (message.type) {
    case 'register':
      return {
        name: 'createNode',
        turn: wanted(message.node),
        run: (port, call) => port.createNode(message.spec, call),
      };
    case 'unregister':
      return { name: 'deleteNode', turn: doneWith, run: (port, call) => port.deleteNode(message.name, call) };
    case 'start-test':
      return {
        name: 'startTestJob',
        turn: wanted(message.node),
        run: (port, call) => port.startTestJob(message.job, message.name, call),
      };
    case 'relabel':
      return {
        name: 'relabel',
        turn: wanted(message.node),
        run: (port, call) => port.relabel(message.name, message.labels, call),
      };
  }
}

function strangersSeen(listing: Listing, state: TargetState, ctx: Context<TargetMessage>): void {
  lookAtStrangers(listing, state, call => enqueue({ ...call, turn: doneWith }, state, ctx), ctx);
}

function setOffline(
  { name, reason, node, isAgain }: Extract<TargetMessage, { type: 'set-offline' }>,
  state: TargetState,
  ctx: Context<TargetMessage>,
): void {
  if (isAgain && state.refusesOffline) return;
  takeOffline({ name, reason, node }, () => undefined, state, ctx);
}

function withdraw(withdrawal: Withdrawal, state: TargetState, ctx: Context<TargetMessage>): void {
  const settled = (reply: Reply<null>): void => {
    if (!state.port && reply.ok) withdrawal.replyTo.reply({ ok: true, value: 'idle' });
    else if (reply.ok || !isMasterTrouble(reply.fault)) state.withdrawing.wentOffline(withdrawal, ctx.now());
    else if (state.target && ctx.now() < withdrawal.until) takeOffline(withdrawal, settled, state, ctx);
    else withdrawal.replyTo.reply(reply);
  };
  takeOffline(withdrawal, settled, state, ctx);
}

function takeOffline(
  { name, reason, node }: Pick<Withdrawal, 'name' | 'reason' | 'node'>,
  settled: Call['settled'],
  state: TargetState,
  ctx: Context<TargetMessage>,
): void {
  enqueue(
    {
      name: 'setOffline',
      node,
      turn: null,
      run: (port, call) => port.setOffline(name, reason, call),
      settled(reply) {
        state.refusesOffline = !reply.ok && !isMasterTrouble(reply.fault);
        if (!reply.ok)
          state.outside.log.warn(`${name} is not taken offline: ${reply.fault.message}`, { target: state.name });
        settled(reply);
      },
    },
    state,
    ctx,
  );
}

// ── The probe ────────────────────────────────────────────────────────────────────────────────────────────────────

function probe(state: TargetState, ctx: Context<TargetMessage>): void {
  const { port } = state;
  if (!port) return;
  const deadlineMs = state.settings.timings.api;
  ctx.task(
    'probe',
    io => port.status({ deadlineMs, signal: io.signal }),
    outcome => ({ type: 'probed', port, outcome }),
  );
}

function probed(outcome: TaskOutcome<CiStatus>, state: TargetState, ctx: Context<TargetMessage>): void {
  const trouble = outcome.ok
    ? outcome.value.quietingDown
      ? 'it is quieting down'
      : null
    : asFault(outcome.error).message;
  state.failures = outcome.ok ? 0 : state.failures + 1;
  state.trouble = trouble;
  if (outcome.ok) answered(outcome.value, state, ctx);
  showOnline(state, ctx);
  ctx.timer('probe', state.settings.timings.pass, { type: 'probe' });
}

function answered({ session }: CiStatus, state: TargetState, ctx: Context<TargetMessage>): void {
  const { comparing, port } = state;
  resume(state);
  startCalls(state, ctx);
  if (session !== state.session) comparing.suspicions = new Map();
  state.session = session;
  // Those that did not take what was found within a pass are compared again, and waited for no longer.
  if (comparing.awaited.size > 0) comparing.isSettled = true;
  comparing.awaited.clear();
  if (port) compare(port, state, ctx);
}

/** The pool hears of each change, and of trouble as often as it is seen. */
function showOnline(state: TargetState, ctx: Context<TargetMessage>): void {
  if (state.trouble === null && !state.comparing.isSettled) return;
  const wasOnline = state.isOnline;
  state.isOnline = state.trouble === null && isConfigured(state);
  if (wasOnline !== state.isOnline || state.trouble !== null) tellPool(state, ctx);
  else tellHealth(state, ctx);
}

function tellPool(state: TargetState, ctx: Context<TargetMessage>): void {
  const trouble = state.isOnline ? null : whyOffline(state);
  ctx.tell(poolAddress, { type: 'target', name: state.name, isOnline: state.isOnline, trouble });
  tellHealth(state, ctx);
}

function tellHealth(state: TargetState, ctx: Context<TargetMessage>): void {
  const reason = state.isOnline ? troubleOf(state.comparing) : whyOffline(state);
  ctx.tell(statsAddress, { type: 'dependency', name: `targets/${state.name}`, reason, isVital: false });
}

// ── Calls ────────────────────────────────────────────────────────────────────────────────────────────────────────

function enqueue(call: Call, state: TargetState, ctx: Context<TargetMessage>): void {
  if (!state.target) {
    // Its slaves may be in a master of which nothing is known: to say that they are gone would leave them there.
    const fault = new Fault('jenkins.unreachable', `target ${state.name} is not in the configuration`);
    call.settled({ ok: false, fault });
    return;
  }
  if (!state.port) {
    // No Jenkins: there is nobody to tell, and that is no fault.
    call.settled({ ok: true, value: null });
    return;
  }
  pacerOf(call, state).push({ ...call, queuedAt: ctx.now() }, { lane: 0, source: call.turn ?? 'urgent' });
  startCalls(state, ctx);
}

function pacerOf({ turn }: Call, state: TargetState): Pacer<QueuedCall> {
  return turn === null ? state.urgent : state.pacer;
}

function resume(state: TargetState): void {
  state.pacer.resume();
  state.urgent.resume();
}

/**
 * The configured pace is that of the original, which made and deleted slaves and took none offline. With two more calls for
 * each job it would carry half as many jobs; and taking a node offline must win the race against the next job.
 */
function startCalls(state: TargetState, ctx: Context<TargetMessage>): void {
  const rateMs = state.settings.target(state.name)?.rateMs ?? state.target?.rateMs ?? 1_000;
  startCallsOf('urgent', { calls: callsAtOnce, rateMs: 0 }, state, ctx);
  // At the original's pace the original's way: one call, and a pause behind it.
  startCallsOf('pacer', { calls: rateMs >= 100 ? 1 : callsAtOnce, rateMs }, state, ctx);
}

function startCallsOf(kind: 'urgent' | 'pacer', pace: Pace, state: TargetState, ctx: Context<TargetMessage>): void {
  const { port } = state;
  if (!port) return;
  for (;;) {
    const next = state[kind].next(ctx.now(), pace);
    if (!next) return;
    if ('inMs' in next) {
      ctx.timer(`look at ${kind}`, next.inMs, { type: 'look-at-queue' });
      return;
    }
    const call = { ...next.call, begunAt: ctx.now() };
    const deadlineMs = state.settings.timings.api;
    ctx.task(
      call.name,
      () => call.run(port, { deadlineMs }),
      outcome => ({ type: 'call-settled', call, outcome }),
      {
        mustSettle: true,
      },
    );
  }
}

function callSettled(
  { call, outcome }: Extract<TargetMessage, { type: 'call-settled' }>,
  state: TargetState,
  ctx: Context<TargetMessage>,
): void {
  pacerOf(call, state).ended(ctx.now());
  if (call.node !== undefined) {
    const told = outcome.ok ? { ok: true as const, value: null } : outcome;
    tellCall({ node: call.node }, { ...call, what: `jenkins.${call.name}`, outcome: told }, ctx);
  }
  if (outcome.ok) {
    call.settled({ ok: true, value: null });
  } else {
    const fault = asFault(outcome.error);
    if (isMasterTrouble(fault)) {
      state.failures++;
      const until = ctx.now() + backoffMs(pauseBackoff, state.failures, ctx.random());
      state.pacer.pauseUntil(until);
      state.urgent.pauseUntil(until);
    }
    call.settled({ ok: false, fault });
  }
  startCalls(state, ctx);
}

/** A refusal is about what was asked; anything else says that the master cannot be relied on for now. */
function isMasterTrouble(fault: Fault): boolean {
  return fault.kind !== 'jenkins.refused';
}
