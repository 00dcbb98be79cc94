import { randomBytes } from 'node:crypto';
import type { Chance } from '../chance.js';
import { HttpFaults, type HttpFault } from '../http/faults.js';
import { Site, type Call } from '../http/site.js';
import type { SimRequest } from '../http/reply.js';
import type { Machines } from '../machines.js';
import type { Timers } from '../timers.js';
import { JenkinsApi } from './api.js';
import { Builds, type Build, type BuildOrder } from './builds.js';
import type { Computer } from './computer.js';
import { Computers } from './computers.js';
import { EventPublisher } from './publisher.js';
import { RestQueue } from './rest-queue.js';
import { masterSettings, type MasterOptions, type MasterSettings, type Profile } from './settings.js';

/** A slave as the judge sees it. */
export interface SimSlaveView {
  readonly name: string;
  readonly master: string;
  readonly host: string | null;
  readonly labels: readonly string[];
  /** Connected and not set offline. */
  readonly isOnline: boolean;
  readonly offlineReason: string | null;
  readonly isIdle: boolean;
  /** False for a computer that has outlived its node. */
  readonly hasNode: boolean;
}

interface MasterParts {
  readonly chance: Chance;
  readonly timers: Timers;
  readonly machines: Machines;
  readonly hostKey: string;
  readonly jobs: readonly string[];
  /** Called after each change of a computer, for whoever gives out jobs. */
  readonly computerChanged: (computer: Computer) => void;
}

/** What a creation costs an old master for each node it has: it rewrites one file with all of them. */
const oldCreateMsPerNode = 0.02;

/** One Jenkins master: REST interface, nodes, builds, and the event publisher plugin. */
export class SimMaster {
  readonly name: string;
  readonly profile: Profile;
  readonly user = 'nodepool';
  readonly apikey: string;
  readonly credentialsId = 'nodepool-machines';
  readonly settings: MasterSettings;
  /** The script of coming faults; operations are `status`, `listNodes`, `createNode`, `deleteNode` and so on, or `*`. */
  readonly faults: HttpFaults;
  /** Stop and start it, or send frames of your own. */
  readonly publisher = new EventPublisher();
  readonly #parts: MasterParts;
  readonly #site: Site;
  readonly #api: JenkinsApi;
  readonly #computers: Computers;
  readonly #builds: Builds;
  readonly #restQueue: RestQueue;
  readonly #quieting = { isQuietingDown: false };
  #session = newSession();
  #isStarting = false;
  #lastCreation: Promise<void> = Promise.resolve();

