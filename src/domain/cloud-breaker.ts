/**
 * Whether a cloud can be relied on: its calls come through, and what is launched there works. Pure: the caller brings
 * time and chance.
 *
 * Closed: all is well. Open: after a call that failed for the cloud's own sake nothing is asked for a while, longer with
 * each failure. Half-open: one call at a time finds out whether it is well again; the first that is answered closes it.
 * Launches have a clock of their own, because a cloud may answer every call and give only machines that do not work.
 */
import { backoffMs } from './backoff.js';
import { named, type Fault } from './fault.js';

export interface Breaker {
  /** Calls in a row that failed for the cloud's sake. */
  readonly failedCalls: number;
  /** Until then no call is made, after the last that failed. */
  readonly callsFrom: number;
  readonly callTrouble: string | null;
  /** Launches in a row that failed. */
  readonly failedLaunches: number;
  /** Quota refusals since the last launch that worked. */
  readonly quotaRefusals: number;
  /** Until then nothing new is launched here. */
  readonly launchesFrom: number;
  readonly launchTrouble: string | null;
}

export const closedBreaker: Breaker = {
  failedCalls: 0,
  callsFrom: -Infinity,
  callTrouble: null,
  failedLaunches: 0,
  quotaRefusals: 0,
  launchesFrom: -Infinity,
  launchTrouble: null,
};

/** From so many failed calls in a row on, the pool gives its nodes elsewhere. */
export const failedCallsAllowed = 3;
export const failedLaunchesAllowed = 5;
const callBackoff = { minMs: 500, maxMs: 60_000, factor: 2, jitter: 0.3 };
const launchBackoff = { minMs: 10_000, maxMs: 600_000, factor: 2, jitter: 0.3 };

/** Faults that say something of the cloud, and not of what was asked. */
const cloudFaults: ReadonlySet<string> = new Set([
  'cloud.unreachable',
  'cloud.timeout',
  'cloud.auth',
  'cloud.error',
  'cloud.bad-answer',
  'cloud.no-endpoint',
]);

export function isCloudTrouble(fault: Fault): boolean {
  return cloudFaults.has(fault.kind);
}

export function callFailed(breaker: Breaker, fault: Fault, now: number, chance: number): Breaker {
  const failedCalls = breaker.failedCalls + 1;
  const callsFrom = now + backoffMs(callBackoff, failedCalls, chance);
  return { ...breaker, failedCalls, callsFrom, callTrouble: named(fault) };
}

/** It answered, whatever it thinks of what was asked. */
export function callAnswered(breaker: Breaker): Breaker {
  if (breaker.failedCalls === 0) return breaker;
  return { ...breaker, failedCalls: 0, callsFrom: -Infinity, callTrouble: null };
}

/** A quota is information about capacity: nothing more is launched for a while (lesson 30). */
export function quotaRefused(breaker: Breaker, fault: Fault, now: number, chance: number): Breaker {
  // Several creates that were under way together are refused together, and count once.
  const quotaRefusals = now < breaker.launchesFrom ? breaker.quotaRefusals : breaker.quotaRefusals + 1;
  const launchesFrom = now + backoffMs(launchBackoff, quotaRefusals + 1, chance);
  return { ...breaker, quotaRefusals, launchesFrom, launchTrouble: named(fault) };
}

export function launchWorked(breaker: Breaker): Breaker {
  return { ...breaker, failedLaunches: 0, quotaRefusals: 0, launchTrouble: null };
}

export function launchFailed(breaker: Breaker, fault: Fault, now: number, chance: number): Breaker {
  const failedLaunches = breaker.failedLaunches + 1;
  const tooMany = failedLaunches - failedLaunchesAllowed;
  if (tooMany <= 0) return { ...breaker, failedLaunches };
  return {
    ...breaker,
    failedLaunches,
    launchesFrom: now + backoffMs(launchBackoff, tooMany, chance),
    launchTrouble: `${failedLaunches} launches in a row failed, last: ${named(fault)}`,
  };
}

/** Whether the pool may give nodes to this cloud. */
export function isOpenForLaunches(breaker: Breaker, now: number): boolean {
  return breaker.failedCalls < failedCallsAllowed && now >= breaker.launchesFrom;
}

export type Phase = 'closed' | 'open' | 'half-open';

export function phaseOf({ failedCalls, callsFrom }: Breaker, now: number): Phase {
  if (failedCalls === 0) return 'closed';
  return now < callsFrom ? 'open' : 'half-open';
}
