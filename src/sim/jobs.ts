import { randomUUID } from 'node:crypto';
import type { Build, BuildOrder } from './jenkins/builds.js';
import type { Computer } from './jenkins/computer.js';

export interface JobRequest {
  readonly job: string;
  /** Runs on nodes that have this label. */
  readonly label: string;
  readonly durationMs: number;
  readonly result?: string;
  readonly count?: number;
  /** Added to those that Zuul gives every job. */
  readonly parameters?: Readonly<Record<string, string>>;
}

/** One job from its submission to its end. */
export interface Job {
  readonly id: string;
  readonly name: string;
  readonly label: string;
  readonly durationMs: number;
  readonly result: string;
  readonly parameters: Readonly<Record<string, string>>;
  state: 'waiting' | 'running' | 'finished';
}

export interface FinishedJob {
  readonly id: string;
  readonly job: string;
  readonly label: string;
  readonly result: string;
  readonly master: string;
  readonly nodeName: string;
  readonly number: number;
  /** Lost its machine while it ran. */
  readonly wasKilled: boolean;
}

/** How waiting jobs find their nodes. */
export interface JobRoute {
  submitted(job: Job): void;
  /** Something about this computer has changed: it may be able to take a job, or no longer. */
  computerChanged(computer: Computer): void;
  close(): Promise<void>;
}

interface JobsParts {
  readonly startBuild: (computer: Computer, order: BuildOrder) => Build;
  readonly offlineWhenComplete: () => boolean;
}

/** The work of the world: what is waiting, what runs, what has ended, and what should never have happened. */
export class Jobs {
  /** Machines that started more than one job. */
  secondJobs = 0;
  /** Jobs whose machine went away while they ran. */
  killedJobs = 0;
  readonly #parts: JobsParts;
  readonly #counts = { waiting: 0, running: 0, finished: 0 };
  readonly #listeners = new Set<(job: FinishedJob) => void>();
  readonly #startListeners = new Set<(job: Job) => void>();
  #route: JobRoute | null = null;

  constructor(parts: JobsParts) {
    this.#parts = parts;
  }

  setRoute(route: JobRoute): void {
    this.#route = route;
  }

  submit(request: JobRequest): void {
    for (let i = 0; i < (request.count ?? 1); i++) this.#route?.submitted(this.adopt(request));
  }

  /** Counts a job as waiting without handing it to anybody: it is in a queue already. */
  adopt(request: JobRequest, id: string = randomUUID()): Job {
    this.#counts.waiting++;
    const { job: name, label, durationMs, result = 'SUCCESS', parameters = {} } = request;
    return { id, name, label, durationMs, result, parameters, state: 'waiting' };
  }

  /** Starts a waiting job on a computer that is available. */
  start(job: Job, computer: Computer, ended: (build: Build) => void): void {
    this.#move(job, 'running');
    for (const listener of this.#startListeners) listener(job);
    this.#countStart(computer);
    const offlineWhenComplete = this.#parts.offlineWhenComplete();
    this.#parts.startBuild(computer, {
      job: job.name,
      durationMs: job.durationMs,
      result: job.result,
      parameters: zuulParameters(job, offlineWhenComplete),
      offlineWhenComplete,
      finished: build => {
        this.#move(job, 'finished');
        if (build.wasKilled) this.killedJobs++;
        ended(build);
        this.#tell(job, build);
      },
    });
  }

  queued(): number {
    return this.#counts.waiting;
  }

  running(): number {
    return this.#counts.running;
  }

  /** All that have ended, the killed ones included. */
  finished(): number {
    return this.#counts.finished;
  }

  /** Calls the listener when each job starts on a node, until the returned function is called. */
  onStarted(listener: (job: Job) => void): () => void {
    this.#startListeners.add(listener);
    return () => this.#startListeners.delete(listener);
  }

  /** Calls the listener at the end of each job until the returned function is called. */
  onFinished(listener: (job: FinishedJob) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #move(job: Job, state: Job['state']): void {
    this.#counts[job.state]--;
    job.state = state;
    this.#counts[state]++;
  }

  #countStart(computer: Computer): void {
    const { machine } = computer;
    if (machine && ++machine.jobsStarted === 2) this.secondJobs++;
  }

  #tell(job: Job, build: Build): void {
    const finished: FinishedJob = {
      id: job.id,
      job: job.name,
      label: job.label,
      result: build.result ?? job.result,
      master: build.computer.master,
      nodeName: build.computer.name,
      number: build.number,
      wasKilled: build.wasKilled,
    };
    for (const listener of this.#listeners) listener(finished);
  }
}

/** What Zuul tells a job, as far as it matters here. */
function zuulParameters(job: Job, offlineWhenComplete: boolean): Record<string, string> {
  return {
    ZUUL_UUID: job.id,
    ZUUL_PROJECT: 'openstack/demo',
    ZUUL_BRANCH: 'master',
    ZUUL_PIPELINE: 'check',
    ...(job.label === '' ? {} : { ZUUL_NODE: job.label }),
    ...(offlineWhenComplete ? { OFFLINE_NODE_WHEN_COMPLETE: '1' } : {}),
    ...job.parameters,
  };
}

/** The function that Zuul submits a job under. */
export function functionName(job: { readonly name: string; readonly label: string }): string {
  return job.label === '' ? `build:${job.name}` : `build:${job.name}:${job.label}`;
}
