/**
 * What a master's list of slaves says about the nodes of its rows (lessons 55 and 69). The list is a witness beside the
 * job events, which are lossy, and are lost for as long as no daemon runs. It says less: not which job, nor its result.
 */
import type { NodeId, NodeName } from './ids.js';
import { isMassLoss, massLossMs } from './mass-loss.js';
import { isLaunchStep, type NodeRow } from './node-row.js';

export interface SlaveSeen {
  readonly name: NodeName;
  /** Null while nobody has taken it offline. */
  readonly offlineReason: string | null;
  readonly idle: boolean;
}

/**
 * `still-online`: it has, or has had, its job, and a second one could start on it (lesson 67). `withdrawn`: we have taken
 * it offline to replace it, so that it is ready and no job can find it.
 */
export type SlaveFact = 'job-started' | 'job-finished' | 'slave-gone' | 'still-online' | 'withdrawn';

/** What is looked at of a row. */
export type ComparedRow = Pick<
  NodeRow,
  'id' | 'nodename' | 'state' | 'step' | 'stateTime' | 'jobStartedAt' | 'jobEndedAt'
>;

export interface SlaveFinding<Row = NodeRow> {
  readonly row: Row;
  readonly fact: SlaveFact;
}

/** What a list made look so; believed when the next one says the same. */
export interface Suspicion {
  readonly fact: SlaveFact;
  readonly since: number;
}

export interface SlaveComparison<Row> {
  readonly findings: readonly SlaveFinding<Row>[];
  readonly suspicions: ReadonlyMap<NodeId, Suspicion>;
  /** Nodes whose slave is gone, where so many are gone that the master itself is doubted. */
  readonly doubted: number;
}

export interface ComparedSlaves<Row> {
  /** All rows of the master, read after the list was asked for. */
  readonly rows: readonly Row[];
  readonly slaves: readonly SlaveSeen[];
  /** When the list was asked for, epoch milliseconds. */
  readonly listedAt: number;
  readonly suspicions: ReadonlyMap<NodeId, Suspicion>;
}

export function compareSlaves<Row extends ComparedRow>({
  rows,
  slaves,
  listedAt,
  suspicions,
}: ComparedSlaves<Row>): SlaveComparison<Row> {
  const byName = new Map(slaves.map(slave => [slave.name, slave]));
  const compared = rows.filter(row => isComparable(row, listedAt));
  const expected = compared.filter(({ jobEndedAt }) => jobEndedAt === null);
  const gone = expected.filter(({ nodename }) => nodename !== null && !byName.has(nodename)).length;
  const isDoubted = isMassLoss(gone, expected.length);
  const findings: SlaveFinding<Row>[] = [];
  const now = new Map<NodeId, Suspicion>();
  for (const row of compared) {
    const fact = row.nodename === null ? null : factOf(row, byName.get(row.nodename) ?? null);
    if (fact === null) continue;
    const before = suspicions.get(row.id);
    const isSeenAgain = before?.fact === fact;
    const since = isSeenAgain ? before.since : listedAt;
    if (isBelieved(fact, { isSeenAgain, isDoubted, forMs: listedAt - since })) findings.push({ row, fact });
    else now.set(row.id, { fact, since });
  }
  return { findings, suspicions: now, doubted: isDoubted ? gone : 0 };
}

/** A state that is younger than the list is not what the list speaks of; the row has whole seconds. */
function isComparable({ state, step, stateTime }: ComparedRow, listedAt: number): boolean {
  if (listedAt < (stateTime + 1) * 1000) return false;
  switch (state) {
    case 'ready':
    case 'test':
    case 'used':
      return true;
    case 'hold':
      // Held in the middle of its launch it need not be in Jenkins.
      return !isLaunchStep(step);
    case 'building':
    case 'delete':
      return false;
  }
}

function factOf({ state, jobStartedAt, jobEndedAt }: ComparedRow, slave: SlaveSeen | null): SlaveFact | null {
  const online = slave?.offlineReason === null ? 'still-online' : null;
  if (jobEndedAt !== null) return online;
  if (!slave) return 'slave-gone';
  // What runs on a node under test is the test job, whose end is waited for as an event.
  if (state === 'test') return null;
  const hadItsJob = state === 'used' || jobStartedAt !== null;
  if (!slave.idle) return hadItsJob ? online : 'job-started';
  if (hadItsJob) return 'job-finished';
  if (state !== 'ready' || slave.offlineReason === null) return null;
  if (isAfterItsJob(slave.offlineReason)) return 'job-finished';
  return slave.offlineReason.includes(replacedMark) ? 'withdrawn' : null;
}

/** In the reason for which a node that is to be replaced is offline. */
export const replacedMark = 'nodepool replaces it';

/**
 * The Gearman plugin takes a slave offline when the job ends that asked for it, as Zuul's do; ours is the other reason
 * (jenkins.md 11). What an operator or a disk monitor has taken offline had no job.
 */
function isAfterItsJob(offlineReason: string): boolean {
  return /Gearman request|its one job/i.test(offlineReason);
}

interface Sighting {
  readonly isSeenAgain: boolean;
  readonly isDoubted: boolean;
  readonly forMs: number;
}

/** Busy is busy; but the masters of 2014 say idle for a moment of one that has just been given a job (jenkins.md 4). */
function isBelieved(fact: SlaveFact, { isSeenAgain, isDoubted, forMs }: Sighting): boolean {
  if (fact === 'job-started') return true;
  return isSeenAgain && (fact !== 'slave-gone' || !isDoubted || forMs >= massLossMs);
}
