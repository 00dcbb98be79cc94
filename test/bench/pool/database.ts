/** A database with durable commits, and what it costs: CPU of all its processes, statements, connections. */
import { readFileSync, readdirSync } from 'node:fs';
import { DatabaseObserver, type Engine } from '../../support/database-observer.js';
import { startMariadb } from '../../support/mariadb.js';
import { startPostgres } from '../../support/postgres.js';

export type { Engine };

export interface BenchDatabase {
  readonly dburi: string;
  /** Of the server and its children, those that ended among them. */
  cpuMs(): number;
  /** Rows of `TABLE where …`, asked over a connection of its own that is not counted. */
  count(what: string): Promise<number>;
  /** Answers to a question, asked likewise. */
  rows(question: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Open ones, asked likewise. */
  connections(): Promise<number>;
  /** Ends it without notice; `start` brings it back in its place. */
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

export async function startDatabase(engine: Engine, connections: number): Promise<BenchDatabase> {
  const server =
    engine === 'mariadb'
      ? await startMariadb({ maxConnections: connections, isDurable: true })
      : await startPostgres({ maxConnections: connections });
  const observer = new DatabaseObserver(engine, server.dburi);
  return {
    dburi: server.dburi,
    cpuMs: () => cpuOfTree(server.pid),
    count: what => observer.count(what),
    rows: question => observer.rows(question),
    connections: () => observer.connections(),
    kill: () => server.kill(),
    start: () => server.start(),
    async stop() {
      await observer.close();
      await server.stop();
    },
  };
}

/** Linux counts in hundredths of a second. */
const tickMs = 10;

function cpuOfTree(pid: number): number {
  const children = new Map<number, number[]>();
  const own = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const fields = statOf(Number(name));
    if (!fields) continue;
    const parent = Number(fields[1]);
    children.set(parent, [...(children.get(parent) ?? []), Number(name)]);
    const ticks = [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0);
    own.set(Number(name), ticks * tickMs);
  }
  const sum = (at: number): number => (own.get(at) ?? 0) + (children.get(at) ?? []).reduce((s, c) => s + sum(c), 0);
  return sum(pid);
}

/** The fields after the command, which may hold spaces: state, parent, … utime, stime, cutime, cstime. */
function statOf(pid: number): string[] | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return null;
  }
}

/** The most that it had open, looked at so often; while it is away there are none. */
export function watchConnections(database: BenchDatabase, everyMs: number): { stop(): Promise<number> } {
  let peak = 0;
  let isOver = false;
  const watching = (async () => {
    while (!isOver) {
      peak = Math.max(peak, await database.connections().catch(() => 0));
      await new Promise(resolve => setTimeout(resolve, everyMs));
    }
  })();
  return {
    async stop() {
      isOver = true;
      await watching;
      return peak;
    },
  };
}
