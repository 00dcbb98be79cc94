/** How calls are made: in turn, at the pace that configuration and cloud allow, and what their outcome says of both. */
import {
  callAnswered,
  callFailed,
  isCloudTrouble,
  isOpenForLaunches,
  phaseOf,
  type Breaker,
} from '../../domain/cloud-breaker.js';
import { Fault, named, withNext } from '../../domain/fault.js';
import { eased, governed, isRefusingAll, slowed } from '../../domain/pace.js';
import { poolAddress, statsAddress } from '../addresses.js';
import { tellCall } from '../call-made.js';
import type { CloudMessage } from '../cloud.js';
import { asFault } from '../store.js';
import { describeCapacity, misfitOf } from './capacity.js';
import type { Call, CloudContext, CloudState, Settled } from './state.js';

const notConfigured = 'not in configuration';

/**
 * One lane, in which the kinds of calls take turns: a crowd of creates keeps no delete waiting, and a list that comes
 * due more often than the pace allows keeps nothing else out.
 */
export const inTurn = (source: string): Call['place'] => ({ lane: 0, source });

export function enqueue(call: Call, state: CloudState, ctx: CloudContext): void {
  if (!state.access.port) {
    const fault = new Fault('cloud.no-endpoint', `${state.provider} is not in the configuration`);
    call.settled({ ok: false, fault }, ctx.now());
    return;
  }
  if (state.isClosing) {
    call.settled(notSent(), ctx.now());
    return;
  }
  state.pacer.push({ ...call, queuedAt: ctx.now() }, call.place);
  startCalls(state, ctx);
}

/** The daemon stops first. */
export function notSent(): Extract<Settled<never>, { ok: false }> {
  return { ok: false, fault: new Fault('actor.gone', 'the daemon stopped before its turn came'), isUnsent: true };
}

export function startCalls(state: CloudState, ctx: CloudContext): void {
  const { breaker, governor, pacer, settings } = state;
  const { port } = state.access;
  const provider = settings.lastKnown.provider(state.provider);
  if (!port || !provider) return;
  const { calls } = provider.concurrency;
  // One call at a time finds out whether a cloud in trouble is well again.
  const configured = { calls: breaker.failedCalls > 0 ? 1 : calls, rateMs: provider.rateMs };
  const pace = governed(governor, configured);
  pacer.pauseUntil(Math.max(breaker.callsFrom, governor.pausedUntil));
  for (;;) {
    const next = pacer.next(ctx.now(), pace);
    if (!next) return;
    if ('inMs' in next) {
      ctx.timer('look-at-queue', next.inMs, { type: 'look-at-queue' });
      return;
    }
    const { call } = next;
    if (call.until !== undefined && ctx.now() >= call.until) {
      pacer.dropped();
      const fault = new Fault('actor.timeout', `${call.name}: its turn did not come in time`);
      call.settled({ ok: false, fault }, ctx.now());
      continue;
    }
    const deadlineMs = provider.apiTimeoutMs ?? settings.timings.api;
    const askedAt = ctx.now();
    ctx.task(
      call.name,
      io => call.run(port, deadlineMs, io.signal),
      outcome => ({ type: 'call-settled', call, askedAt, outcome }),
      { mustSettle: call.isWrite },
    );
  }
}

export function callSettled(
  { call, askedAt, outcome }: Extract<CloudMessage, { type: 'call-settled' }>,
  state: CloudState,
  ctx: CloudContext,
): void {
  const { provider, pacer } = state;
  pacer.ended(ctx.now());
  const { name, whose, queuedAt } = call;
  if (whose !== undefined) {
    const told = outcome.ok ? { ok: true as const, value: null } : outcome;
    tellCall(whose, { what: `cloud.${name}`, queuedAt, begunAt: askedAt, outcome: told }, ctx);
  }
  const key = `nodepool.task.${provider}.${call.name}`;
  ctx.tell(statsAddress, { type: 'timing', key, ms: ctx.now() - askedAt });
  if (outcome.ok) {
    answered(state);
    state.governor = eased(state.governor);
    call.settled(outcome, askedAt);
  } else {
    const fault = asFault(outcome.error);
    if (!call.isOptional || isAboutTheWay(fault)) learn(fault, askedAt, state, ctx);
    state.outside.log.debug(`${call.name}: ${fault.message}`, { provider, fault: fault.kind });
    call.settled({ ok: false, fault }, askedAt);
  }
  tellPool(state, ctx);
  startCalls(state, ctx);
}

/** Whatever was asked. */
function isAboutTheWay({ kind }: Fault): boolean {
  return kind === 'cloud.rate-limited' || kind === 'cloud.unreachable' || kind === 'cloud.timeout';
}

