/** The production tree on a real database, over a world that takes no time. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Settings } from '../../../src/actors/settings.js';
import { guardian } from '../../../src/actors/tree.js';
import { nextRun } from '../../../src/adapters/cron/next-run.js';
import { openStore } from '../../../src/db/store.js';
import type { PoolConfig, Timings } from '../../../src/domain/pool-config.js';
import type { PoolEvent, ReadinessView } from '../../../src/ports/control.js';
import type { Log } from '../../../src/ports/log.js';
import type { Outside } from '../../../src/ports/outside.js';
import type { StorePort } from '../../../src/ports/store.js';
import { configAddress, statsAddress } from '../../../src/actors/addresses.js';
import type { ReplyTo } from '../../../src/runtime/actor.js';
import { eventFrame, type Phase } from '../../../src/sim/jenkins/event-frame.js';
import { ActorSystem } from '../../../src/runtime/system.js';
import { FakeBuilds } from '../../support/fake-builds.js';
import { FakeCi } from '../../support/fake-ci.js';
import { FakeDemand } from '../../support/fake-demand.js';
import { FakeEvents } from '../../support/fake-events.js';
import { FakeShell } from '../../support/fake-shell.js';
import { FakeStats } from '../../support/fake-stats.js';
import { poolConfig, type ConfigWish } from '../../support/pool-config.js';
import { seedReady } from './seed.js';
import { BenchCloud } from './world.js';

export interface BenchPool {
  readonly config: PoolConfig;
  readonly clouds: ReadonlyMap<string, BenchCloud>;
  readonly events: FakeEvents;
  readonly demand: FakeDemand;
  readonly store: StorePort;
  readonly system: ActorSystem;
  readonly readyCount: () => number;
  readonly slotsPeak: () => number;
  /** Connections that are open for single nodes now. */
  readonly slots: () => number;
  readonly masters: ReadonlyMap<string, FakeCi>;
  /** How late the event loop was: percentile 99, milliseconds. */
  readonly lateMs: () => number;
  /** The watch on the event loop costs more than a pool in which nothing happens. */
  readonly watchNoMore: () => void;
  /** A configuration with another stock of the labels. */
  keep(labels: Readonly<Record<string, number>>): void;
  /** Resolves at the event for which it is so. */
  until(condition: () => boolean, onEvent?: (event: PoolEvent) => void): Promise<void>;
  /** Jenkins tells that a job has started or finished on the node of this name. */
  publish(nodeName: string, phase: Phase): void;
  /** Resolves when the daemon has read its rows and compared them with the masters. */
  served(): Promise<void>;
  stop(): Promise<void>;
}

export interface BenchWish extends ConfigWish {
  readonly dburi: string;
  readonly timings?: Partial<Timings>;
  readonly isLogged?: boolean;
  /** So many ready nodes are there before the pool is. */
  readonly readyNodes?: number;
  /** Some of them are used, held, or were under way. */
  readonly areMixed?: boolean;
  /** They are there, and the pool is about to start. */
  readonly onSeeded?: () => void;
}

/** To look each millisecond costs 2 % of a core itself. */
const watchMs = 10;

