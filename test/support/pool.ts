/**
 * The real tree over fakes, in virtual time. The world (clouds, masters, publishers, Gearman, the database) outlives the
 * daemon: `crash` is a `kill -9`, `restart` starts another daemon on what is there.
 */
import { expect } from 'vitest';
import { controlApi } from '../../src/actors/control.js';
import { Settings } from '../../src/actors/settings.js';
import { closeClouds, guardian } from '../../src/actors/tree.js';
import type { NodeName, ServerId } from '../../src/domain/ids.js';
import type { NodeRow } from '../../src/domain/node-row.js';
import type { SnapshotRow } from '../../src/domain/snapshot-row.js';
import type { PoolConfig, Provider } from '../../src/domain/pool-config.js';
import type { FaultKind } from '../../src/domain/fault.js';
import type {
  CommandOutcome,
  ControlApi,
  ControlServer,
  PoolEvent,
  ReloadOutcome,
  TreeView,
} from '../../src/ports/control.js';
import type { EventSource, EventSubscription } from '../../src/ports/events.js';
import type { Log, LogFields } from '../../src/ports/log.js';
import type { ConfigReading, Outside } from '../../src/ports/outside.js';
import type { BuildsPort } from '../../src/ports/builds.js';
import type { ShellLogin, ShellPort } from '../../src/ports/shell.js';
import type { StorePort } from '../../src/ports/store.js';
import { combineStats } from '../../src/adapters/metrics/combine.js';
import type { StatsPort } from '../../src/ports/stats.js';
import { ManualClock } from '../../src/runtime/manual-clock.js';
import { steady } from '../../src/runtime/steady.js';
import { seededRandom } from '../../src/runtime/random.js';
import { ActorSystem, type Point, type RuntimeEvent } from '../../src/runtime/system.js';
import { FakeBuilds } from './fake-builds.js';
import { FakeCi } from './fake-ci.js';
import { FakeCloud } from './fake-cloud.js';
import { FakeDemand } from './fake-demand.js';
import { FakeEvents } from './fake-events.js';
import { FakeShell, type FakeShellOptions } from './fake-shell.js';
import { FakeStats } from './fake-stats.js';
import { FakeStore } from './fake-store.js';
import { Mortal } from './mortal.js';
import { gearman, poolConfig, publisher, type ConfigWish } from './pool-config.js';

export interface PoolWish extends ConfigWish {
  readonly seed?: number;
  /** Of each statement, before and after its effect. */
  readonly storeMs?: number;
  /** Connections that the database allows to all its clients. */
  readonly connectionsAllowed?: number;
  /** Real ones, where a story is about them: time on the wall then passes beside that of the clock. */
  readonly shell?: ShellPort;
  readonly builds?: BuildsPort;
  /** Stands before the database, in the process. */
  readonly storeWay?: (store: StorePort, pool: Pool) => StorePort;
  /** Hears what `stats` hears. */
  readonly statistics?: StatsPort;
  /** The daemon looks at its configuration file. */
  readonly isWatched?: boolean;
  /** Has a say in each daemon's run. */
  readonly director?: Director;
  /** The world before the first daemon starts. */
  readonly before?: (pool: Pool) => unknown;
}

/** Decides what else is left to the speed of a machine, and may kill the process at any point that it is told of. */
export interface Director {
  /** Draws which of the actors that are ready has its turn. */
  readonly order: () => number;
  /** Before an actor handles a message, begins a life, or goes on after an await. */
  passing(point: Point): void;
  /** Before a call leaves the process or its answer comes back. */
  crossing(what: string): void;
}

export interface LogLine extends LogFields {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
}

const cloudOptions = { bootMs: 20_000, deleteMs: 2_000, latencyMs: 100 };
const minuteMs = 60_000;
const dayMs = 86_400_000;
/** 02:14 */
export const imageUpdateMs = 134 * minuteMs;

/** A daemon is started and has settled at time zero: nothing has been answered yet. */
export async function startPool(wish: PoolWish = {}): Promise<Pool> {
  const pool = new Pool(wish);
  wish.before?.(pool);
  await pool.restart();
  return pool;
}

