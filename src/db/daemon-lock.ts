/**
 * One daemon for one database: a lock of the engine, held for life on a connection of its own, and a table that says
 * who holds it. The lock decides; the table is for people.
 */
import knexFactory, { type Knex } from 'knex';
import { Fault } from '../domain/fault.js';
import type { LockHolder } from '../ports/store.js';
import { databasePlace, type Database, type EngineName } from '../domain/dburi.js';
import { engineLocks } from './engine-lock.js';
import { isTableMissing, toFault } from './faults.js';
import { holderTable, type Holding } from './fence.js';
import { deadlines, type Log } from './options.js';
import { borrow, closed, cut, giveBack, knexConfig, type RawConnection } from './raw-connection.js';

export interface DaemonLockOptions {
  readonly database: Database;
  readonly holder: LockHolder;
  readonly now: () => number;
  readonly log: Log;
}

/** A server drops the connection of a daemon that vanished after this long without a sign of life. */
const vanishedSeconds = (4 * deadlines.keepaliveMs) / 1000;

const createTable = `create table if not exists ${holderTable} (
  id integer primary key, host varchar(255) not null, pid integer not null,
  socket varchar(255) not null, started bigint not null)`;

export async function takeDaemonLock(
  options: DaemonLockOptions,
): Promise<{ readonly lock: DaemonLock; readonly holding: Holding }> {
  const { database, log } = options;
  const knex = knexFactory({
    ...knexConfig(database, { statementMs: deadlines.statementMs, log }),
    acquireConnectionTimeout: deadlines.connectMs,
    pool: { min: 0, max: 1, createTimeoutMillis: deadlines.connectMs, destroyTimeoutMillis: deadlines.disconnectMs },
  });
  try {
    const lock = new DaemonLock(knex, await borrow(knex), database.engine);
    return { lock, holding: await lock.take(options) };
  } catch (error) {
    await knex.destroy();
    throw toFault(error);
  }
}

export class DaemonLock {
  /** Resolves when the connection that holds the lock is gone; never after `release`. */
  readonly lost: Promise<void>;
  readonly #knex: Knex;
  readonly #connection: RawConnection;
  readonly #engine: EngineName;
  readonly #keepalive: NodeJS.Timeout;
  #isOver = false;

  constructor(knex: Knex, connection: RawConnection, engine: EngineName) {
    this.#knex = knex;
    this.#connection = connection;
    this.#engine = engine;
    this.#keepalive = setInterval(() => void this.#showLife(), deadlines.keepaliveMs).unref();
    this.lost = new Promise(resolve => {
      const gone = () => {
        clearInterval(this.#keepalive);
        if (!this.#isOver) resolve();
      };
      connection.on('error', gone);
      connection.on('end', gone);
    });
  }

  async take({ database, holder, now }: DaemonLockOptions): Promise<Holding> {
    const started = now();
    try {
      if (this.#engine === 'mysql') await this.#ask('set session wait_timeout = ?', [vanishedSeconds]);
      const isTaken = await engineLocks[this.#engine].take(this.#knex, this.#connection, 'daemon');
      if (!isTaken) throw new Fault('store.locked', `${databasePlace(database)} is in use by ${await this.#holder()}`);
      await this.#ask(createTable);
      await this.#ask(`delete from ${holderTable}`);
      const row = [1, holder.host, holder.pid, holder.socket, started];
      await this.#ask(`insert into ${holderTable} (id, host, pid, socket, started) values (?, ?, ?, ?, ?)`, row);
      return { pid: holder.pid, started };
    } catch (error) {
      await this.#drop();
      throw error;
    }
  }

  async release(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    // Where the connection is already gone, so is the lock, and the row says nothing without it.
    await this.#ask(`delete from ${holderTable}`).catch(() => undefined);
    // By name: a busy server closes a connection, and frees its locks, some time after we have.
    await engineLocks[this.#engine].release(this.#knex, this.#connection, 'daemon').catch(() => undefined);
    await this.#drop();
  }

  async #holder(): Promise<string> {
    const [row] = await this.#holderRows();
    if (row === undefined) return 'a daemon that is just starting';
    const since = new Date(Number(row.started)).toISOString();
    return `the daemon on ${row.host}, pid ${String(row.pid)}, socket ${row.socket}, since ${since}`;
  }

  async #holderRows(): Promise<readonly HolderRow[]> {
    try {
      const query = this.#knex(holderTable).select<HolderRow[]>('*');
      return await query.connection(this.#connection);
    } catch (error) {
      // For a moment, when a daemon starts on a new database.
      if (isTableMissing(error)) return [];
      throw error;
    }
  }

  async #ask(sql: string, values: readonly (string | number)[] = []): Promise<unknown> {
    return this.#knex.raw(sql, values).connection(this.#connection);
  }

  /** Keeps the server and what is between from closing an idle connection, and notices when they did. */
  async #showLife(): Promise<void> {
    const late = () => cut(this.#connection, new Error('Connection terminated: no sign of life'));
    const deadline = setTimeout(late, deadlines.statementMs).unref();
    try {
      await this.#ask('select 1');
    } catch (error) {
      // A connection that cannot say this much holds no lock that counts; closing it tells who waits for `lost`.
      cut(this.#connection, error instanceof Error ? error : new Error(String(error)));
    } finally {
      clearTimeout(deadline);
    }
  }

  async #drop(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#keepalive);
    await giveBack(this.#knex, this.#connection);
    await this.#knex.destroy();
    await closed(this.#connection);
  }
}

interface HolderRow {
  readonly host: string;
  readonly pid: number;
  readonly socket: string;
  readonly started: number | string;
}
