/** How a cloud is being asked, in numbers: what `describeCloud` says in words. */
import { phaseOf, type Phase } from '../../domain/cloud-breaker.js';
import { governed } from '../../domain/pace.js';
import type { CloudState } from './state.js';

export interface CloudFigures {
  readonly calls: { readonly underWay: number; readonly waiting: number; readonly limit: number };
  readonly pace: {
    /** Between two calls, as it is now. */
    readonly rateSeconds: number;
    /** 1: as configured. */
    readonly slowdown: number;
    /** Until the next call may start; 0: now. */
    readonly pauseSeconds: number;
    readonly reason: string | null;
  };
  readonly breaker: {
    readonly phase: Phase;
    readonly trouble: string | null;
    readonly callsInSeconds: number;
    readonly launchesInSeconds: number;
  };
}

export function figuresOf({ provider, settings, pacer, governor, breaker }: CloudState, now: number): CloudFigures {
  const known = settings.lastKnown.provider(provider);
  const configured = { calls: known?.concurrency.calls ?? 0, rateMs: known?.rateMs ?? 0 };
  const pace = governed(governor, configured);
  return {
    calls: { underWay: pacer.inFlight, waiting: pacer.waiting, limit: pace.calls },
    pace: {
      rateSeconds: pace.rateMs / 1000,
      slowdown: Math.round(governor.slowdown * 10) / 10,
      pauseSeconds: secondsUntil(governor.pausedUntil, now),
      reason: governor.reason,
    },
    breaker: {
      phase: phaseOf(breaker, now),
      trouble: breaker.callTrouble ?? breaker.launchTrouble,
      callsInSeconds: secondsUntil(breaker.callsFrom, now),
      launchesInSeconds: secondsUntil(breaker.launchesFrom, now),
    },
  };
}

function secondsUntil(at: number, now: number): number {
  return Math.max(0, Math.ceil((at - now) / 1000)) || 0;
}
