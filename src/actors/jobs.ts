/**
 * Owns    the jobs of which nodes are kept when they fail, and the decision which nodes are kept.
 * Hears   job-failed (node actors), list, create, delete (control), store-ready.
 * Tells   a node to hold, where not enough nodes are held for its job yet.
 * Stores  the table of these jobs.
 * If it dies: it reads the table again; failures that it was told of and has not weighed are missed.
 *
 * Failures are weighed one after another, each against the nodes that are held by then or have been told to hold, so
 * that two at once do not both take the last place. The node itself waits for its delete delay meanwhile.
 */
import { Fault } from '../domain/fault.js';
import { watchedJobId, type NodeId } from '../domain/ids.js';
import type { NodeRow } from '../domain/node-row.js';
import { heldFor, jobThere, type WatchedJob } from '../domain/watched-job.js';
import { whereListed } from '../domain/where-listed.js';
import type { JobOutcome, JobView } from '../ports/control.js';
import type { Outside } from '../ports/outside.js';
import type { Actor, Context, ReplyTo, TaskOutcome } from '../runtime/actor.js';
import { jobsAddress, nodeAddress, storeAddress } from './addresses.js';
import type { StoreNotice } from './store.js';

export type JobsMessage =
  | { readonly type: 'job-failed'; readonly job: string; readonly node: NodeId }
  | { readonly type: 'list'; readonly replyTo: ReplyTo<readonly JobView[]> }
  | {
      readonly type: 'create';
      readonly name: string;
      readonly holdOnFailure: number;
      readonly replyTo: ReplyTo<JobOutcome>;
    }
  | { readonly type: 'delete'; readonly id: number; readonly replyTo: ReplyTo<JobOutcome> }
  | { readonly type: 'read' }
  | { readonly type: 'jobs-read'; readonly outcome: TaskOutcome<readonly WatchedJob[]> }
  | { readonly type: 'weigh' }
  | { readonly type: 'counted'; readonly outcome: TaskOutcome<readonly NodeRow[]> }
  | StoreNotice;

export interface JobsArgs {
  readonly outside: Outside;
}

interface Failure {
  readonly job: string;
  readonly node: NodeId;
}

interface JobsState extends JobsArgs {
  /** By name; null until the table has been read. */
  jobs: ReadonlyMap<string, WatchedJob> | null;
  readonly failures: Failure[];
  isWeighing: boolean;
  /** Nodes that were told to hold, until their rows say that they do. */
  readonly told: Map<NodeId, string>;
}

/** The original's own tools may write the table, too. */
const readAgainMs = 60_000;
const weighAgainMs = 1_000;
/** More failures than these at once are a broken test, of which there are enough nodes to look at. */
const failuresMax = 1_000;

export const jobsActor: Actor<JobsMessage, JobsState, JobsArgs> = {
  kind: 'jobs',

  init(ctx, { outside }) {
    ctx.register(jobsAddress);
    ctx.tell(storeAddress, { type: 'subscribe', path: ctx.path, listener: ctx.self });
    return { outside, jobs: null, failures: [], isWeighing: false, told: new Map() };
  },

  async handle(message, state, ctx) {
    switch (message.type) {
      case 'job-failed':
        if (state.failures.length < failuresMax) state.failures.push(message);
        weigh(state, ctx);
        return;
      case 'weigh':
        weigh(state, ctx);
        return;
      case 'counted':
        state.isWeighing = false;
        counted(message.outcome, state, ctx);
        return;
      case 'list':
        message.replyTo.reply([...(state.jobs?.values() ?? [])]);
        return;
      case 'create':
        message.replyTo.reply(await attempt(() => create(message, state)));
        return;
      case 'delete':
        message.replyTo.reply(await attempt(() => remove(message.id, state)));
        return;
      case 'store-ready':
      case 'read':
        read(state, ctx);
        return;
      case 'jobs-read':
        // While the database is away, what was read before is as good as anything.
        if (message.outcome.ok) state.jobs = byName(message.outcome.value);
        ctx.timer('read', readAgainMs, { type: 'read' });
        weigh(state, ctx);
        return;
      case 'store-away':
    }
  },

  describe({ jobs }) {
    return { state: jobs === null ? 'waiting for the database' : `${jobs.size} jobs watched` };
  },
};

