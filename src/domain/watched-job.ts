import type { WatchedJobId } from './ids.js';
import type { NodeRow } from './node-row.js';

/** A job of which so many nodes are kept, held, when it fails on them (reference 22.2). */
export interface WatchedJob {
  readonly id: WatchedJobId;
  readonly name: string;
  /** 0: none. */
  readonly holdOnFailure: number;
}

/** Why a job is not created: its name is taken. */
export function jobThere({ id, name }: WatchedJob): { kind: 'refused'; message: string; next: string } {
  const message = `job ${name} is there already, with the id ${id}`;
  return { kind: 'refused', message, next: `nodepool job-delete ${id} makes room for another one` };
}

/** As the original of 0.3 writes it, and counts by it. */
export function holdReason(job: string): string {
  return `Automatically held after failing ${job}`;
}

/** How many nodes are held for the job. */
export function heldFor(job: string, nodes: Iterable<Pick<NodeRow, 'state' | 'reason'>>): number {
  let held = 0;
  for (const { state, reason } of nodes) if (state === 'hold' && reason === holdReason(job)) held++;
  return held;
}
