/**
 * A ready node that is to go leaves its master first: a job that it was given just before has been heard of, or was seen
 * in a list, once the time is over, and then the node stays until its end (lesson 82).
 */
import type { NodeFact } from '../../domain/node.js';
import { takeOffline } from './job.js';
import { learn } from './learn.js';
import type { NodeContext, Self } from './self.js';

/** Why it is to go, and what is then known of its failure. */
export interface Replacement {
  readonly fact: Extract<NodeFact, 'outdated' | 'check-failed' | 'member-gone'>;
  readonly why: string;
  readonly lastError: string | null;
}

/** Within so many passes its master has said what runs on it, whether or not the event was lost. */
const lastJobPasses = 2;

/** Nobody is in a hurry: it goes once no job can start on it any more. */
export function makeRoom(replacement: Replacement, node: Self, ctx: NodeContext): void {
  if (node.home.row.state !== 'ready' || node.isLeaving) return;
  node.isLeaving = true;
  takeOffline(replacement.why, node, ctx);
  ctx.timer('replace', lastJobPasses * node.home.settings.timings.pass, { type: 'replace', replacement });
}

export async function replace({ fact, lastError }: Replacement, node: Self, ctx: NodeContext): Promise<void> {
  node.isLeaving = false;
  await learn(fact, node, ctx, () => (lastError === null ? {} : { lastError }));
}