export async function startBenchPool(wish: BenchWish): Promise<BenchPool> {
  const config = poolConfig(wish);
  let inFile = config;
  const clouds = new Map(config.providers.map(({ name }) => [name, new BenchCloud()]));
  const masters = new Map(config.targets.map(({ name }) => [name, new FakeCi({ latencyMs: 0 })]));
  const world = { config, clouds, masters };
  const seeded = new Set(await seedReady(wish.dburi, wish.readyNodes ?? 0, world, wish.areMixed));
  wish.onSeeded?.();
  const events = new FakeEvents();
  const demand = new FakeDemand({ latencyMs: 0 });
  const real = openStore({ dburi: wish.dburi, now: () => Date.now() });
  let slots = 0;
  let slotsPeak = 0;
  const store: StorePort = {
    start: holder => real.start(holder),
    attach: () => real.attach(),
    probe: () => real.probe(),
    shared: real.shared,
    unreadTags: real.unreadTags,
    close: () => real.close(),
    async openSlot() {
      const slot = await real.openSlot();
      slotsPeak = Math.max(slotsPeak, ++slots);
      return new Proxy(slot, {
        get: (target, key) => {
          if (key === 'close') {
            return () => {
              slots--;
              return target.close();
            };
          }
          const value: unknown = Reflect.get(target, key, target);
          return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value;
        },
      });
    },
  };
  const outside: Outside = {
    store,
    holder: { host: 'bench', pid: process.pid, socket: 'none' },
    openCloud: ({ name }) => found(clouds, name),
    openShell: () => new FakeShell({ latencyMs: 0 }),
    builds: new FakeBuilds(),
    newGroupKey: () => Promise.resolve({ privateKey: 'private', publicKey: 'ssh-ed25519 public' }),
    openCi: ({ name }) => found(masters, name),
    events,
    demand,
    stats: new FakeStats(),
    metrics: () => Promise.resolve(''),
    serve: () => Promise.resolve({ socket: 'none', url: null, close: () => Promise.resolve() }),
    readConfig: () =>
      Promise.resolve({ kind: 'usable', config: inFile, problems: [], source: { text: '', sections: [] } }),
    configStamp: null,
    reconfigured: () => undefined,
    nextRun,
    log: wish.isLogged === true ? consoleLog : silent,
    giveUp: reason => {
      throw new Error(reason);
    },
  };
  const system: ActorSystem = new ActorSystem({
    report: event => {
      if (event.type === 'failed') console.error(event.path, event.error);
    },
    onGiveUp: reason => {
      throw new Error(reason);
    },
  });
  const view = {
    inspect: (path: string) => system.inspect(path),
    restart: (path: string) => system.restart(path),
    now: () => system.clock.now(),
    request: system.request.bind(system),
    tell: system.tell.bind(system),
  };
  /** By event: a node that was there before is ready until it is told otherwise. */
  const states = new Map<number, string>();
  const waiters = new Set<{
    condition: () => boolean;
    onEvent?: ((event: PoolEvent) => void) | undefined;
    resolve: () => void;
  }>();
  let ready = seeded.size;
  const listener = (event: PoolEvent): void => {
    if (event.node !== undefined && /^node\.(ready|used|delete|hold|test|deleted)$/.test(event.type)) {
      const before = states.get(event.node) ?? (seeded.has(event.node) ? 'node.ready' : null);
      if (before === 'node.ready') ready--;
      states.set(event.node, event.type);
      if (event.type === 'node.ready') ready++;
    }
    for (const waiter of waiters) {
      waiter.onEvent?.(event);
      if (!waiter.condition()) continue;
      waiters.delete(waiter);
      waiter.resolve();
    }
  };
  const eventLoop = monitorEventLoopDelay({ resolution: watchMs });
  eventLoop.enable();
  system.start(guardian, { outside, settings: new Settings(config), system: view, onServing: () => undefined });
  // Before the database has answered, nothing has happened yet.
  while (!system.inspect('/stats')) await new Promise(resolve => setImmediate(resolve));
  system.tell(statsAddress, { type: 'listen', listener });
  while (system.inspect('/store')?.state?.startsWith('ready') !== true) await new Promise(r => setTimeout(r, 1));
  return {
    config,
    clouds,
    events,
    demand,
    store,
    system,
    readyCount: () => ready,
    slotsPeak: () => slotsPeak,
    slots: () => slots,
    masters,
    watchNoMore: () => eventLoop.disable(),
    lateMs: () => Math.max(0, eventLoop.percentile(99) / 1e6 - watchMs),
    keep(stock) {
      const labels = config.labels.map(label => ({ ...label, minReady: stock[label.name] ?? label.minReady }));
      inFile = { ...config, labels };
      system.tell(configAddress, { type: 'reload' });
    },
    until: (condition, onEvent) =>
      condition() ? Promise.resolve() : new Promise(resolve => waiters.add({ condition, onEvent, resolve })),
    publish(nodeName, phase) {
      const status = phase === 'STARTED' ? undefined : 'SUCCESS';
      const job = { job: 'bench', fullUrl: undefined, number: 1, parameters: undefined, nodeDescription: undefined };
      events.publish(eventFrame({ ...job, phase, status, nodeName, hostName: undefined }));
    },
    async served() {
      const isServing = async (): Promise<boolean> => {
        const outcome = await system.request(
          statsAddress,
          (replyTo: ReplyTo<ReadinessView>) => ({ type: 'readiness' as const, replyTo }),
          10_000,
        );
        return outcome.kind === 'reply' && outcome.value.ready;
      };
      while (!(await isServing())) await new Promise(resolve => setTimeout(resolve, 5));
    },
    async stop() {
      eventLoop.disable();
      await system.stop(10_000);
      await store.close();
    },
  };
}

function found<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new Error(`there is no ${name}`);
  return value;
}

const quiet = (): void => undefined;
const silent: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const consoleLog: Log = {
  debug: quiet,
  info: (message, fields) => console.error('info', message, fields ?? ''),
  warn: (message, fields) => console.error('warn', message, fields ?? ''),
  error: (message, fields) => console.error('error', message, fields ?? ''),
};
