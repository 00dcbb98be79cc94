/** What a node makes of its one job: heard as events, seen in Jenkins, tested, kept where it failed. */
import type { SlaveFact } from '../../domain/slave-check.js';
import { holdReason } from '../../domain/watched-job.js';
import { jobsAddress, statsAddress, targetAddress } from '../addresses.js';
import { learn } from './learn.js';
import { makeRoom } from './replace.js';
import { change, whereabouts, type NodeContext, type Self } from './self.js';

export interface JobFinished {
  readonly job: string;
  readonly result: string | null;
  readonly branch: string;
}

export async function jobStarted(job: string, node: Self, ctx: NodeContext): Promise<void> {
  if (job === testJobOf(node)) {
    await learn('test-job-started', node, ctx);
    return;
  }
  const decision = await learn('job-started', node, ctx);
  if (decision.kind !== 'ignore') takeOffline(offlineReasons['job-started'], node, ctx);
}

export async function jobFinished({ job, result, branch }: JobFinished, node: Self, ctx: NodeContext): Promise<void> {
  if (job === testJobOf(node)) {
    await testFinished(result, node, ctx);
    return;
  }
  const { jobStartedAt } = node.home.row;
  const decision = await learn('job-finished', node, ctx);
  // Perhaps the start was not heard, or the master could not be reached then.
  if (decision.kind !== 'ignore') takeOffline(offlineReasons['job-finished'], node, ctx);
  if (decision.kind === 'ignore') return;
  if (result !== 'SUCCESS') {
    ctx.tell(jobsAddress, { type: 'job-failed', job, node: node.home.row.id });
    return;
  }
  if (jobStartedAt === null) return;
  const { label, provider } = node.home.row;
  for (const part of [job, `${job}.${branch}`, `${job}.${branch}.${label}`, `${job}.${branch}.${label}.${provider}`]) {
    const [timer, counter] = [`nodepool.job.${part}.runtime`, `nodepool.job.${part}.builds`];
    ctx.tell(statsAddress, { type: 'timing', key: timer, counter, ms: ctx.now() - jobStartedAt });
  }
}

export interface SlaveCompared {
  readonly fact: SlaveFact;
  /** Of the row that was compared: one that has changed since is compared again. */
  readonly revision: number;
}

/** Jenkins knows something of the node that no event has told. The target hears what came of it. */
export async function slaveCompared({ fact, revision }: SlaveCompared, node: Self, ctx: NodeContext): Promise<void> {
  const { row } = node.home;
  const isNews = row.revision === revision && (await learnFromSlave(fact, node, ctx));
  ctx.tell(targetAddress(row.target), { type: 'taken', node: row.id, fact, isNews });
}

async function learnFromSlave(fact: SlaveFact, node: Self, ctx: NodeContext): Promise<boolean> {
  const { row, outside } = node.home;
  if (fact === 'still-online') {
    // A daemon that was killed had written of the job, and its call was not made; or the call failed.
    takeOffline(offlineReasons[row.jobEndedAt === null ? 'job-started' : 'job-finished'], node, ctx, true);
    return false;
  }
  if (fact === 'withdrawn') {
    // What it was to go for is not known any more: it was held meanwhile, or the daemon was killed.
    makeRoom({ fact: 'outdated', why: 'it was taken offline to be replaced', lastError: null }, node, ctx);
    return false;
  }
  const decision = await learn(fact, node, ctx);
  if (decision.kind === 'ignore') return false;
  outside.log.warn(`node ${row.id}: seen in Jenkins and not heard as an event: ${fact}`, whereabouts(row));
  ctx.tell(statsAddress, { type: 'count', key: `nodepool.events.unheard.${fact}` });
  if (fact !== 'slave-gone') takeOffline(offlineReasons[fact], node, ctx);
  return true;
}

const offlineReasons = { 'job-started': 'its one job has started', 'job-finished': 'its one job has ended' } as const;

/** `isAgain`: it was asked for before, and nothing came of it. */
export function takeOffline(reason: string, node: Self, ctx: NodeContext, isAgain = false): void {
  const { id, nodename: name, target } = node.home.row;
  if (name !== null) ctx.tell(targetAddress(target), { type: 'set-offline', name, reason, node: id, isAgain });
}

/** Only while its delete delay runs: whatever became of it meanwhile has nothing to do with that job any more. */
export async function autoHold(job: string, node: Self, ctx: NodeContext): Promise<void> {
  const { row, settings } = node.home;
  if (row.state !== 'used' || row.jobEndedAt === null) return;
  const forMs = settings.config.maxHoldAgeMs;
  const expiry = forMs === null ? null : ctx.now() + forMs;
  await learn('hold-asked', node, ctx, () => ({ reason: holdReason(job), expiry }));
}

/** A node that passed gets its label before it is ready, or no job could find it (lesson 63). */
async function testFinished(result: string | null, node: Self, ctx: NodeContext): Promise<void> {
  if (result !== 'SUCCESS') {
    await learn('test-failed', node, ctx, () => ({ lastError: `its test job ended with ${result ?? 'no result'}` }));
    return;
  }
  await change(node, ctx, row => {
    return row.state === 'test' && row.step === 'test-job' ? { step: 'relabel', stepAt: ctx.now() } : null;
  });
}

function testJobOf({ home: { row, settings } }: Self): string | null {
  return settings.lastKnown.target(row.target)?.jenkins?.testJob ?? null;
}