/** One life of the daemon. */
interface Daemon {
  readonly mortal: Mortal;
  readonly system: ActorSystem;
  readonly api: ControlApi;
  readonly subscriptions: Set<EventSubscription>;
}

export class Pool {
  config: PoolConfig;
  readonly clock = new ManualClock();
  /** By provider; of one with regions by provider and region, as `alpha/ORD`. */
  readonly clouds = new Map<string, FakeCloud>();
  readonly masters = new Map<string, FakeCi>();
  readonly events = new FakeEvents();
  readonly demand: FakeDemand;
  readonly store: FakeStore;
  readonly stats = new FakeStats();
  readonly log: LogLine[] = [];
  readonly failures: (RuntimeEvent & { type: 'failed' })[] = [];
  readonly parked: string[] = [];
  /** Messages for which there was no room. */
  overflows = 0;
  /** What the tree said when it could not go on. */
  gaveUp: string | null = null;
  /** What a machine does when SSH asks; null lets in. */
  sshAnswer: (login: ShellLogin) => FaultKind | null = () => null;
  /** Key pairs made for groups so far. */
  groupKeys = 0;
  /** What becomes of what SSH is to do; by default it is done. */
  sshJob: NonNullable<FakeShellOptions['job']> = () => ({});
  readonly builds = new FakeBuilds();
  /** What happened, as the event stream tells it. */
  readonly happened: PoolEvent[] = [];
  readonly jobs: Jobs;
  /** By so much somebody has set the time of day of the daemon's machine forward. */
  #jumpedMs = 0;
  /** Time as the daemon sees it. */
  readonly #steady = steady({
    now: () => this.clock.now() + this.#jumpedMs,
    monotonic: () => this.clock.monotonic(),
    after: (delayMs, callback) => this.clock.after(delayMs, callback),
  });
  readonly #random: () => number;
  readonly #held = new Set<number>();
  readonly #isWatched: boolean;
  readonly #real: Pick<PoolWish, 'shell' | 'builds' | 'storeWay'>;
  readonly #director: Director | null;
  readonly #statistics: StatsPort | null;
  /** The largest max-servers that each provider had so far. */
  readonly #mostServers = new Map<string, number>();
  #reading: () => ConfigReading;
  #stamp = 1;
  #daemon: Daemon | null = null;
  #served = 0;

  constructor(wish: PoolWish) {
    this.config = poolConfig(wish);
    this.#random = seededRandom(wish.seed ?? 1);
    const { clock } = this;
    this.#isWatched = wish.isWatched ?? false;
    this.#real = wish;
    this.#director = wish.director ?? null;
    this.#statistics = wish.statistics ?? null;
    this.#reading = () => ({ kind: 'usable', config: this.config, problems: [], source: wholeFile });
    this.#build();
    this.demand = new FakeDemand({ clock, latencyMs: 5 });
    const storeMs = wish.storeMs ?? 1;
    this.store = new FakeStore({
      now: () => this.#steady.now(),
      connectionsAllowed: wish.connectionsAllowed ?? 150,
      turn: (_method, stallMs = storeMs) => new Promise(resolve => void clock.after(stallMs, resolve)),
    });
    this.jobs = new Jobs(this);
  }

  /** The clouds and masters that the configuration names are there. */
  #build(): void {
    const { clock, clouds, masters } = this;
    for (const provider of this.config.providers) {
      const key = cloudKey(provider);
      this.#mostServers.set(provider.name, Math.max(provider.maxServers, this.#mostServers.get(provider.name) ?? 0));
      const idPrefix = provider.regionName ?? 'server';
      if (!clouds.has(key)) clouds.set(key, new FakeCloud({ clock, ...cloudOptions, idPrefix }));
    }
    for (const { name } of this.config.targets) {
      if (!masters.has(name)) masters.set(name, new FakeCi({ clock, latencyMs: 20 }));
    }
  }

  // ── The configuration ──────────────────────────────────────────────────────────────────────────────────────────

  /** Another file, as somebody would write it. */
  write(config: PoolConfig, { isCutShort = false, problems = [] as readonly string[] } = {}): void {
    const source = isCutShort ? { ...wholeFile, text: wholeFile.text.trimEnd() } : wholeFile;
    this.config = config;
    this.#build();
    this.#reading = () => ({ kind: 'usable', config, problems, source });
    this.#stamp++;
  }

  /** Files that somebody may ask about. */
  readonly otherFiles = new Map<string, PoolConfig>();

  #otherFile(file: string): ConfigReading {
    const config = this.otherFiles.get(file);
    if (!config) return { kind: 'refused', problems: [`${file}: there is no such file`] };
    return { kind: 'usable', config, problems: [], source: wholeFile };
  }

  /** A file that cannot be used: empty, half, gone. */
  spoil(...problems: readonly string[]): void {
    this.#reading = () => ({ kind: 'refused', problems });
    this.#stamp++;
  }

  /** Writes it, and asks for it. */
  reload(config: PoolConfig): Promise<ReloadOutcome> {
    this.write(config);
    return this.answer(this.api.reload());
  }

  // ── The daemon ─────────────────────────────────────────────────────────────────────────────────────────────────

  get isRunning(): boolean {
    return this.#daemon !== null;
  }

  get system(): ActorSystem {
    return this.#running.system;
  }

  /** What the CLI asks. */
  get api(): ControlApi {
    return this.#running.api;
  }

  get #running(): Daemon {
    if (!this.#daemon) throw new Error('no daemon runs');
    return this.#daemon;
  }

  /** `kill -9`: no hook runs, no answer arrives any more, the database lets the lock go. */
  crash(): void {
    const { mortal, subscriptions, system } = this.#running;
    mortal.kill();
    system.scheduler.halt();
    for (const subscription of subscriptions) void subscription.close();
    this.store.die();
    this.store.forget();
    this.#served = 0;
    this.#daemon = null;
  }

  /** Graceful, as SIGTERM. */
  async stop(): Promise<readonly string[]> {
    const { system } = this.#running;
    let late: readonly string[] | null = null;
    closeClouds(this, system);
    void system.stop(this.config.timings.stop).then(paths => (late = paths));
    await this.until(() => late !== null, 2 * this.config.timings.stop);
    this.store.forget();
    this.#daemon = null;
    return late ?? [];
  }

  async restart(): Promise<void> {
    if (this.#daemon) throw new Error('a daemon runs already');
    const director = this.#director;
    const mortal = new Mortal(what => director?.crossing(what));
    const subscriptions = new Set<EventSubscription>();
    const system: ActorSystem = new ActorSystem({
      clock: mortal.clock(this.#steady),
      random: this.#random,
      supervision: { stopMs: this.config.timings.stop },
      report: event => this.#reported(event),
      onGiveUp: reason => (this.gaveUp = reason),
      ...(director ? { order: director.order, probe: point => director.passing(point) } : {}),
    });
    const view = {
      inspect: (path: string) => system.inspect(path),
      restart: (path: string) => system.restart(path),
      now: () => system.clock.now(),
      request: system.request.bind(system),
      tell: system.tell.bind(system),
    };
    const outside = this.#outside(mortal, subscriptions);
    const api = controlApi({ outside, system: view });
    this.#daemon = { mortal, system, api, subscriptions };
    this.clock.isBusy = () => !system.scheduler.isIdle;
    system.start(guardian, { outside, settings: new Settings(this.config), system: view, onServing: () => undefined });
    await this.settle();
    api.subscribe(event => this.happened.push(event));
  }

  #outside(mortal: Mortal, subscriptions: Set<EventSubscription>): Outside {
    const closed = { close: () => Promise.resolve() };
    const events: EventSource = {
      open: (endpoint, listener) => {
        const subscription = this.events.open(endpoint, listener);
        subscriptions.add(subscription);
        return subscription;
      },
    };
    return {
      store: this.#real.storeWay?.(mortal.way(this.store), this) ?? mortal.way(this.store),
      holder: { host: 'here', pid: 1, socket: 'memory' },
      openCloud: provider => mortal.way(this.cloud(cloudKey(provider)), closed),
      openShell: () =>
        mortal.way(
          this.#real.shell ??
            new FakeShell({
              clock: this.clock,
              latencyMs: 200,
              answer: this.#answer,
              job: (...job) => this.sshJob(...job),
            }),
        ),
      builds: mortal.way(this.#real.builds ?? this.builds),
      newGroupKey: type => {
        this.groupKeys++;
        return Promise.resolve({
          privateKey: `private ${type} ${this.groupKeys}`,
          publicKey: `${type} ${this.groupKeys}`,
        });
      },
      openCi: ({ name }) => mortal.way(this.master(name), closed),
      events,
      demand: mortal.way(this.demand),
      stats: this.#statistics ? combineStats(this.stats, this.#statistics) : this.stats,
      metrics: () => Promise.resolve(''),
      serve: () => this.#serve(),
      readConfig: file => Promise.resolve(file === undefined ? this.#reading() : this.#otherFile(file)),
      configStamp: this.#isWatched ? () => Promise.resolve(String(this.#stamp)) : null,
      reconfigured: () => undefined,
      nextRun: (cron, after) => this.#nextRun(cron, after),
      log: this.#logger(),
      giveUp: reason => (this.gaveUp = reason),
    };
  }

  /** Images once a day, at the hour of the default; checks each quarter of an hour; everything else each minute. */
  #nextRun(cron: string, after: number): number {
    if (cron !== this.config.cron.imageUpdate) {
      const everyMs = cron === this.config.cron.check ? 15 * minuteMs : minuteMs;
      return (Math.floor(after / everyMs) + 1) * everyMs;
    }
    return Math.floor((after - imageUpdateMs) / dayMs + 1) * dayMs + imageUpdateMs;
  }

  readonly #answer = (login: ShellLogin): FaultKind | null => this.sshAnswer(login);

  /** As a socket: while one server has it, another cannot. */
  #serve(): Promise<ControlServer> {
    if (this.#served > 0) return Promise.reject(new Error('a daemon answers on memory already'));
    this.#served++;
    const close = (): Promise<void> => {
      this.#served = 0;
      return Promise.resolve();
    };
    return Promise.resolve({ socket: 'memory', url: null, close });
  }

  get isServed(): boolean {
    return this.#served > 0;
  }

  #logger(): Log {
    const write =
      (level: LogLine['level']) =>
      (message: string, fields: LogFields = {}): void =>
        void this.log.push({ level, message, ...fields });
    return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') };
  }

  #reported(event: RuntimeEvent): void {
    if (event.type === 'failed') this.failures.push(event);
    if (event.type === 'parked') this.parked.push(event.path);
    if (event.type === 'dead-letter' && event.reason === 'overflow') this.overflows++;
  }

  // ── Time ───────────────────────────────────────────────────────────────────────────────────────────────────────

  /** Somebody sets the time of day of the daemon's machine, forward or back. */
  jump(byMs: number): void {
    this.#jumpedMs += byMs;
  }

  settle(): Promise<void> {
    return this.clock.settle();
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /** Moves on until it is so; says what it waited for when that does not come. */
  async until(condition: () => boolean, withinMs = 600_000): Promise<void> {
    try {
      await this.clock.advanceUntil(condition, withinMs);
    } catch (error) {
      const rows = this.rows().map(describeRow).join('\n');
      throw new Error(`${condition.toString()}: not within ${withinMs} ms; rows:\n${rows}`, { cause: error });
    }
  }

  /** Until every label has its stock, and nothing is under way. */
  async rest(withinMs = 600_000): Promise<void> {
    await this.until(() => this.#isAtRest, withinMs);
    await this.advance(1_000);
  }

  get #isAtRest(): boolean {
    const busy = this.rows().some(({ state }) => state === 'building' || state === 'delete' || state === 'test');
    return !busy && this.config.labels.every(({ name, minReady }) => this.in('ready', name).length >= minReady);
  }

  // ── What there is ──────────────────────────────────────────────────────────────────────────────────────────────

  cloud(name = this.#firstCloud): FakeCloud {
    const cloud = this.clouds.get(name);
    if (!cloud) throw new Error(`there is no cloud ${name}`);
    return cloud;
  }

  get #firstCloud(): string {
    const [first] = this.config.providers;
    return first ? cloudKey(first) : '';
  }

  master(name = this.config.targets[0]?.name ?? ''): FakeCi {
    const master = this.masters.get(name);
    if (!master) throw new Error(`there is no master ${name}`);
    return master;
  }

  rows(): NodeRow[] {
    return [...this.store.database.nodes.values()];
  }

  snapshots(): SnapshotRow[] {
    return [...this.store.database.snapshots.values()].sort((a, b) => a.id - b.id);
  }

  /** The only one of the state. */
  snapshot(state: SnapshotRow['state']): SnapshotRow {
    const [row, ...more] = this.snapshots().filter(each => each.state === state);
    if (row && more.length === 0) return row;
    throw new Error(`not one image is ${state}: ${JSON.stringify(this.snapshots())}`);
  }

  row(id: number): NodeRow | null {
    return this.rows().find(row => Number(row.id) === id) ?? null;
  }

  in(state: NodeRow['state'], label?: string): NodeRow[] {
    return this.rows().filter(row => row.state === state && (label === undefined || row.label === label));
  }

  /** The first node in the state. */
  one(state: NodeRow['state'], label?: string): NodeRow {
    const [row] = this.in(state, label);
    if (!row) throw new Error(`no node is ${state}:\n${this.rows().map(describeRow).join('\n')}`);
    return row;
  }

  servers(provider?: string): ServerId[] {
    const clouds = provider === undefined ? [...this.clouds.values()] : [this.cloud(provider)];
    return clouds.flatMap(cloud => cloud.servers.map(server => server.id));
  }

  slaves(target?: string): NodeName[] {
    const masters = target === undefined ? [...this.masters.values()] : [this.master(target)];
    return masters.flatMap(master => [...master.slaves.keys()]);
  }

  state(path: string): string | null {
    return this.system.inspect(path)?.state ?? null;
  }

  /** All actors, leaves last. */
  actors(): TreeView[] {
    const root = this.system.inspect('/');
    const withThose = (view: TreeView): TreeView[] => [view, ...view.children.flatMap(withThose)];
    return root ? withThose(root) : [];
  }

  /** So many jobs wait for the label. */
  jobsWait(label: string, total: number, running = 0): void {
    this.demand.set(gearman, [{ name: `build:job:${label}`, total, running }]);
  }

  // ── Commands ───────────────────────────────────────────────────────────────────────────────────────────────────

  async hold(id: number, options: { reason?: string; forMs?: number } = {}): Promise<CommandOutcome> {
    const { reason = null, forMs = null } = options;
    const outcome = await this.answer(this.api.hold(id, { reason, forMs }));
    if (outcome.kind === 'done' && forMs === null) this.#held.add(id);
    return outcome;
  }

  release(id: number): Promise<CommandOutcome> {
    this.#held.delete(id);
    return this.answer(this.api.release(id));
  }

  delete(id: number, { now = false } = {}): Promise<CommandOutcome> {
    this.#held.delete(id);
    return this.answer(this.api.delete(id, { now }));
  }

  /** Moves on until the promise has settled. */
  async answer<T>(promise: Promise<T>, withinMs = 60_000): Promise<T> {
    let isSettled = false;
    const settled = promise.finally(() => (isSettled = true));
    settled.catch(() => undefined);
    await this.until(() => isSettled, withinMs);
    return settled;
  }

  // ── Invariants ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** What holds at every moment. */
  check(): void {
    for (const provider of this.config.providers) {
      const { serversPeak } = this.cloud(cloudKey(provider));
      expect(serversPeak, `servers at once in ${provider.name}`).toBeLessThanOrEqual(
        this.#mostServers.get(provider.name) ?? 0,
      );
    }
    for (const id of this.#held) expect(this.row(id)?.state, `held node ${id}`).toBe('hold');
    expect(this.jobs.second, 'second jobs').toEqual([]);
    expect(this.gaveUp).toBeNull();
  }

  /**
   * What holds once nothing is under way. `ready`: the stock, where it is not min-ready; `failures`: actors may have
   * failed on the way.
   */
  checkAtRest({
    ready = {},
    failures = 0,
  }: { ready?: Readonly<Record<string, number>>; failures?: number } = {}): void {
    this.check();
    const rows = this.rows();
    const servers = new Set(rows.flatMap(row => [row, ...row.subnodes].map(each => each.serverId)));
    const names = new Set(rows.map(row => row.nodename));
    expect(
      this.servers().filter(id => !servers.has(id)),
      'servers without a row',
    ).toEqual([]);
    expect(
      this.slaves().filter(name => !names.has(name)),
      'slaves without a row',
    ).toEqual([]);
    for (const id of this.#held) expect(this.servers()).toContain(this.row(id)?.serverId);
    expect(
      rows.filter(({ state }) => state === 'building' || state === 'delete').map(describeRow),
      'nodes on their way',
    ).toEqual([]);
    for (const { name, minReady } of this.config.labels) {
      expect(this.in('ready', name), `ready ${name}`).toHaveLength(ready[name] ?? Math.max(0, minReady));
    }
    if (!this.#daemon) return;
    const actors = this.actors();
    expect(
      actors.filter(actor => actor.mailbox > 0).map(actor => actor.path),
      'mailboxes with messages',
    ).toEqual([]);
    expect(
      actors.filter(({ state }) => state === 'waiting' || state === 'failing').map(actor => actor.path),
      'actors that do not run',
    ).toEqual([]);
    expect(this.state('/store')).toMatch(/^ready: .*, 0 lent, \d+ idle, 0 waiting$/);
    for (const { kind, state } of actors) {
      if (kind === 'nodes') expect(state).toBe('launching 0 (0 wait), deleting 0 (0 wait)');
    }
    expect(
      actors.filter(({ kind }) => kind === 'node'),
      'an actor for each row',
    ).toHaveLength(rows.length);
    expect(
      this.failures.map(({ path, error }) => `${path}: ${String(error)}`),
      'failed actors',
    ).toHaveLength(failures);
  }
}

const wholeFile = { text: 'labels: []\n', sections: ['labels'] };

function cloudKey({ name, regionName }: Provider): string {
  return regionName === null ? name : `${name}/${regionName}`;
}

export function describeRow(row: NodeRow): string {
  const { id, provider, target, label, state, step, serverId, lastError } = row;
  return `${id} ${label} ${provider} ${target} ${state} ${step ?? '-'} ${serverId ?? 'no server'} ${lastError ?? ''}`;
}

/** Plays the part of the masters that run jobs on the slaves, and tells of it as their publishers do. */
export class Jobs {
  /** Nodes on which a second job started. */
  readonly second: NodeName[] = [];
  readonly #pool: Pool;
  readonly #had = new Set<NodeName>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Slaves that a master would give a job to. */
  free(label?: string): NodeName[] {
    return [...this.#pool.masters.values()].flatMap(master =>
      [...master.slaves]
        .filter(([, { idle, offline, offlineReason }]) => idle && !offline && offlineReason === null)
        .filter(([, { spec }]) => label === undefined || spec.labels === label)
        .map(([name]) => name),
    );
  }

  start(name: NodeName, { isHeard = true, job = 'job' } = {}): void {
    if (this.#had.has(name)) this.second.push(name);
    this.#had.add(name);
    for (const master of this.#pool.masters.values()) if (master.slaves.has(name)) master.setBusy(name);
    if (isHeard) this.#pool.events.publisher(publisher).publish(frame('onStarted', name, { job }));
  }

  finish(name: NodeName, { isHeard = true, job = 'job', result = 'SUCCESS' } = {}): void {
    for (const master of this.#pool.masters.values()) if (master.slaves.has(name)) master.setBusy(name, false);
    if (isHeard) this.#pool.events.publisher(publisher).publish(frame('onFinalized', name, { job, result }));
  }
}

/** A frame of Jenkins' ZeroMQ plugin. */
export function frame(
  topic: string,
  name: string,
  { job = 'job', result = null }: { job?: string; result?: string | null } = {},
): string {
  const build = { full_url: `https://jenkins01/job/${job}/1/`, number: 1, node_name: name, status: result };
  return `${topic} ${JSON.stringify({ name: job, url: `job/${job}/`, build })}`;
}
