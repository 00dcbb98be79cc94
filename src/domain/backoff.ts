/** How long to wait before asking again. Pure: the caller brings the chance. */
export interface Backoff {
  /** The wait after the first failure. */
  readonly minMs: number;
  readonly maxMs: number;
  /** What each further failure multiplies the wait by. */
  readonly factor: number;
  /** Share of the wait that chance may take off, 0 to 1, so that many who failed together do not ask together. */
  readonly jitter: number;
}

/** `failures` in a row, at least one; `chance` from 0 up to 1. The answer is between (1 − jitter) × wait and wait. */
export function backoffMs(backoff: Backoff, failures: number, chance: number): number {
  // A power beyond what a double holds is Infinity, and the maximum is taken.
  const wait = Math.min(backoff.maxMs, backoff.minMs * backoff.factor ** Math.max(0, failures - 1));
  return Math.round(wait * (1 - backoff.jitter * chance));
}
