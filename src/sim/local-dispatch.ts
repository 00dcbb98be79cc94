import type { Computer } from './jenkins/computer.js';
import { functionName, type Job, type JobRoute, type Jobs } from './jobs.js';

/** A line of Gearman's `status`. */
export interface FunctionCount {
  readonly name: string;
  readonly total: number;
  readonly running: number;
  readonly workers: number;
}

interface DispatchParts {
  readonly jobs: Jobs;
  /** Jobs that the masters know, so that workers for them exist before any is submitted. */
  readonly jobNames: readonly string[];
  readonly computers: () => readonly Computer[];
  readonly isQuietingDown: (master: string) => boolean;
}

/** Gives waiting jobs to available nodes inside the world, as Gearman and the masters' workers would together. */
export class LocalDispatch implements JobRoute {
  readonly #parts: DispatchParts;
  readonly #waiting = new Map<string, Job[]>();
  readonly #available = new Set<Computer>();
  /** Every function ever seen: Zuul's server remembers them too. */
  readonly #functions = new Map<string, { waiting: number; running: number }>();
  #isDue = false;

  constructor(parts: DispatchParts) {
    this.#parts = parts;
  }

  submitted(job: Job): void {
    const queue = this.#waiting.get(job.label) ?? [];
    queue.push(job);
    this.#waiting.set(job.label, queue);
    this.#count(functionName(job)).waiting++;
    this.#maintainSoon();
  }

  computerChanged(computer: Computer): void {
    if (computer.isAvailable) this.#available.add(computer);
    else this.#available.delete(computer);
    this.#maintainSoon();
  }

  /** By name, all that were ever registered or submitted. */
  counts(): FunctionCount[] {
    const workers = this.#workers();
    for (const name of workers.keys()) this.#count(name);
    return [...this.#functions.keys()].sort().map(name => {
      const { waiting, running } = this.#count(name);
      return { name, total: waiting + running, running, workers: workers.get(name) ?? 0 };
    });
  }

  async close(): Promise<void> {}

  /** After the code that is running now, and before any client can say something. */
  #maintainSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      this.#maintain();
    });
  }

  #maintain(): void {
    for (const [label, queue] of this.#waiting) {
      for (const computer of this.#available) {
        if (queue.length === 0) break;
        if (this.#canTake(computer, label)) this.#start(queue, computer);
      }
      if (queue.length === 0) this.#waiting.delete(label);
    }
  }

  #canTake(computer: Computer, label: string): boolean {
    if (!computer.isAvailable || this.#parts.isQuietingDown(computer.master)) return false;
    // A job without a label runs where the node does not insist on one.
    return label === '' ? computer.node?.mode === 'NORMAL' : computer.labels.includes(label);
  }

  #start(queue: Job[], computer: Computer): void {
    const job = queue.shift();
    if (!job) return;
    const count = this.#count(functionName(job));
    count.waiting--;
    count.running++;
    this.#parts.jobs.start(job, computer, () => count.running--);
  }

  #count(name: string): { waiting: number; running: number } {
    const count = this.#functions.get(name) ?? { waiting: 0, running: 0 };
    this.#functions.set(name, count);
    return count;
  }

  /** Each online node works for `build:JOB` and for `build:JOB:LABEL` of each of its labels. */
  #workers(): Map<string, number> {
    const workers = new Map<string, number>();
    const add = (name: string): void => void workers.set(name, (workers.get(name) ?? 0) + 1);
    for (const { isOnline, labels } of this.#parts.computers()) {
      if (!isOnline || labels.length === 0) continue;
      for (const job of this.#parts.jobNames) {
        add(`build:${job}`);
        for (const label of labels) add(`build:${job}:${label}`);
      }
    }
    return workers;
  }
}