function read({ outside }: JobsState, ctx: Context<JobsMessage>): void {
  ctx.task(
    'read the jobs',
    () => outside.store.shared.watchedJobs(),
    outcome => ({ type: 'jobs-read', outcome }),
  );
}

function byName(jobs: readonly WatchedJob[]): ReadonlyMap<string, WatchedJob> {
  return new Map(jobs.map(job => [job.name, job]));
}

// ── Failures ─────────────────────────────────────────────────────────────────────────────────────────────────────

function weigh(state: JobsState, ctx: Context<JobsMessage>): void {
  const { jobs, failures } = state;
  if (state.isWeighing || jobs === null) return;
  while (failures[0] && !isWatched(failures[0].job, jobs)) failures.shift();
  if (failures.length === 0) return;
  state.isWeighing = true;
  ctx.task(
    'count the held nodes',
    () => state.outside.store.shared.nodes(),
    outcome => ({ type: 'counted', outcome }),
  );
}

function isWatched(job: string, jobs: ReadonlyMap<string, WatchedJob>): boolean {
  return (jobs.get(job)?.holdOnFailure ?? 0) > 0;
}

function counted(outcome: TaskOutcome<readonly NodeRow[]>, state: JobsState, ctx: Context<JobsMessage>): void {
  if (!outcome.ok) {
    if (!(outcome.error instanceof Fault)) throw outcome.error;
    ctx.timer('weigh', weighAgainMs, { type: 'weigh' });
    return;
  }
  const failure = state.failures.shift();
  if (failure) decide(failure, outcome.value, state, ctx);
  weigh(state, ctx);
}

function decide({ job, node }: Failure, rows: readonly NodeRow[], state: JobsState, ctx: Context<JobsMessage>): void {
  const { told, jobs, outside } = state;
  const used = new Set(rows.filter(row => row.state === 'used').map(({ id }) => id));
  for (const id of told.keys()) if (!used.has(id)) told.delete(id);
  const onTheWay = [...told.values()].filter(each => each === job).length;
  const kept = heldFor(job, rows) + onTheWay;
  const wanted = jobs?.get(job)?.holdOnFailure ?? 0;
  if (kept >= wanted || !used.has(node)) return;
  told.set(node, job);
  ctx.tell(nodeAddress(node), { type: 'auto-hold', job });
  outside.log.info(`node ${node}: held, as ${job} failed on it (${kept + 1} of ${wanted})`, { node: Number(node) });
}

// ── Commands ─────────────────────────────────────────────────────────────────────────────────────────────────────

async function attempt(work: () => Promise<JobOutcome>): Promise<JobOutcome> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault) return { kind: 'failed', message: error.message };
    throw error;
  }
}

async function create(
  { name, holdOnFailure }: Extract<JobsMessage, { type: 'create' }>,
  state: JobsState,
): Promise<JobOutcome> {
  const known = state.jobs?.get(name);
  if (known) return jobThere(known);
  const job = await state.outside.store.shared.insertWatchedJob({ name, holdOnFailure });
  state.jobs = new Map([...(state.jobs ?? []), [name, job]]);
  return { kind: 'done', job };
}

async function remove(id: number, state: JobsState): Promise<JobOutcome> {
  const job = [...(state.jobs?.values() ?? [])].find(each => Number(each.id) === id);
  if (!job) return { kind: 'not-found', message: `there is no job ${id}`, next: whereListed.job };
  await state.outside.store.shared.deleteWatchedJob(watchedJobId(id));
  state.jobs = new Map([...(state.jobs ?? [])].filter(([name]) => name !== job.name));
  return { kind: 'done', job };
}
