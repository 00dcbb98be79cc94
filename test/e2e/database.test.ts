/** What becomes of the database under a busy daemon: it ends and comes back, freezes and thaws, has no connection left. */
import mysql from 'mysql2/promise';
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { untilIdle, untilWell, whileBusy } from '../support/busy-pool.js';
import { E2ePool } from '../support/e2e-pool.js';
import { freeze } from '../support/frozen.js';
import { startMariadb } from '../support/mariadb.js';
import { startPostgres } from '../support/postgres.js';

interface Server {
  readonly dburi: string;
  readonly pid: number;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

/** Somebody else's connection; rejects where the server has none left. */
type Connect = (dburi: string) => Promise<{ end(): Promise<void> }>;

const maxConnections = 40;
const maxServers = 4;
/** Both find out what they find out by waiting, and so side by side; a statement may take 20 s. */
const patience = { timeout: 300_000 };

const connectMariadb: Connect = dburi => mysql.createConnection(dburi);
const connectPostgres: Connect = async dburi => {
  const client = new pg.Client({ connectionString: dburi });
  client.on('error', () => undefined);
  await client.connect();
  return client;
};

describe.concurrent('a daemon whose database is in trouble stays up, says so, and goes on when it is over', () => {
  it('MariaDB', patience, () => endure(() => startMariadb({ maxConnections }), connectMariadb));
  it('PostgreSQL', patience, () => endure(() => startPostgres({ maxConnections }), connectPostgres));
});

async function endure(open: () => Promise<Server>, connect: Connect): Promise<void> {
  const server = await open();
  const pool = await E2ePool.open({
    dburi: server.dburi,
    clouds: { east: {}, west: {} },
    labels: { small: 4 },
    providers: { east: { 'max-servers': maxServers }, west: { 'max-servers': maxServers } },
  });
  try {
    await pool.start();
    await pool.untilStocked();
    const { daemon } = pool;
    await whileBusy(pool, async () => {
      await server.kill();
      await untilAway(pool);
      await server.start();
      await untilWell(pool);
    });
    await whileBusy(pool, async () => {
      const thaw = freeze(server.pid);
      try {
        await untilAway(pool);
      } finally {
        thaw();
      }
      await untilWell(pool);
    });
    await untilRest(pool);
    expect(daemon.isOver()).toBe(false);
    // One that has just started and has nothing to do keeps no connections for its nodes.
    await pool.stop();
    await pool.start();
    await pool.until(async () => (await pool.client.readiness()).ready);
    const taken = await takeAll(server, connect);
    pool.world.jobs.submit({ job: 'demo-job', label: 'small', durationMs: 100, count: 2 });
    await untilAway(pool, /too many|reserved/i);
    await Promise.all(taken.map(each => each.end()));
    await untilWell(pool);
    await untilRest(pool);
    expect(pool.daemon.isOver()).toBe(false);
    const { secondJobs, killedJobs } = pool.world.judge();
    expect({ secondJobs, killedJobs }).toEqual({ secondJobs: 0, killedJobs: 0 });
    for (const cloud of pool.world.clouds.values()) expect(cloud.counts().peakServers).toBeLessThanOrEqual(maxServers);
  } finally {
    await pool.close();
    await server.stop();
  }
}

async function untilAway(pool: E2ePool, why = /./): Promise<void> {
  await pool.until(async () => {
    const { ready, dependencies } = await pool.client.readiness();
    const store = dependencies.find(each => each.name === 'store');
    return !ready && store?.ok === false && why.test(store.reason ?? '');
  });
  // The rest of the daemon answers.
  expect((await pool.actor('/store')).state).toMatch(/^away/);
}

/** Nothing that was launched twice is left. */
async function untilRest(pool: E2ePool): Promise<void> {
  await untilIdle(pool);
  expect(await pool.leaks()).toEqual({ servers: [], slaves: [] });
}

async function takeAll({ dburi }: Server, connect: Connect): Promise<readonly { end(): Promise<void> }[]> {
  const taken: { end(): Promise<void> }[] = [];
  for (;;) {
    try {
      taken.push(await connect(dburi));
    } catch {
      // That was the last one.
      return taken;
    }
  }
}