  private constructor(options: MasterOptions, parts: MasterParts) {
    const { chance, timers } = parts;
    const settings = masterSettings(options);
    const profile = options.profile ?? 'new';
    const rootUrl = (): string => this.url;
    this.name = options.name;
    this.profile = profile;
    this.apikey = randomBytes(16).toString('hex');
    this.settings = settings;
    this.faults = new HttpFaults(chance);
    this.#parts = parts;
    this.#computers = new Computers({
      ...parts,
      master: options.name,
      profile,
      settings,
      credentialsId: this.credentialsId,
      changed: computer => this.#changed(computer),
      killBuilds: computer => this.#builds.kill(computer),
    });
    this.#builds = new Builds({
      profile,
      settings,
      chance,
      timers,
      rootUrl,
      publish: frame => this.publisher.send(frame),
      setOffline: (computer, reason) => this.#computers.setOffline(computer, reason),
      released: computer => this.#released(computer),
    });
    this.#restQueue = new RestQueue({
      profile,
      settings,
      timers,
      rootUrl,
      computer: name => (this.#quieting.isQuietingDown ? null : this.#computers.get(name)),
      start: (computer, order) => this.start(computer, order),
    });
    this.#api = new JenkinsApi({
      profile,
      account: this,
      credentialsId: this.credentialsId,
      needsCrumb: options.needsCrumb ?? false,
      jobs: parts.jobs,
      computers: this.#computers,
      restQueue: this.#restQueue,
      rootUrl,
      session: () => this.#session,
      quieting: this.#quieting,
      isStarting: () => this.#isStarting,
      maintain: () => this.#maintainAll(),
    });
    this.#site = new Site({
      timers,
      faults: this.faults,
      callFor: request => this.#callFor(request),
      latencyMs: () => chance.between(settings.callMs),
    });
  }

  static async start(options: MasterOptions, parts: MasterParts): Promise<SimMaster> {
    const master = new SimMaster(options, parts);
    await Promise.all([master.#site.up(), master.publisher.start()]);
    return master;
  }

  get url(): string {
    return `${this.#site.url}/`;
  }

  get zmqEndpoint(): string {
    return this.publisher.endpoint;
  }

  get isQuietingDown(): boolean {
    return this.#quieting.isQuietingDown;
  }

  /** Builds that were asked for over HTTP, and wait for their node. */
  waitingBuilds(): ReturnType<RestQueue['waiting']> {
    return this.#restQueue.waiting();
  }

  slaves(): SimSlaveView[] {
    return this.#computers.all().map(computer => ({
      name: computer.name,
      master: this.name,
      host: computer.node?.launcher?.host ?? null,
      labels: computer.labels,
      isOnline: computer.isOnline,
      offlineReason: computer.offlineReason,
      isIdle: computer.isIdle,
      hasNode: computer.node !== null,
    }));
  }

  computers(): readonly Computer[] {
    return this.#computers.all();
  }

  /** Calls by operation, the failed ones included. */
  counts(): { readonly nodes: number; readonly events: number; readonly calls: Readonly<Record<string, number>> } {
    return { nodes: this.#computers.nodeCount, events: this.publisher.sent, calls: { ...this.#site.calls } };
  }

  /** Starts a build on an available computer. */
  start(computer: Computer, order: BuildOrder): Build {
    const build = this.#builds.start(computer, order);
    this.#changed(computer);
    return build;
  }

  failNext(operation: string, fault: HttpFault, times = 1): void {
    this.faults.next(operation, fault, times);
  }

  /** Cut off from the network: HTTP refused, no events. Builds go on. */
  async down(): Promise<void> {
    await Promise.all([this.#site.down(), this.publisher.stop()]);
  }

  async up(): Promise<void> {
    await Promise.all([this.#site.up(), this.publisher.start()]);
  }

  /** A new session: running builds are lost without an event, all answers are 503 for a while, then agents reconnect. */
  restart(startingMs: number): void {
    this.#isStarting = true;
    this.#session = newSession();
    this.#quieting.isQuietingDown = false;
    for (const computer of this.#computers.all()) this.#builds.forget(computer);
    this.#parts.timers.after(startingMs, () => {
      this.#isStarting = false;
      this.#computers.reconnectAll();
    });
  }

  close(): Promise<void> {
    return this.down();
  }

  #callFor(request: SimRequest): Call {
    const call = this.#api.callFor(request);
    return call.operation === 'createNode' ? { ...call, run: () => this.#oneByOne(call.run) } : call;
  }

  /** Jenkins creates nodes one after the other. */
  #oneByOne(run: Call['run']): Promise<Awaited<ReturnType<Call['run']>>> {
    const costMs = this.profile === 'old' ? this.#computers.nodeCount * oldCreateMsPerNode : 0;
    const turn = this.#lastCreation.then(() => this.#parts.timers.wait(costMs));
    this.#lastCreation = turn;
    return turn.then(run);
  }

  #released(computer: Computer): void {
    this.#computers.tidy(computer);
    this.#changed(computer);
  }

  #changed(computer: Computer): void {
    this.#restQueue.maintain();
    this.#parts.computerChanged(computer);
  }

  #maintainAll(): void {
    for (const computer of this.#computers.all()) this.#changed(computer);
  }
}

function newSession(): string {
  return randomBytes(4).toString('hex');
}
