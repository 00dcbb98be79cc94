/**
 * A knex over a bounded number of connections: four for what is shared, one for a slot. Connections are opened when
 * first needed, replaced when found dead, and cut when one of them has been lent for longer than a statement may take:
 * a server that accepts and never answers must not hold an actor for ever. One that is closed counts until the server
 * has closed it, too: there are never more than the bound.
 */
import knexFactory, { type Knex } from 'knex';
import { Fault } from '../domain/fault.js';
import type { Database, EngineName } from '../domain/dburi.js';
import { toFault } from './faults.js';
import { deadlines, type Log } from './options.js';
import {
  affectedRows,
  borrow,
  closed,
  connectionId,
  cut,
  giveBack,
  knexConfig,
  onceClosed,
  type RawConnection,
} from './raw-connection.js';
import { alike, rowChange, rowChanges, type RowChange } from './row-change.js';

export interface PoolOptions {
  readonly database: Database;
  readonly size: number;
  readonly statementMs: number;
  readonly log: Log;
}

export class Pool {
  readonly #options: PoolOptions;
  readonly #leases = new Map<object, NodeJS.Timeout>();
  readonly #open = new Set<RawConnection>();
  #knex: Knex | null;
  #connection: string | null = null;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#knex = this.#build();
  }

  /** Runs work on the pool's connections; whatever fails becomes a fault. */
  async run<T>(work: (knex: Knex) => Promise<T>): Promise<T> {
    if (this.#knex === null) throw new Fault('store.stopped', 'the store is closed');
    try {
      return await work(this.#knex);
    } catch (error) {
      throw toFault(error);
    }
  }

  /** Runs one statement, committed by itself: the number of rows that it found. */
  change(change: RowChange): Promise<number> {
    const { engine } = this.#options.database;
    return this.run(async knex => {
      const raw = await borrow(knex);
      try {
        return await affectedRows(raw, engine, rowChange(engine, change));
      } finally {
        await giveBack(knex, raw);
      }
    });
  }

  /**
   * Makes changes in one transaction: the numbers of rows that they found. All or none has happened.
   * Those that are alike are one statement; where some do not apply, each is made by itself, which tells which.
   */
  changeTogether(changes: readonly RowChange[]): Promise<readonly number[]> {
    const { engine } = this.#options.database;
    return this.run(async knex => {
      const raw = await borrow(knex);
      const say = (text: string): Promise<number> => affectedRows(raw, engine, { text, values: [] });
      try {
        await say('begin');
        if (await areAllMade(raw, engine, changes)) {
          await say('commit');
          return changes.map(() => 1);
        }
        await say('rollback');
        await say('begin');
        const found: number[] = [];
        for (const change of changes) found.push(await affectedRows(raw, engine, rowChange(engine, change)));
        await say('commit');
        return found;
      } catch (error) {
        // One that cannot be ended is not lent again.
        await say('rollback').catch(() => cut(raw, new Error('Connection terminated: a transaction hangs')));
        throw error;
      } finally {
        await giveBack(knex, raw);
      }
    });
  }

  /** Opens a connection where there is none: that the server let us in says that it is there. */
  async connect(): Promise<void> {
    await this.run(async knex => giveBack(knex, await borrow(knex)));
  }

  /** One question to the server; opens a connection where there is none. */
  async ping(): Promise<void> {
    await this.run(async knex => {
      await knex.raw('select 1');
    });
  }

  /** The server's id of the connection made last; null before the first. */
  get connection(): string | null {
    return this.#connection;
  }

  /** Makes a closed pool usable again. */
  open(): void {
    this.#knex ??= this.#build();
  }

  async close(): Promise<void> {
    const knex = this.#knex;
    this.#knex = null;
    await knex?.destroy();
    await Promise.all([...this.#open].map(closed));
    for (const timer of this.#leases.values()) clearTimeout(timer);
    this.#leases.clear();
  }

  #build(): Knex {
    const { database, size, statementMs, log } = this.#options;
    const knex = knexFactory({
      ...knexConfig(database, { statementMs, log }),
      // Told of it, knex does not ask the server on each connection; it matters to the schema alone (`migrate.ts`).
      version: assumedVersion[database.engine],
      acquireConnectionTimeout: statementMs,
      pool: {
        // None is closed for being idle: the store actor closes a slot that is not needed.
        min: size,
        max: size,
        createTimeoutMillis: deadlines.connectMs,
        destroyTimeoutMillis: deadlines.disconnectMs,
        afterCreate: (raw: RawConnection, done: (error: Error | null, raw: RawConnection) => void) => {
          this.#connection = connectionId(raw);
          this.#open.add(raw);
          onceClosed(raw, () => this.#open.delete(raw));
          done(null, raw);
        },
      },
    });
    const { pool } = knex.client as { pool: LendingPool };
    const { validate } = pool;
    pool.validate = async raw => {
      if (await validate(raw)) return true;
      // Only then another one is made in its place.
      await closed(raw);
      return false;
    };
    pool.on('acquireSuccess', (_event: number, raw: RawConnection) => this.#lent(raw));
    pool.on('release', (raw: RawConnection) => this.#givenBack(raw));
    return knex;
  }

  #lent(raw: RawConnection): void {
    const tooLate = (): void => cut(raw, new Error('Connection terminated: a statement outlived its deadline'));
    // The server's own deadline comes first, where it has one; this one is for a server that does not answer at all.
    this.#leases.set(raw, setTimeout(tooLate, this.#options.statementMs + deadlines.answerMs).unref());
  }

  #givenBack(raw: RawConnection): void {
    clearTimeout(this.#leases.get(raw));
    this.#leases.delete(raw);
  }
}

async function areAllMade(raw: RawConnection, engine: EngineName, changes: readonly RowChange[]): Promise<boolean> {
  if (new Set(changes.map(({ table, id }) => `${table} ${String(id)}`)).size < changes.length) return false;
  for (const some of alike(changes)) {
    if ((await affectedRows(raw, engine, rowChanges(engine, some))) !== some.length) return false;
  }
  return true;
}

const assumedVersion = { postgresql: '9.6', mysql: 'latest' } as const;

/** What is used of knex's pool, which its types do not name. */
interface LendingPool {
  /** Whether a connection may be lent; one that may not is replaced. */
  validate: (raw: RawConnection) => Promise<boolean>;
  on(event: 'acquireSuccess', listener: (event: number, raw: RawConnection) => void): void;
  on(event: 'release', listener: (raw: RawConnection) => void): void;
}
