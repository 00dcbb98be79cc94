import assert from 'node:assert/strict';
import { Fault } from '../../domain/fault.js';
import type { Target } from '../../domain/pool-config.js';
import type { CiCall, CiPort } from '../../ports/ci.js';
import type { WorkerPool } from '../workers/pool.js';
import type { CiMethod, CiQuestion, CiResult } from './question.js';

/** A thread that ended may have asked the master: every call of the port may be repeated, and finds what was done. */
const lost = { ended: 'jenkins.unreachable', silent: 'jenkins.timeout' } as const;

/** A master asked from a worker thread, of a pool that all masters share and that `main.ts` closes. */
export function openWorkerCi(target: Target, pool: WorkerPool): CiPort {
  const master = target.jenkins;
  assert(master !== null, `target ${target.name} has no Jenkins`);
  const calls = new Map<AbortController, Promise<unknown>>();
  let isClosed = false;

  const ask = async <Method extends CiMethod>(
    question: Extract<CiQuestion, { method: Method }>,
    { deadlineMs, signal }: CiCall,
  ): Promise<CiResult<Method>> => {
    if (isClosed) throw new Fault('jenkins.unreachable', `${target.name} was closed`);
    // Not AbortSignal.any: a signal that lives as long as the daemon would remember every call.
    const aborter = new AbortController();
    const giveUp = (): void => aborter.abort();
    if (signal?.aborted === true) giveUp();
    signal?.addEventListener('abort', giveUp);
    const call = pool.run<'ci'>({ op: 'ci', master, question }, { deadlineMs, signal: aborter.signal, lost });
    calls.set(aborter, call);
    try {
      // The worker answers with what the client's method of that name resolves to.
      return (await call) as CiResult<Method>;
    } finally {
      calls.delete(aborter);
      signal?.removeEventListener('abort', giveUp);
    }
  };

  return {
    status: call => ask<'status'>({ method: 'status' }, call),
    listNodes: call => ask<'listNodes'>({ method: 'listNodes' }, call),
    createNode: (spec, call) => ask<'createNode'>({ method: 'createNode', spec }, call),
    deleteNode: (name, call) => ask<'deleteNode'>({ method: 'deleteNode', name }, call),
    nodeDescription: (name, call) => ask<'nodeDescription'>({ method: 'nodeDescription', name }, call),
    nodeExists: (name, call) => ask<'nodeExists'>({ method: 'nodeExists', name }, call),
    setOffline: (name, reason, call) => ask<'setOffline'>({ method: 'setOffline', name, reason }, call),
    relabel: (name, labels, call) => ask<'relabel'>({ method: 'relabel', name, labels }, call),
    startTestJob: (job, name, call) => ask<'startTestJob'>({ method: 'startTestJob', job, name }, call),
    /** Calls in hand are given up. */
    async close() {
      isClosed = true;
      for (const aborter of calls.keys()) aborter.abort();
      await Promise.allSettled(calls.values());
    },
  };
}
