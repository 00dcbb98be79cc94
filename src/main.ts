/**
 * The composition root: the only place that builds real adapters and puts them behind the ports. `nodepoold` runs what
 * `startDaemon` builds; the CLI without a daemon takes the store alone; `demo` runs a daemon on a simulated world.
 */
import { readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { closeClouds, guardian } from './actors/tree.js';
import { configAddress, statsAddress } from './actors/addresses.js';
import { Settings } from './actors/settings.js';
import { newGroupKey } from './adapters/ssh/key-pair.js';
import { openBuilds } from './adapters/builds/builds.js';
import { nextRun } from './adapters/cron/next-run.js';
import { openGearman } from './adapters/gearman/client.js';
import { openWorkerCi } from './adapters/jenkins/worker-ci.js';
import { combineStats } from './adapters/metrics/combine.js';
import { openCloud } from './adapters/openstack/cloud.js';
import { MetricsRegistry } from './adapters/metrics/registry.js';
import { StatsdByConfig } from './adapters/metrics/statsd-by-config.js';
import { WorkerPool } from './adapters/workers/pool.js';
import { openWorkerCloud, openWorkerShell, WorkerPools } from './adapters/workers/workers.js';
import { openZmqEvents } from './adapters/zmq/event-source.js';
import { loadConfig } from './config/load.js';
import { problemText } from './config/problem.js';
import { crashingStore } from './db/crashing-store.js';
import { openEmbeddedStore } from './db/embedded-store.js';
import { openStore } from './db/store.js';
import type { PoolConfig, Provider } from './domain/pool-config.js';
import { serveControl } from './http/serve.js';
import type { CloudPort } from './ports/cloud.js';
import type { ControlServer, ReadinessView, ServeControl, TreeView } from './ports/control.js';
import type { Log } from './ports/log.js';
import type { ConfigReading, Outside } from './ports/outside.js';
import type { StorePort } from './ports/store.js';
import type { OutsideWorld } from './ports/world.js';
import type { ReplyTo } from './runtime/actor.js';
import { systemClock } from './runtime/clock.js';
import { ActorSystem, type RuntimeEvent } from './runtime/system.js';

export interface DaemonOptions {
  readonly config: PoolConfig;
  readonly socket: string;
  readonly configFile: string;
  /** Undefined: the usual place, where it need not be. */
  readonly secureFile: string | undefined;
  readonly log: Log;
}

export interface Daemon {
  /** Graceful: launches stay BUILDING and go on at the next start. Resolves when all is closed. */
  stop(): Promise<void>;
  /** Ends what would hold the process; waits for nothing. */
  forced(): void;
  tree(): Promise<TreeView>;
  reload(): Promise<void>;
  /** Whether its actors still take their turns. */
  isAlive(): Promise<boolean>;
  readonly control: ControlServer;
  /** Resolves if the tree gives up. */
  readonly failed: Promise<Error>;
}

/** `startDaemon` of a configuration file. Rejects if another daemon has the database or the socket. */
export function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { configFile, secureFile } = options;
  const load = (file = configFile) => loadConfig({ file, secureFile, env: process.env, needsDatabase: true });
  let { files } = load();
  const readConfig = (other?: string): Promise<ConfigReading> => {
    const loaded = load(other);
    // Those of another file are not watched.
    if (other === undefined) files = loaded.files;
    return Promise.resolve({ ...loaded, problems: loaded.problems.map(problemText) });
  };
  return compose({ ...options, readConfig, configStamp: () => stampOf(files) });
}

/** What differs whenever a file is written, replaced, taken away, or forbidden to us. */
async function stampOf(files: readonly string[]): Promise<string> {
  const stamps = files.map(async file => {
    const found = await stat(file, { bigint: true }).catch((error: NodeJS.ErrnoException) => String(error.code));
    return typeof found === 'string'
      ? found
      : `${found.dev}:${found.ino}:${found.size}:${found.mtimeNs}:${found.ctimeNs}`;
  });
  return (await Promise.all(stamps)).join(' ');
}

/** The store of a configuration, for those who work without a daemon. Connects to nothing yet, but for `embedded:`. */
export function openStoreFor(config: PoolConfig): Promise<StorePort> {
  return openDatabase(config, { log: () => undefined, mayCreate: false });
}

