/** How the daemon is, second by second: memory, connections, event loop. */
import { readFileSync } from 'node:fs';
import knexFactory, { type Knex } from 'knex';
import type { ControlClient } from '../../src/http/client.js';
import type { Engine } from './wish.js';

export interface Sample {
  readonly life: number;
  /** Since the life began. */
  readonly ageMs: number;
  readonly residentMb: number;
  /** Null: nobody answered, or the database was away. */
  readonly heapMb: number | null;
  readonly lagMs: number | null;
  readonly lagMaxMs: number | null;
  readonly descriptors: number | null;
  readonly connections: number | null;
}

export interface Measured {
  readonly life: number;
  readonly ageMs: number;
  readonly pid: number;
  readonly client: ControlClient;
  readonly observer: Observer;
}

export async function sample({ life, ageMs, pid, client, observer }: Measured): Promise<Sample> {
  const [text, connections] = await Promise.all([
    client.metrics().catch(() => ''),
    observer.connections().catch(() => null),
  ]);
  const metric = (name: string, factor: number): number | null => {
    const found = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
    return found === undefined ? null : Number(found) * factor;
  };
  return {
    life,
    ageMs,
    residentMb: residentMb(pid),
    heapMb: metric('nodejs_heap_size_used_bytes', 1 / mb),
    lagMs: metric('nodejs_eventloop_lag_p99_seconds', 1000),
    lagMaxMs: metric('nodejs_eventloop_lag_max_seconds', 1000),
    descriptors: metric('process_open_fds', 1),
    connections,
  };
}

const mb = 1024 * 1024;

function residentMb(pid: number): number {
  const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
  return Number(kb ?? 0) / 1024;
}

const questions: Readonly<Record<Engine, string>> = {
  postgresql: `select count(*) as n from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
  mariadb: `select count(*) as n from information_schema.processlist where db = database() and id <> connection_id()`,
};

/** Counts connections from outside, over one of its own. */
export class Observer {
  readonly #knex: Knex;
  readonly #question: string;

  constructor(engine: Engine, dburi: string) {
    this.#question = questions[engine];
    this.#knex = knexFactory({
      client: engine === 'mariadb' ? 'mysql2' : 'pg',
      connection: dburi,
      pool: { min: 0, max: 1 },
      acquireConnectionTimeout: 2_000,
      // That the server is away is what it is there to see.
      log: { warn: silent, error: silent },
    });
  }

  /** Rejects while the database is away. */
  async connections(): Promise<number> {
    const answer: unknown = await this.#knex.raw(this.#question);
    const rows = (Array.isArray(answer) ? answer[0] : (answer as { rows: unknown }).rows) as { n: number | string }[];
    return Number(rows[0]?.n);
  }

  close(): Promise<void> {
    return this.#knex.destroy();
  }
}

function silent(): void {
  return;
}
