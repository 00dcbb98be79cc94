/** A Gearman server's queue lengths. */
import type { GearmanServer } from '../domain/pool-config.js';

export interface DemandSource {
  /** One `status` question. Rejects with a `Fault` (`gearman.*`); a half answer is a fault, never a short list. */
  status(
    server: GearmanServer,
    call: { readonly deadlineMs: number; readonly signal?: AbortSignal },
  ): Promise<QueueStatus>;
}

export interface QueueStatus {
  readonly functions: readonly QueueFunction[];
  /** Lines that were no function line; each was skipped (lesson 47). */
  readonly malformed: readonly string[];
}

export interface QueueFunction {
  /** For example `build:JOB:LABEL`. May hold spaces. */
  readonly name: string;
  /** Jobs known, the running ones included. */
  readonly total: number;
  readonly running: number;
  readonly workers: number;
}