/** The cloud of a provider, for those who work without a daemon. Makes no call yet. */
export function openCloudFor(provider: Provider): CloudPort {
  return openCloud(provider);
}

/** The world outside, for a command that looks at it once. */
export function openOutsideWorld(): OutsideWorld {
  const pools = new WorkerPools();
  const masters = new WorkerPool({ threads: 1 });
  return {
    openCloud: provider => openWorkerCloud(provider, pools),
    openCi: target => openWorkerCi(target, masters),
    demand: openGearman(),
    events: openZmqEvents(),
    close: async () => void (await Promise.allSettled([pools.close(), masters.close()])),
  };
}

/** What the parts of a daemon are made of. */
export interface Composition {
  readonly config: PoolConfig;
  readonly socket: string;
  readonly log: Log;
  readonly readConfig: Outside['readConfig'];
  /** Null: nothing but a reload on request reads it again. */
  readonly configStamp: (() => Promise<string>) | null;
}

/** An actor that has not had its turn by then has not been kept waiting by work alone. */
const aliveMs = 10_000;
/** The control API answers once the database has been tried, but is not kept from answering by one that is away. */
const firstTryMs = 3_000;

export async function compose({ config, socket, log, readConfig, configStamp }: Composition): Promise<Daemon> {
  const settings = new Settings(config);
  const fate = new Fate();
  const database = await openDatabase(config, { log: line => log.info(line, { actor: 'store' }), mayCreate: true });
  const store = crashingStore(database, process.env);
  const pools = new WorkerPools();
  const masters = new WorkerPool({ threads: 1 });
  const registry = new MetricsRegistry();
  const statsd = new StatsdByConfig(config);
  const stats = combineStats(statsd, registry);
  const tried = promised();
  const started = promised<ControlServer>();
  const serve: ServeControl = api => serveControl(controlOptions(settings.config, socket, log))(api);

  const outside: Outside = {
    store: tellingWhenTried(store, tried.keep),
    holder: { host: hostname(), pid: process.pid, socket },
    openCloud: provider => openWorkerCloud(provider, pools),
    openShell: provider => openWorkerShell(provider, pools),
    openCi: target => openWorkerCi(target, masters),
    newGroupKey,
    builds: openBuilds({ config: () => settings.config, env: process.env, log }),
    events: openZmqEvents(),
    demand: openGearman(),
    stats,
    metrics: () => registry.text(),
    serve: servingAfter(tried.promise, serve, error => fate.seal(error)),
    readConfig,
    configStamp,
    reconfigured: now => statsd.follow(now),
    nextRun,
    log,
    giveUp: reason => fate.seal(new Error(reason)),
  };

  const system: ActorSystem = new ActorSystem({
    supervision: { stopMs: config.timings.stop },
    report: event => reportToLog(event, log, () => system.inspect('/')),
    onGiveUp: reason => fate.seal(new Error(reason)),
  });
  const view = {
    inspect: (path: string) => system.inspect(path),
    restart: (path: string) => system.restart(path),
    now: () => system.clock.now(),
    request: system.request.bind(system),
    tell: system.tell.bind(system),
  };
  system.start(guardian, { outside, settings, system: view, onServing: started.keep });

  const close = async (): Promise<void> => {
    await Promise.allSettled([pools.close(), masters.close(), stats.close()]);
    await store.close();
  };
  const stop = async (): Promise<void> => {
    closeClouds(settings, view);
    const late = await system.stop(settings.timings.stop);
    if (late.length > 0) log.warn(`did not stop in time: ${late.join(', ')}`);
    await close();
  };

  const control = await Promise.race([started.promise, fate.failed]);
  if (control instanceof Error) {
    await stop();
    throw control;
  }
  return {
    stop,
    forced: () => void close(),
    tree: () => {
      const tree = system.inspect('/');
      return tree ? Promise.resolve(tree) : Promise.reject(new Error('there is no tree'));
    },
    reload: () => {
      system.tell(configAddress, { type: 'reload' });
      return Promise.resolve();
    },
    isAlive: async () => {
      const question = (replyTo: ReplyTo<ReadinessView>) => ({ type: 'readiness' as const, replyTo });
      return (await system.request(statsAddress, question, aliveMs)).kind === 'reply';
    },
    control,
    failed: fate.failed,
  };
}

