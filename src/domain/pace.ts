/**
 * How fast a cloud may be asked, learnt from its answers. One that says "too many requests" is asked half as fast, and
 * half as fast again if it says so once more; each answer that comes through brings back a tenth of what is missing.
 * Pure: the caller brings time and chance.
 */
import { backoffMs } from './backoff.js';

/** What the configuration allows, and what the governor makes of it. */
export interface Pace {
  /** Calls in flight. */
  readonly calls: number;
  /** From end to start with one call in flight, between starts otherwise. */
  readonly rateMs: number;
}

export interface Governor {
  /** 1: as configured. 4: a quarter of the calls at once, and four times the pause. */
  readonly slowdown: number;
  /** No call starts before then: the cloud asked for it. */
  readonly pausedUntil: number;
  /** When the pace was cut last. Calls that had started before then knew nothing of it. */
  readonly cutAt: number;
  /** Complaints since the last call that came through. */
  readonly complaints: number;
  /** What the cloud said last; null at full pace. */
  readonly reason: string | null;
}

export const fullPace: Governor = {
  slowdown: 1,
  pausedUntil: -Infinity,
  cutAt: -Infinity,
  complaints: 0,
  reason: null,
};

/** Slower than this is no pace any more: the cloud is left to its pauses. */
export const slowdownMax = 64;
/** What a pause of nothing is multiplied from. */
const rateFloorMs = 20;
/** The longest pause that the governor makes by itself; a longer `rate` or `Retry-After` stays what it is. */
export const ownPauseMaxMs = 30_000;
/** Share of the slowdown that stays after an answer that came through. */
const easing = 0.9;
/** So near to full pace it is full pace. */
const nearlyFull = 1.05;
/** From so many complaints in a row on, a cloud takes nothing more: launches go elsewhere. */
const complaintsMax = 10;
const pauseBackoff = { minMs: 500, maxMs: 60_000, factor: 2, jitter: 0.3 };

export interface Complaint {
  readonly now: number;
  /** When the call that was refused had started. */
  readonly askedAt: number;
  /** What the cloud asked us to wait; null where it did not say. */
  readonly retryAfterMs: number | null;
  readonly reason: string;
  readonly chance: number;
}

/** The cloud asked for fewer calls. A burst of complaints about one burst of calls cuts the pace once. */
export function slowed(governor: Governor, { now, askedAt, retryAfterMs, reason, chance }: Complaint): Governor {
  const complaints = governor.complaints + 1;
  const isNews = askedAt >= governor.cutAt;
  const pauseMs = retryAfterMs ?? backoffMs(pauseBackoff, complaints, chance);
  return {
    slowdown: isNews ? Math.min(slowdownMax, governor.slowdown * 2) : governor.slowdown,
    pausedUntil: Math.max(governor.pausedUntil, now + pauseMs),
    cutAt: isNews ? now : governor.cutAt,
    complaints,
    reason,
  };
}

/** A call came through. */
export function eased(governor: Governor): Governor {
  if (governor.slowdown === 1) return governor.complaints === 0 ? governor : { ...governor, complaints: 0 };
  const slowdown = governor.slowdown * easing;
  return slowdown < nearlyFull
    ? { ...governor, slowdown: 1, complaints: 0, reason: null }
    : { ...governor, slowdown, complaints: 0 };
}

export function governed({ slowdown }: Governor, { calls, rateMs }: Pace): Pace {
  if (slowdown === 1) return { calls, rateMs };
  const slowMs = Math.min(ownPauseMaxMs, Math.max(rateFloorMs, rateMs) * slowdown);
  return { calls: Math.max(1, Math.floor(calls / slowdown)), rateMs: Math.max(rateMs, slowMs) };
}

/** It refuses everything, and politely. */
export function isRefusingAll({ complaints }: Governor): boolean {
  return complaints >= complaintsMax;
}
