/** The database as the actors see it (`ports/store`), on MySQL, MariaDB or PostgreSQL. */
import knexFactory from 'knex';
import { Fault } from '../domain/fault.js';
import type { LockHolder, Session, Slot, StorePort, StoreStart } from '../ports/store.js';
import { takeDaemonLock, type DaemonLock } from './daemon-lock.js';
import { databasePlace, parseDburi, type Database } from '../domain/dburi.js';
import { toFault } from './faults.js';
import { Fence } from './fence.js';
import { FreshIds } from './fresh-ids.js';
import { Gate } from './gate.js';
import { GroupCommit } from './group-commit.js';
import { InDoubt } from './in-doubt.js';
import { readInstallation } from './installation.js';
import { isMigrated, migrate } from './migrate.js';
import { deadlines, sharedConnections, slotsOpeningMax, type Log } from './options.js';
import { Pool } from './pool.js';
import { knexConfig } from './raw-connection.js';
import { readServer } from './server.js';
import { SqlSession, type SessionOptions } from './session.js';
import { SqlSlot } from './slot.js';
import { SubnodeColumns } from './node-query.js';
import { Unreadable } from './unreadable.js';

export interface StoreOptions {
  /** In SQLAlchemy's spelling; one that cannot be used throws an ordinary `Error`. */
  readonly dburi: string;
  /** Epoch milliseconds, from the runtime's clock. */
  readonly now: () => number;
  /** Takes what knex has to say; by default nobody does. */
  readonly log?: Log;
  /** How long a statement may take before it is the fault `store.away`. */
  readonly statementMs?: number;
}

/** Connects to nothing yet. */
export function openStore(options: StoreOptions): StorePort {
  return new SqlStore(options);
}

class SqlStore implements StorePort {
  readonly shared: Session;
  readonly #database: Database;
  readonly #now: () => number;
  readonly #log: Log;
  readonly #statementMs: number;
  readonly #pool: Pool;
  readonly #slots = new Set<SqlSlot>();
  readonly #session: SessionOptions;
  readonly #opening = new Gate(slotsOpeningMax);
  readonly #underWay = new Set<Promise<Slot>>();
  #isClosing = false;
  #lock: DaemonLock | null = null;

  constructor({ dburi, now, log = () => undefined, statementMs = deadlines.statementMs }: StoreOptions) {
    this.#database = parseDburi(dburi);
    this.#now = now;
    this.#log = log;
    this.#statementMs = statementMs;
    this.#pool = this.#newPool(sharedConnections);
    this.#session = {
      now,
      inDoubt: new InDoubt(),
      unreadable: new Unreadable(log),
      subnodeColumns: new SubnodeColumns(),
      fence: new Fence(),
      ids: new FreshIds(this.#database.engine),
    };
    this.shared = new SqlSession(this.#pool, this.#session, new GroupCommit(this.#pool));
  }

  get unreadTags(): ReadonlySet<string> {
    return this.#session.unreadable.tags;
  }

  async start(holder: LockHolder): Promise<StoreStart> {
    this.#isClosing = false;
    await this.#lock?.release();
    this.#pool.open();
    const options = { database: this.#database, holder, now: this.#now, log: this.#log };
    const { lock, holding } = await takeDaemonLock(options);
    this.#lock = lock;
    this.#session.fence.hold(holding);
    try {
      await this.#migrate();
      await this.#pool.run(knex => this.#session.subnodeColumns.settle(knex));
      const { version, connectionsAllowed } = await this.#pool.run(readServer);
      const installation = await this.#pool.run(readInstallation);
      const server = `${version} at ${databasePlace(this.#database)}`;
      return { server, connectionsAllowed, installation, lockLost: lock.lost };
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  async attach(): Promise<void> {
    this.#pool.open();
    if (await this.#pool.run(async knex => knex.schema.hasTable('node'))) return;
    throw new Fault('store.empty', `there is no database of nodepool yet at ${databasePlace(this.#database)}`);
  }

  async probe(): Promise<void> {
    await this.#pool.ping();
  }

  openSlot(): Promise<Slot> {
    const opened = this.#opening.pass(async () => {
      if (this.#isClosing) throw new Fault('store.stopped', 'the store is closed');
      const pool = this.#newPool(1);
      const options = { ...this.#session, onClose: () => void this.#slots.delete(slot) };
      const slot = new SqlSlot(pool, options);
      try {
        await pool.connect();
        this.#slots.add(slot);
        return slot;
      } catch (error) {
        await pool.close();
        throw error;
      }
    });
    this.#underWay.add(opened);
    const settled = (): void => void this.#underWay.delete(opened);
    opened.then(settled, settled);
    return opened;
  }

  /** A connection that is being opened is one at the server, and whoever starts anew would not count it. */
  async close(): Promise<void> {
    this.#isClosing = true;
    await Promise.allSettled(this.#underWay);
    await Promise.all([...this.#slots].map(slot => slot.close()));
    await this.#pool.close();
    await this.#lock?.release();
    this.#lock = null;
  }

  async #migrate(): Promise<void> {
    if (await this.#pool.run(isMigrated)) return;
    const knex = knexFactory({
      ...knexConfig(this.#database, { statementMs: deadlines.migrationMs, log: this.#log }),
      acquireConnectionTimeout: deadlines.migrationMs,
      pool: { min: 0, max: 2, createTimeoutMillis: deadlines.connectMs, destroyTimeoutMillis: deadlines.disconnectMs },
    });
    try {
      await migrate(knex);
    } catch (error) {
      throw toFault(error);
    } finally {
      await knex.destroy();
    }
  }

  #newPool(size: number): Pool {
    return new Pool({ database: this.#database, size, statementMs: this.#statementMs, log: this.#log });
  }
}
