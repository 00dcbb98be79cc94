/**
 * What becomes of single commits under a busy daemon: one never reaches the server, one's answer is lost, the last ones
 * are lost in a failover; and a server each of whose answers is late.
 */
import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { untilIdle, untilWell, whileBusy } from '../support/busy-pool.js';
import { E2ePool } from '../support/e2e-pool.js';
import { startMariadb } from '../support/mariadb.js';
import { startPostgres } from '../support/postgres.js';
import { startSqlProxy } from '../support/sql-proxy.js';

interface Server {
  readonly dburi: string;
  readonly port: number;
  /** From now on a commit is on the disk some time after it was answered. */
  beLazy(): Promise<void>;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const maxServers = 4;
/** Of nodes that are granted, of changes that are made together, and of one change by itself. */
const statements = [/commit/i, /update ["`]node["`]/] as const;
const lateMs = 200;
const patience = { timeout: 300_000 };

describe.concurrent(
  'a busy daemon whose database loses commits launches nothing twice and leaves nothing behind',
  () => {
    it('MariaDB', patience, () => endure(openMariadb));
    it('PostgreSQL', patience, () => endure(openPostgres));
  },
);

async function openMariadb(): Promise<Server> {
  const server = await startMariadb();
  const lazy = ['set global innodb_flush_log_at_timeout = 60', 'set global innodb_flush_log_at_trx_commit = 0'];
  return { ...server, beLazy: () => server.asRoot(lazy) };
}

async function openPostgres(): Promise<Server> {
  const server = await startPostgres();
  const beLazy = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: server.dburi });
    await client.connect();
    await client.query("alter system set wal_writer_delay = '10s'");
    await client.query('alter system set synchronous_commit = off');
    await client.query('select pg_reload_conf()');
    await client.end();
  };
  return { ...server, beLazy };
}

async function endure(open: () => Promise<Server>): Promise<void> {
  const server = await open();
  const proxy = await startSqlProxy(server.port);
  const pool = await E2ePool.open({
    dburi: server.dburi.replace(/:\d+\//, `:${String(proxy.port)}/`),
    clouds: { east: {}, west: {} },
    labels: { small: 4 },
    providers: { east: { 'max-servers': maxServers }, west: { 'max-servers': maxServers } },
    more: () => ({ cron: { cleanup: '* * * * * */2' } }),
  });
  try {
    await pool.start();
    await pool.untilStocked();
    await whileBusy(pool, async () => {
      for (const statement of statements) {
        proxy.cut(statement);
        await pool.until(() => !proxy.isWaiting);
        await untilWell(pool);
        proxy.lose(statement);
        await pool.until(() => !proxy.isWaiting);
        await untilWell(pool);
      }
    });
    await untilRest(pool);

    proxy.delayMs = lateMs;
    await whileBusy(pool, () => untilWell(pool));
    await untilRest(pool);
    proxy.delayMs = 0;

    await server.beLazy();
    await whileBusy(pool, async () => {
      await untilWell(pool);
      await server.kill();
      await pool.until(async () => !(await pool.client.readiness()).ready);
      await server.start();
    });
    // Rows of before have no actors, and servers of since have no rows: both are found by the cleanups.
    await untilRest(pool);
    expect(pool.daemon.isOver()).toBe(false);
    const { secondJobs, killedJobs } = pool.world.judge();
    expect({ secondJobs, killedJobs }).toEqual({ secondJobs: 0, killedJobs: 0 });
    for (const cloud of pool.world.clouds.values()) expect(cloud.counts().peakServers).toBeLessThanOrEqual(maxServers);
  } finally {
    await pool.close();
    await proxy.close();
    await server.stop();
  }
}

/** Nothing that was launched twice is left. */
async function untilRest(pool: E2ePool): Promise<void> {
  await untilIdle(pool);
  await pool.until(async () => {
    const { servers, slaves } = await pool.leaks();
    return servers.length + slaves.length === 0;
  });
}
