/**
 * The real daemon as a process of its own, its worker threads on, over the simulated world, which is in this process.
 * What the daemon and the database cost is read from outside.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { parse, stringify } from 'yaml';
import { stateCodes } from '../../../src/domain/states.js';
import { E2ePool, type PoolWish } from '../../support/e2e-pool.js';
import { startDatabase, type BenchDatabase, type Engine, watchConnections } from '../pool/database.js';
import { cpuOf, type ProcessCpu } from './process-cpu.js';

export type { Engine };

export interface WirePool {
  readonly pool: E2ePool;
  readonly database: BenchDatabase;
  /** What there was since then. */
  meter(): Promise<() => Promise<Cost>>;
  /** Writes the file anew with another stock of each label; the daemon reads it at once. */
  keep(labels: Readonly<Record<string, number>>): Promise<void>;
  /** Resolves when there are so many nodes of the label `bare`, all ready. */
  fillTo(nodes: number): Promise<void>;
  /** Resolves when the database has so many rows of `TABLE where …`; the daemon is not asked. */
  untilRows(count: number, what: string): Promise<void>;
  close(): Promise<void>;
}

export interface Cost extends ProcessCpu {
  readonly seconds: number;
  readonly databaseMs: number;
  readonly statements: number;
  readonly byKind: ReadonlyMap<string, number>;
  /** Of the daemon's main thread, as many as there are now. */
  readonly timers: number;
  /** To clouds and masters. */
  readonly calls: number;
  /** Of the daemon at the database, the most in any look. */
  readonly connectionsPeak: number;
}

/** A cloud whose calls take no time, and whose machines are there at once. */
export const instantCloud = { bootMs: [0, 0], sshDelayMs: [0, 0], deleteMs: [0, 0] } as const;

/** Waits as an operator has them, but for those that would be measured instead of us. */
export const wireTimings = { pass: 1, 'delete-delay': 1, 'server-list': 0.2, poll: 1, api: 30, gearman: 10 } as const;

const inside = join(import.meta.dirname, 'inside.mjs');
const lookEveryMs = 50;
const longestMs = 600_000;

type WireWish = Omit<PoolWish, 'dburi'> & {
  readonly engine: Engine;
  readonly connections?: number;
};

/** One label, `bare`, which each of so many instant clouds would make all nodes of. */
export function openBarePool(
  wish: { readonly providers: number; readonly maxServers: number } & Omit<
    WireWish,
    'clouds' | 'labels' | 'providers'
  > &
    Partial<Pick<WireWish, 'labels'>>,
): Promise<WirePool> {
  const { providers, maxServers, ...rest } = wish;
  const names = Array.from({ length: providers }, (_none, index) => `cloud${index + 1}`);
  const provider = { 'max-servers': maxServers, concurrency: { calls: 8, launches: 40 } };
  return openWirePool({
    labels: { bare: 0 },
    ...rest,
    clouds: Object.fromEntries(names.map(name => [name, instantCloud])),
    providers: Object.fromEntries(names.map(name => [name, provider])),
  });
}

export async function openWirePool(wish: WireWish): Promise<WirePool> {
  const database = await startDatabase(wish.engine, wish.connections ?? 400);
  const pool = await E2ePool.open({ timings: wireTimings, ...wish, dburi: database.dburi });
  const counter = join(pool.dir, 'statements.sock');
  await pool.start({ env: { NODE_OPTIONS: `--import=${inside}`, BENCH_STATEMENTS: counter } });
  // It says that it is ready when its socket answers, which is before its tables are made.
  await pool.until(async () => (await pool.client.readiness()).ready);
  const keep: WirePool['keep'] = async labels => {
    const file = parse(await readFile(pool.config, 'utf8')) as { labels: { name: string; 'min-ready': number }[] };
    for (const label of file.labels) label['min-ready'] = labels[label.name] ?? label['min-ready'];
    await writeFile(pool.config, stringify(file));
    process.kill(pool.daemon.pid, 'SIGHUP');
  };
  const untilRows: WirePool['untilRows'] = async (count, what) => {
    const endMs = performance.now() + longestMs;
    while ((await database.count(what)) !== count) {
      if (performance.now() > endMs)
        throw new Error(`there are not ${count} of ${what}: ${pool.daemon.stderr().slice(-4_000)}`);
      await new Promise(resolve => setTimeout(resolve, lookEveryMs));
    }
  };
  return {
    pool,
    database,
    async meter() {
      const before = { cpu: cpuOf(pool.daemon.pid), databaseMs: database.cpuMs(), calls: callsOf(pool) };
      const counted = await countedAt(counter);
      const peak = watchConnections(database, lookEveryMs);
      const beganMs = performance.now();
      return async () => {
        const seconds = (performance.now() - beganMs) / 1000;
        const { mainMs, otherMs } = cpuOf(pool.daemon.pid);
        const databaseMs = database.cpuMs() - before.databaseMs;
        const { statements, byKind, timers } = await countedAt(counter);
        return {
          seconds,
          mainMs: mainMs - before.cpu.mainMs,
          otherMs: otherMs - before.cpu.otherMs,
          databaseMs,
          statements: statements - counted.statements,
          byKind: new Map(Object.entries(byKind).map(([kind, n]) => [kind, n - (counted.byKind[kind] ?? 0)])),
          timers,
          calls: callsOf(pool) - before.calls,
          connectionsPeak: await peak.stop(),
        };
      };
    },
    keep,
    async fillTo(nodes) {
      await keep({ bare: nodes });
      await untilRows(nodes, `node where state = ${stateCodes.ready}`);
    },
    untilRows,
    async close() {
      await pool.close();
      await database.stop();
    },
  };
}

interface Counted {
  readonly statements: number;
  readonly byKind: Readonly<Record<string, number>>;
  readonly timers: number;
}

async function countedAt(socket: string): Promise<Counted> {
  return JSON.parse(await text(connect(socket))) as Counted;
}

function callsOf({ world }: E2ePool): number {
  return [...world.clouds.values(), ...world.masters.values()]
    .flatMap(each => Object.values(each.counts().calls))
    .reduce((sum, count) => sum + count, 0);
}