/** What ends the daemon; the first reason counts. */
class Fate {
  readonly failed: Promise<Error>;
  #resolve: (error: Error) => void = () => undefined;

  constructor() {
    this.failed = new Promise(resolve => (this.#resolve = resolve));
  }

  seal(error: Error): void {
    this.#resolve(error);
  }
}

// ── The database ─────────────────────────────────────────────────────────────────────────────────────────────────

async function openDatabase(
  config: PoolConfig,
  { log, mayCreate }: { readonly log: (line: string) => void; readonly mayCreate: boolean },
): Promise<StorePort> {
  const { dburi, stateDir } = config;
  if (dburi === null) throw new Error('the configuration names no database; set dburi');
  // The rows have the time that the actors have.
  const now = (): number => systemClock.now();
  return dburi === 'embedded:'
    ? openEmbeddedStore({ dir: join(stateDir, 'postgres'), now, log, mayCreate })
    : openStore({ dburi, now, log });
}

function tellingWhenTried(store: StorePort, tried: () => void): StorePort {
  return {
    start: holder => store.start(holder).finally(tried),
    attach: () => store.attach(),
    probe: () => store.probe(),
    get shared() {
      return store.shared;
    },
    get unreadTags() {
      return store.unreadTags;
    },
    openSlot: () => store.openSlot(),
    close: () => store.close(),
  };
}

// ── Control ──────────────────────────────────────────────────────────────────────────────────────────────────────

function controlOptions(config: PoolConfig, socket: string, log: Log): Parameters<typeof serveControl>[0] {
  const { http, writeTokenFile, readTokenFile } = config.control;
  const token = (file: string | null): string | null => (file === null ? null : readFileSync(file, 'utf8').trim());
  return {
    socket,
    http: http === null ? null : hostAndPort(http),
    writeToken: token(writeTokenFile),
    readToken: token(readTokenFile),
    version: version(),
    log: line => log.info(line, { actor: 'control' }),
  };
}

function hostAndPort(text: string): { host: string; port: number } {
  const colon = text.lastIndexOf(':');
  return { host: text.slice(0, colon).replace(/^\[(.*)\]$/, '$1'), port: Number(text.slice(colon + 1)) };
}

function version(): string {
  const read = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
  return read.version;
}

/** A socket that a living daemon has is not waited for: the start fails. */
function servingAfter(tried: Promise<void>, serve: ServeControl, failed: (error: Error) => void): ServeControl {
  return async api => {
    await Promise.race([tried, new Promise(resolve => setTimeout(resolve, firstTryMs).unref())]);
    try {
      return await serve(api);
    } catch (error) {
      failed(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }
  };
}

// ── The log ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** The failure of an actor is a bug, and is told in full; a burst of dead letters is told by its powers of ten. */
function reportToLog(event: RuntimeEvent, log: Log, tree: () => TreeView | null): void {
  switch (event.type) {
    case 'failed':
      log.error(`${event.path} failed (${event.count})`, { actor: event.path, error: event.error });
      if (event.path === '/') log.error(`the tree:\n${JSON.stringify(tree())}`);
      return;
    case 'restarted':
      log.info(`${event.path} has begun again (${event.restarts})`, { actor: event.path });
      return;
    case 'long-queue':
      log.warn(`${event.length} messages wait for ${event.path}`, { actor: event.path });
      return;
    case 'resumed':
    case 'parked':
    case 'escalated':
    case 'stopped-late':
    case 'late-failure':
      log.error(`${event.path}: ${event.type}`, { actor: event.path, error: event.error });
      return;
    case 'dead-letter': {
      const isWorthALine = event.reason !== 'unknown' && /^10*$/.test(String(event.count));
      if (isWorthALine) log.warn(`${event.count} dead letters so far (${event.reason}), last for ${event.path}`);
      else log.debug(`dead letter for ${event.path} (${event.reason})`);
    }
  }
}

interface Promised<T> {
  readonly promise: Promise<T>;
  readonly keep: (value: T) => void;
}

function promised<T = void>(): Promised<T> {
  let keep: (value: T) => void = () => undefined;
  const promise = new Promise<T>(resolve => (keep = resolve));
  return { promise, keep: value => keep(value) };
}