/** What a failed call says of the cloud. */
function learn(fault: Fault, askedAt: number, state: CloudState, ctx: CloudContext): void {
  const now = ctx.now();
  if (fault.kind === 'cloud.rate-limited') {
    const { retryAfterMs } = fault;
    const complaint = { now, askedAt, retryAfterMs, reason: named(fault), chance: ctx.random() };
    state.governor = slowed(state.governor, complaint);
    probeAt(state.governor.pausedUntil, ctx);
  } else if (isCloudTrouble(fault)) {
    state.breaker = callFailed(state.breaker, fault, now, ctx.random());
    probeAt(state.breaker.callsFrom, ctx);
  } else {
    answered(state);
  }
}

function answered(state: CloudState): void {
  if (state.breaker.failedCalls === 0) return;
  state.breaker = callAnswered(state.breaker);
  state.pacer.resume();
}

function probeAt(at: number, ctx: CloudContext): void {
  ctx.timer('probe', Math.max(0, at - ctx.now()), { type: 'probe' });
}

/** Asks something small where nobody else asks anything, so that a cloud in trouble is found to be well again. */
export function probe(state: CloudState, ctx: CloudContext): void {
  const isAsked = state.pacer.waiting > 0 || state.pacer.inFlight > 0;
  const isWell = state.breaker.failedCalls === 0 && state.governor.complaints === 0;
  if (isWell || isAsked) return;
  enqueue(
    {
      name: 'listFlavors',
      place: inTurn('probe'),
      isWrite: false,
      run: (port, deadlineMs, signal) => port.listFlavors({ deadlineMs, signal }),
      settled: () => undefined,
    },
    state,
    ctx,
  );
}

/** The pool gives nodes only to clouds that can be relied on; told at each change. */
export function tellPool(state: CloudState, ctx: CloudContext): void {
  const { breaker, provider } = state;
  const now = ctx.now();
  if (breaker.launchesFrom > now) {
    ctx.timer('reconsider-launches', breaker.launchesFrom - now, { type: 'reconsider-launches' });
  }
  const reason = whyClosed(state, now);
  const until = reason === null ? null : closedUntil(state, now);
  const phase = reason === null ? 'open' : reason === notConfigured ? 'not configured' : 'closed';
  const misfit = reason === null ? misfitOf(state, now) : null;
  const said = `${phase} ${until ?? ''} ${misfit ?? ''}`;
  if (said === state.told) return;
  state.told = said;
  ctx.tell(poolAddress, { type: 'provider', name: provider, closed: reason === null ? null : { reason, until } });
  ctx.tell(statsAddress, {
    type: 'dependency',
    name: `providers/${provider}/cloud`,
    reason: reason ?? misfit,
    isVital: false,
  });
}

function whyClosed({ provider, settings, breaker, governor }: CloudState, now: number): string | null {
  if (!settings.provider(provider)) return notConfigured;
  if (isRefusingAll(governor)) return governor.reason ?? 'it refuses every call';
  if (isOpenForLaunches(breaker, now)) return null;
  return troubleOf(breaker);
}

/** When it is tried again; null: when the configuration has it. */
function closedUntil({ breaker, governor }: CloudState, now: number): number | null {
  const until = Math.max(breaker.callsFrom, breaker.launchesFrom, governor.pausedUntil);
  return until > now ? until : null;
}

function troubleOf({ callTrouble, launchTrouble }: Breaker): string {
  return callTrouble ?? launchTrouble ?? 'in trouble';
}

/** One line for people. */
export function describeCloud(state: CloudState, now: number): string {
  const { access, pacer, waiters, breaker, governor } = state;
  if (!access.port) return notConfigured;
  const parts: string[] = [];
  const phase = phaseOf(breaker, now);
  if (phase === 'open')
    parts.push(`in trouble: ${withNext(troubleOf(breaker))} (asked again in ${seconds(breaker.callsFrom - now)})`);
  if (phase === 'half-open') parts.push(`in trouble: ${withNext(troubleOf(breaker))} (one call finds out)`);
  if (now < breaker.launchesFrom) {
    parts.push(
      `careful: ${withNext(breaker.launchTrouble ?? '')} (launches again in ${seconds(breaker.launchesFrom - now)})`,
    );
  }
  if (governor.reason !== null) {
    const pause = now < governor.pausedUntil ? `, pauses ${seconds(governor.pausedUntil - now)}` : '';
    parts.push(`slowed ${governor.slowdown.toFixed(1)} times${pause}: ${withNext(governor.reason)}`);
  }
  if (parts.length === 0) parts.push('well');
  if (!state.settings.provider(state.provider)) parts.unshift(`${notConfigured}, draining`);
  if (access.earlierWays > 0) parts.push(`earlier places are asked as well: ${access.earlierWays}`);
  parts.push(...describeCapacity(state, now));
  parts.push(`${pacer.inFlight} calls, ${pacer.waiting} queued, ${waiters.size} waiting for servers`);
  return parts.join('; ');
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`;
}
