/** The embedded PostgreSQL in a temporary place: one server for each test file, a database for each test. */
import { readFileSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/db/embedded.js';
import { until } from './until.js';

export interface Postgres {
  /** Of the database `nodepool`. */
  readonly dburi: string;
  readonly port: number;
  readonly pid: number;
  /** Makes an empty database; gives its dburi. */
  createDatabase(name: string): Promise<string>;
  stop(): Promise<void>;
  /** Ends the server without notice; `start` brings it back on the same port. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

export async function startPostgres(options: { maxConnections?: number } = {}): Promise<Postgres> {
  const dir = await mkdtemp(join(tmpdir(), 'nodepool-postgres-'));
  const server = await startEmbeddedPostgres({ dir, maxConnections: options.maxConnections ?? 100 });
  const createDatabase = async (name: string) => {
    const client = new pg.Client({ connectionString: server.dburi });
    await client.connect();
    try {
      await client.query(`create database ${name}`);
    } finally {
      await client.end();
    }
    return server.dburi.replace(/[^/]*$/, name);
  };
  return {
    dburi: server.dburi,
    port: server.port,
    get pid() {
      return server.pid;
    },
    createDatabase,
    stop: async () => {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
    // Not SIGKILL, which would leave its helpers in the way of the next start.
    kill: async () => {
      const { pid } = server;
      process.kill(pid, 'SIGQUIT');
      // Its own file says earlier that it is gone.
      await until(() => !isThere(pid));
    },
    start: () => server.ensure(),
  };
}

/** The pid of the embedded PostgreSQL that runs in this directory. */
export function embeddedServer(dir: string): number | null {
  const data = join(dir, 'data');
  try {
    const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
    return readlinkSync(`/proc/${pid}/cwd`) === data ? pid : null;
  } catch {
    // No such file, or no such process: nothing runs.
    return null;
  }
}

/** One that has ended and was not yet waited for is in no directory any more. */
function isThere(pid: number): boolean {
  try {
    readlinkSync(`/proc/${pid}/cwd`);
    return true;
  } catch {
    return false;
  }
}
