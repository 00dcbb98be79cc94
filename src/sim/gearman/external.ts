import type { Computer } from '../jenkins/computer.js';
import { functionName, type Job, type JobRoute, type Jobs } from '../jobs.js';
import type { Timers } from '../timers.js';
import { GearmanConnection } from './connection.js';
import { type Packet, packetTypes } from './packets.js';

interface ExternalParts {
  readonly server: { readonly host: string; readonly port: number };
  readonly timers: Timers;
  readonly jobs: Jobs;
  readonly jobNames: readonly string[];
  readonly isQuietingDown: (master: string) => boolean;
}

/** How long a job runs that somebody else submitted without `SIM_DURATION_MS` among its arguments. */
const strangersDurationMs = 1000;

/**
 * Waiting jobs are in a real Gearman server. The world submits them there as Zuul does, and each online node has a
 * worker there as Jenkins' Gearman plugin gives it.
 */
export class ExternalGearman implements JobRoute {
  readonly #parts: ExternalParts;
  readonly #client: GearmanConnection;
  readonly #waiting = new Map<string, Job>();
  readonly #workers = new Map<Computer, NodeWorker>();

  constructor(parts: ExternalParts) {
    this.#parts = parts;
    this.#client = new GearmanConnection({
      server: parts.server,
      timers: parts.timers,
      // The server forgets the jobs of a client that goes away.
      connected: () => this.#waiting.forEach(job => this.#submit(job)),
      received: () => {},
    });
  }

  submitted(job: Job): void {
    this.#waiting.set(job.id, job);
    this.#submit(job);
  }

  computerChanged(computer: Computer): void {
    const worker = this.#workers.get(computer);
    const serves = computer.isOnline && computer.node !== null && computer.labels.length > 0;
    if (worker && (!serves || !worker.isFor(computer.labels))) {
      this.#workers.delete(computer);
      worker.close();
    }
    if (serves && !this.#workers.has(computer)) this.#workers.set(computer, this.#newWorker(computer));
    this.#workers.get(computer)?.computerChanged();
  }

  async close(): Promise<void> {
    this.#client.close();
    for (const worker of this.#workers.values()) worker.close();
  }

  #submit(job: Job): void {
    this.#client.send(packetTypes.submitJob, functionName(job), job.id, JSON.stringify(argumentsOf(job)));
  }

  #newWorker(computer: Computer): NodeWorker {
    return new NodeWorker({
      ...this.#parts,
      computer,
      take: (unique, name, text) => {
        const known = this.#waiting.get(unique);
        this.#waiting.delete(unique);
        return known ?? this.#parts.jobs.adopt(strangersJob(name, text), unique);
      },
    });
  }
}

interface WorkerParts extends ExternalParts {
  readonly computer: Computer;
  readonly take: (unique: string, name: string, text: string) => Job;
}

/**
 * One node's worker. It keeps the node for itself from before it grabs a job until it knows the answer, so that nothing
 * else can start there in between. Sleeping: waits for the server's noop. Grabbing: has asked for a job. Working: runs
 * one. It leaves working when its build has ended, and is closed when the node is no longer online.
 */
class NodeWorker {
  readonly #parts: WorkerParts;
  readonly #labels: string;
  readonly #connection: GearmanConnection;
  #mode: 'sleeping' | 'grabbing' | 'working' = 'sleeping';
  #isClosing = false;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
    this.#labels = parts.computer.labels.join(' ');
    this.#connection = new GearmanConnection({
      server: parts.server,
      timers: parts.timers,
      connected: () => this.#register(),
      received: packet => this.#hear(packet),
    });
  }

  isFor(labels: readonly string[]): boolean {
    return labels.join(' ') === this.#labels;
  }

  computerChanged(): void {
    if (this.#mode === 'sleeping') this.#connection.send(packetTypes.preSleep);
  }

  /** A running job is completed first. */
  close(): void {
    this.#isClosing = true;
    if (this.#mode === 'grabbing') this.#parts.computer.isReserved = false;
    if (this.#mode !== 'working') this.#connection.close();
  }

  #register(): void {
    for (const job of this.#parts.jobNames) {
      this.#connection.send(packetTypes.canDo, `build:${job}`);
      for (const label of this.#parts.computer.labels) {
        this.#connection.send(packetTypes.canDo, `build:${job}:${label}`);
      }
    }
    if (this.#mode === 'working') return;
    this.#sleep();
  }

  #hear({ type, fields }: Packet): void {
    switch (type) {
      case packetTypes.noop:
        if (this.#mode === 'sleeping') this.#grab();
        return;
      case packetTypes.noJob:
        this.#sleep();
        return;
      case packetTypes.jobAssignUnique:
        this.#work(fields);
    }
  }

  #sleep(): void {
    this.#mode = 'sleeping';
    this.#parts.computer.isReserved = false;
    this.#connection.send(packetTypes.preSleep);
  }

  #grab(): void {
    const { computer, isQuietingDown } = this.#parts;
    if (!computer.isAvailable || isQuietingDown(computer.master)) return;
    computer.isReserved = true;
    this.#mode = 'grabbing';
    this.#connection.send(packetTypes.grabJobUnique);
  }

  #work([handle = '', name = '', unique = '', text = '']: readonly string[]): void {
    const { computer, jobs, take } = this.#parts;
    computer.isReserved = false;
    // The node went offline while the job was on its way: without the connection it returns to the queue.
    if (this.#isClosing || !computer.isAvailable) return this.#connection.restart();
    this.#mode = 'working';
    jobs.start(take(unique, name, text), computer, build => {
      const result = { name: build.job, number: build.number, manager: computer.master, worker: computer.name };
      const answer = JSON.stringify({ ...result, result: build.result });
      this.#connection.send(packetTypes.workComplete, handle, answer);
      if (this.#isClosing) this.#connection.close();
      else this.#mode = 'sleeping';
    });
  }
}

function argumentsOf(job: Job): Record<string, string> {
  return { ...job.parameters, SIM_DURATION_MS: String(job.durationMs), SIM_RESULT: job.result };
}

/** A job that the world did not submit: its function and arguments say the little that is needed. */
function strangersJob(name: string, text: string): { job: string; label: string; durationMs: number; result: string } {
  const [, job = name, label = ''] = name.split(':');
  const given = parsedArguments(text);
  const durationMs = Number(given['SIM_DURATION_MS']) || strangersDurationMs;
  return { job, label, durationMs, result: typeof given['SIM_RESULT'] === 'string' ? given['SIM_RESULT'] : 'SUCCESS' };
}

function parsedArguments(text: string): Readonly<Record<string, unknown>> {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'object' && parsed !== null ? (parsed as Record<string, unknown>) : {};
  } catch {
    // Gearman does not care what the arguments are, and neither does this worker.
    return {};
  }
}
