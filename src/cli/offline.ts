/** What the commands do while no daemon runs: read the database, or take its lock and write a row. */
import { databasePlace, parseDburi } from '../domain/dburi.js';
import { decide, jobTimes, type Decision } from '../domain/node.js';
import { nodeId } from '../domain/ids.js';
import { Fault } from '../domain/fault.js';
import type { NodePatch, NodeRow } from '../domain/node-row.js';
import type { PoolConfig } from '../domain/pool-config.js';
import { imageView, nodeView } from '../domain/views.js';
import { jobThere } from '../domain/watched-job.js';
import { whereListed } from '../domain/where-listed.js';
import type { CommandOutcome, ImageView, JobOutcome, JobView, NodeView } from '../ports/control.js';
import type { Session, StorePort } from '../ports/store.js';
import { readConfig } from './configuration.js';
import type { CliContext } from './context.js';
import { exitCodes } from './exit-codes.js';
import { CliFailure } from './failure.js';
import type { GlobalOptions } from './options.js';

export async function readNodes(context: CliContext, options: GlobalOptions): Promise<readonly NodeView[]> {
  return withStore(context, options, async (store, now) => {
    await store.attach();
    return (await store.shared.nodes()).map(row => nodeView(row, now));
  });
}

export async function readImages(context: CliContext, options: GlobalOptions): Promise<readonly ImageView[]> {
  return withStore(context, options, async (store, now) => {
    await store.attach();
    return (await store.shared.snapshots()).map(row => imageView(row, now));
  });
}

export async function holdOffline(
  context: CliContext,
  options: GlobalOptions,
  hold: { readonly id: number; readonly reason: string | null; readonly forMs: number | null },
): Promise<CommandOutcome> {
  return withStore(context, options, async (store, now, config) => {
    await takeLock(context, store);
    const forMs = hold.forMs ?? config.maxHoldAgeMs;
    const patch: NodePatch = { reason: hold.reason, expiry: forMs === null ? null : now + forMs };
    return change(store.shared, hold.id, { fact: 'hold-asked', patch, now });
  });
}

/** The daemon deletes server and slave when it starts again. */
export async function deleteOffline(context: CliContext, options: GlobalOptions, id: number): Promise<CommandOutcome> {
  return withStore(context, options, async (store, now) => {
    await takeLock(context, store);
    const patch: NodePatch = { step: 'unregister+servers', stepAt: now, expiry: null };
    return change(store.shared, id, { fact: 'delete-asked', patch, now });
  });
}

export async function readJobs(context: CliContext, options: GlobalOptions): Promise<readonly JobView[]> {
  return withStore(context, options, async store => {
    await store.attach();
    return store.shared.watchedJobs();
  });
}

export async function createJobOffline(
  context: CliContext,
  options: GlobalOptions,
  job: { readonly name: string; readonly holdOnFailure: number },
): Promise<JobOutcome> {
  return withStore(context, options, async store => {
    await takeLock(context, store);
    const known = (await store.shared.watchedJobs()).find(each => each.name === job.name);
    if (known) return jobThere(known);
    return { kind: 'done', job: await store.shared.insertWatchedJob(job) };
  });
}

export async function deleteJobOffline(context: CliContext, options: GlobalOptions, id: number): Promise<JobOutcome> {
  return withStore(context, options, async store => {
    await takeLock(context, store);
    const job = (await store.shared.watchedJobs()).find(each => Number(each.id) === id);
    if (!job) return { kind: 'not-found', message: `there is no job ${id}`, next: whereListed.job };
    await store.shared.deleteWatchedJob(job.id);
    return { kind: 'done', job };
  });
}

async function withStore<Result>(
  context: CliContext,
  options: GlobalOptions,
  use: (store: StorePort, now: number, config: PoolConfig) => Promise<Result>,
): Promise<Result> {
  const config = readConfig(context, options, true);
  const store = await context.openStore(config);
  try {
    return await use(store, context.now(), config);
  } catch (error) {
    throw withPlace(error, config);
  } finally {
    await store.close();
  }
}

/** Without the daemon nobody has said which database is meant. */
function withPlace(error: unknown, { dburi }: PoolConfig): unknown {
  if (!(error instanceof Fault) || error.kind !== 'store.away' || dburi === null || dburi === 'embedded:') return error;
  const place = databasePlace(parseDburi(dburi));
  return new Fault(error.kind, `the database at ${place}: ${error.message}`, { cause: error });
}

/** A daemon that cannot be asked, but lives, must not find its rows written by others. */
async function takeLock(context: CliContext, store: StorePort): Promise<void> {
  try {
    await store.start({ host: context.host, pid: context.pid, socket: '' });
  } catch (error) {
    if (!(error instanceof Fault) || error.kind !== 'store.locked') throw error;
    throw new CliFailure(exitCodes.unreachable, error.message, {
      next: 'a daemon has this database; name its socket with --socket, and run as a user who may open it',
      cause: error,
    });
  }
}

async function change(
  session: Session,
  id: number,
  wish: { readonly fact: 'hold-asked' | 'delete-asked'; readonly patch: NodePatch; readonly now: number },
): Promise<CommandOutcome> {
  const row = await session.node(nodeId(id));
  if (row === null) return notFound(id);
  const decision = decide(row, wish.fact);
  switch (decision.kind) {
    case 'refuse':
      return { kind: 'refused', message: `node ${id}: ${decision.why}`, next: `nodepool explain node ${id}` };
    case 'ignore':
      return { kind: 'done', node: nodeView(row, wish.now) };
    case 'keep':
    case 'move':
      return write(session, row, patchOf(decision, wish), wish.now);
  }
}

function patchOf(decision: Decision, wish: { readonly patch: NodePatch; readonly now: number }): NodePatch {
  const state = decision.kind === 'move' ? { state: decision.to } : {};
  return { ...wish.patch, ...state, ...jobTimes(decision, wish.now) };
}

async function write(session: Session, row: NodeRow, patch: NodePatch, now: number): Promise<CommandOutcome> {
  const changed = await session.changeNode(row.id, { state: row.state, step: row.step }, patch);
  switch (changed.kind) {
    case 'changed':
      return { kind: 'done', node: nodeView(changed.row, now) };
    case 'refused':
      return {
        kind: 'refused',
        message: `node ${row.id} has changed meanwhile and is ${changed.row.state}`,
        next: 'try it again',
      };
    case 'gone':
      return notFound(row.id);
  }
}

function notFound(id: number): CommandOutcome {
  return { kind: 'not-found', message: `there is no node ${id}`, next: whereListed.node };
}
