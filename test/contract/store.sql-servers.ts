/** The real servers that the store's suites run over. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../src/db/embedded.js';
import { startMariadb } from '../support/mariadb.js';
import type { SqlServer } from './store.sql-world.js';

/** The embedded server; killed and started again on its data, as after a crash. */
export async function startPostgresServer(): Promise<SqlServer> {
  const dir = await mkdtemp(join(tmpdir(), 'nodepool-postgres-'));
  const start = () => startEmbeddedPostgres({ dir, maxConnections: 200 });
  let server = await start();
  const run = async (dburi: string, statement: string): Promise<readonly Record<string, unknown>[]> => {
    const client = new pg.Client({ connectionString: dburi });
    await client.connect();
    try {
      return (await client.query<Record<string, unknown>>(statement)).rows;
    } finally {
      await client.end();
    }
  };
  return {
    run,
    create: async name => {
      await run(server.dburi, `create database ${name}`);
      return server.dburi.replace(/[^/]*$/, name);
    },
    kill: async () => {
      process.kill(server.pid, 'SIGKILL');
    },
    revive: async () => {
      server = await start();
      return server.port;
    },
    forbidWrites: async areForbidden => {
      await run(server.dburi, `alter system set default_transaction_read_only = ${areForbidden ? 'on' : 'off'}`);
      await run(server.dburi, 'select pg_reload_conf()');
    },
    stop: async () => {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
    killStatement: id => `select pg_terminate_backend(${id}, 10000)`,
    countFrom: (table, id) => `select setval(pg_get_serial_sequence('${table}', 'id'), ${id}, false)`,
    lockQuery: `select pid as id from pg_locks where locktype = 'advisory' and objid = 1
      and database = (select oid from pg_database where datname = current_database())`,
  };
}

export async function startMariadbServer(): Promise<SqlServer> {
  const server = await startMariadb();
  const run = async (dburi: string, statement: string): Promise<readonly Record<string, unknown>[]> => {
    const connection = await mysql.createConnection(dburi);
    try {
      const [rows] = await connection.query(statement);
      return Array.isArray(rows) ? (rows as Record<string, unknown>[]) : [];
    } finally {
      await connection.end();
    }
  };
  return {
    run,
    create: name => server.createDatabase(name),
    kill: () => server.kill(),
    revive: async () => {
      await server.start();
      return server.port;
    },
    forbidWrites: areForbidden => server.asRoot([`set global read_only = ${areForbidden ? 1 : 0}`]),
    stop: () => server.stop(),
    killStatement: id => `kill ${id}`,
    countFrom: (table, id) => `alter table ${table} auto_increment = ${id}`,
    lockQuery: "select is_used_lock(concat('nodepool-daemon-', sha1(database()))) as id",
  };
}
