/** What is wanted: from a Gearman server's queue to nodes of a label (reference 6.1, DESIGN 3 "Demand"). */

/** As `ports/demand` has it. */
export interface QueueFunction {
  readonly name: string;
  /** Jobs known, the running ones included. */
  readonly total: number;
  readonly running: number;
}

export interface LabelQueue {
  readonly total: number;
  readonly running: number;
}

export interface Demand {
  readonly byLabel: ReadonlyMap<string, LabelQueue>;
}

/**
 * The functions of all Gearman servers together: they add up, and share the map from jobs to labels. A job that names
 * no label (`build:JOB`) counts for the first label that the same job was seen with, and for none if there was none.
 */
export function readDemand(functions: Iterable<QueueFunction>): Demand {
  const byLabel = new Map<string, LabelQueue>();
  const unlabelled = new Map<string, LabelQueue>();
  const firstLabelOf = new Map<string, string>();
  for (const queue of functions) {
    if (!queue.name.startsWith(PREFIX)) continue;
    const words = queue.name.slice(PREFIX.length).split(':');
    // A Maven module (`group:artifact`) has a colon of its own: the last word is taken for the label.
    const label = words.length > 1 ? words.at(-1) : undefined;
    const job = words.at(label === undefined ? -1 : -2) ?? '';
    if (label !== undefined && !firstLabelOf.has(job)) firstLabelOf.set(job, label);
    if (label === undefined) add(unlabelled, job, queue);
    else add(byLabel, label, queue);
  }
  for (const [job, queue] of unlabelled) {
    const label = firstLabelOf.get(job);
    if (label !== undefined) add(byLabel, label, queue);
  }
  return { byLabel };
}

const PREFIX = 'build:';

function add(queues: Map<string, LabelQueue>, key: string, queue: LabelQueue): void {
  const before = queues.get(key) ?? { total: 0, running: 0 };
  // A server that counts wrongly must not take demand away.
  const total = Math.max(0, queue.total);
  const running = Math.min(total, Math.max(0, queue.running));
  queues.set(key, { total: before.total + total, running: before.running + running });
}

export interface LabelSituation {
  readonly total: number;
  readonly running: number;
  /** Nodes whose job has not ended. */
  readonly used: number;
  /** Nodes whose job ended after the sample was taken: the sample still counts those jobs. */
  readonly endedSinceSample: number;
  /** Whether any event source is connected; without one nobody tells us what is used, and `running` lags. */
  readonly eventsAlive: boolean;
}

/** Jobs that wait for a node. */
export function labelDemand({ total, running, used, endedSinceSample, eventsAlive }: LabelSituation): number {
  const served = used + endedSinceSample;
  return Math.max(0, total - (eventsAlive ? Math.max(served, running) : served));
}

export interface DeficitInput {
  readonly waiting: number;
  /** Nodes ready or on their way, of online targets. */
  readonly stock: number;
  readonly minReady: number;
  /** Groups that the label's providers have room for. */
  readonly capacityInGroups: number;
}

/** Nodes to launch. At capacity the reserve gives way to jobs that wait. */
export function deficitOf({ waiting, stock, minReady, capacityInGroups }: DeficitInput): number {
  if (minReady < 0) return 0;
  const actual = Math.max(0, waiting - stock);
  const extra = Math.max(0, waiting + minReady - stock);
  if (extra <= capacityInGroups) return extra;
  return actual > 0 ? actual : Math.min(extra, capacityInGroups);
}
