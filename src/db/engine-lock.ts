/**
 * Locks of the database engine: they belong to a connection and vanish with it, so nobody has to clean up after a
 * crash. Each is for one database of the server: PostgreSQL's are so by themselves, MySQL's names carry its name.
 */
import type { Knex } from 'knex';

export type LockName = 'daemon' | 'migration';

export interface EngineLock {
  /** Takes the lock on this connection if it is free. */
  take(knex: Knex, connection: unknown, name: LockName): Promise<boolean>;
  /** Takes the lock, waiting for it. */
  wait(knex: Knex, connection: unknown, name: LockName): Promise<void>;
  release(knex: Knex, connection: unknown, name: LockName): Promise<void>;
}

/** "node" in ASCII, so that the locks are not met by chance by those of other programs. */
const family = 0x6e6f6465;
const numbers: Readonly<Record<LockName, number>> = { daemon: 1, migration: 2 };

const postgresql: EngineLock = {
  async take(knex, connection, name) {
    const sql = 'select pg_try_advisory_lock(?, ?) as taken';
    const { rows } = (await on(knex, connection, sql, [family, numbers[name]])) as { rows: { taken: boolean }[] };
    return rows[0]?.taken === true;
  },
  async wait(knex, connection, name) {
    await on(knex, connection, 'select pg_advisory_lock(?, ?)', [family, numbers[name]]);
  },
  async release(knex, connection, name) {
    await on(knex, connection, 'select pg_advisory_unlock(?, ?)', [family, numbers[name]]);
  },
};

/** Hashed, for a name has at most 64 characters. */
const mysqlName = (name: LockName) => `concat('nodepool-${name}-', sha1(database()))`;
const mysqlWaitSeconds = 600;

const mysql: EngineLock = {
  take: (knex, connection, name) => getMysqlLock(knex, connection, name, 0),
  async wait(knex, connection, name) {
    if (await getMysqlLock(knex, connection, name, mysqlWaitSeconds)) return;
    throw new Error(`the ${name} lock was not free within ${String(mysqlWaitSeconds)} seconds`);
  },
  async release(knex, connection, name) {
    await on(knex, connection, `select release_lock(${mysqlName(name)})`, []);
  },
};

async function getMysqlLock(knex: Knex, connection: unknown, name: LockName, seconds: number): Promise<boolean> {
  const sql = `select get_lock(${mysqlName(name)}, ?) as taken`;
  const [rows] = (await on(knex, connection, sql, [seconds])) as [{ taken: number | null }[]];
  return rows[0]?.taken === 1;
}

function on(knex: Knex, connection: unknown, sql: string, values: readonly number[]): Promise<unknown> {
  return Promise.resolve(knex.raw(sql, values).connection(connection));
}

export const engineLocks = { mysql, postgresql } as const;
