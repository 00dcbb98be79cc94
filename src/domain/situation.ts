/** Where one node stands: what it waits for, and what comes next. Pure: the node's actor brings the facts. */
import { launchStepsInOrder, type NodeRow } from './node-row.js';

export type WaitsFor =
  | 'database'
  | 'launch-permit'
  | 'delete-permit'
  | 'connection'
  /** Something failed, and is tried again. */
  | 'rest'
  /** The outside world: the step is in hand. */
  | 'step'
  | 'test-job'
  | 'job'
  | 'job-end'
  | 'delete-delay'
  | 'release'
  | 'nothing';

/** What the actor knows besides its row. */
export interface NodeFacts {
  readonly isDatabaseAway: boolean;
  readonly waitsForPermit: 'launch' | 'delete' | null;
  readonly waitsForConnection: boolean;
  readonly isBusy: boolean;
  /** What is tried again, epoch milliseconds; null: nothing. */
  readonly restsUntil: number | null;
}

export interface Situation {
  readonly waitsFor: WaitsFor;
  /** Epoch milliseconds; null: nobody knows. */
  readonly until: number | null;
  /** For people. */
  readonly detail: string;
  /** What comes after, or what an operator may do. */
  readonly next: string;
}

export function situationOf(row: NodeRow, facts: NodeFacts): Situation {
  const { provider } = row;
  if (facts.isDatabaseAway) {
    return at('database', 'the database is away; its changes are kept and written when it is back', {
      next: 'nodepool doctor',
    });
  }
  if (facts.waitsForPermit === 'launch') {
    return at('launch-permit', `${provider} launches as many at once as concurrency.launches allows`, {
      next: `its turn comes by itself; nodepool tune ${provider} launches=N lets more launch at once`,
    });
  }
  if (facts.waitsForPermit === 'delete') {
    return at('delete-permit', `${provider} deletes as many at once as concurrency.deletes allows`, {
      next: `its turn comes by itself; nodepool delete ${row.id} --now does not wait`,
    });
  }
  if (facts.waitsForConnection) {
    return at('connection', 'all connections that the database allows are lent to other nodes', {
      next: 'its turn comes by itself; raise database.max-connections and the limit of the server',
    });
  }
  if (facts.restsUntil !== null && !facts.isBusy) {
    return at('rest', `the step ${row.step ?? ''} failed and is tried again`, {
      until: facts.restsUntil,
      next: `see the last error; nodepool explain provider ${provider}`,
    });
  }
  return byState(row, facts);
}

function byState(row: NodeRow, { isBusy }: NodeFacts): Situation {
  switch (row.state) {
    case 'building':
    case 'test':
      if (row.step === 'test-job') {
        return at('test-job', `its test job on ${row.target} has not ended`, { next: 'relabel, then ready' });
      }
      return at(isBusy ? 'step' : 'nothing', `the step ${row.step ?? 'none'} is in hand`, { next: afterStep(row) });
    case 'ready':
      return at('job', `it is registered in ${row.target}`, { next: 'a job starts on it, or it grows too old' });
    case 'used':
      if (row.jobEndedAt === null) {
        return at('job-end', `a job runs on it in ${row.target}`, { next: 'it is deleted after its job' });
      }
      return at('delete-delay', 'its job has ended', { until: row.deleteAt, next: 'it is deleted after the delay' });
    case 'hold':
      return at('release', `it is held${row.reason === null ? '' : `: ${row.reason}`}`, {
        until: row.expiry,
        next: `nodepool release ${row.id}, or nodepool delete ${row.id}`,
      });
    case 'delete':
      return at(isBusy ? 'step' : 'nothing', `what remains of its delete: ${row.step ?? 'everything'}`, {
        next: 'its row goes when server and slave are gone',
      });
  }
}

function afterStep({ step }: NodeRow): string {
  const order: readonly string[] = launchStepsInOrder;
  const place = order.indexOf(step ?? '');
  const left = order.slice(place + 1).filter(name => name !== 'test-job' && name !== 'relabel');
  return place < 0 ? 'it is launched anew' : [...left, 'ready'].join(', ');
}

function at(
  waitsFor: WaitsFor,
  detail: string,
  { until = null, next }: { readonly until?: number | null; readonly next: string },
): Situation {
  return { waitsFor, until, detail, next };
}
