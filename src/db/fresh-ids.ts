/**
 * An id is given once in the life of a daemon, also by a database that has lost its last commits, and its counters with
 * them: actors and everybody outside know a node by its id. And a row that was deleted is not put back.
 */
import type { Knex } from 'knex';
import type { EngineName } from '../domain/dburi.js';
import type { RowName } from './in-doubt.js';
import type { Columns } from './rows.js';

export type IdTable = 'node' | 'subnode' | 'snapshot_image';

interface WithId {
  readonly id: number;
}

/** More than are deleted in the time in which somebody may still think that they are there. */
const deletedMax = 10_000;

export class FreshIds {
  readonly #engine: EngineName;
  readonly #highest = new Map<IdTable, number>();
  readonly #deleted = new Set<RowName>();

  constructor(engine: EngineName) {
    this.#engine = engine;
  }

  /** These ids are known to somebody. */
  see(table: IdTable, rows: readonly WithId[]): void {
    let highest = this.#highest.get(table) ?? 0;
    for (const { id } of rows) highest = Math.max(highest, id);
    this.#highest.set(table, highest);
  }

  /** Adds rows; `added` reads them back, in the order in which they are added. */
  async insert<Row extends WithId>(
    transaction: Knex,
    table: IdTable,
    { columns, added }: { readonly columns: readonly Columns[]; readonly added: () => Promise<readonly Row[]> },
  ): Promise<readonly Row[]> {
    // Others may add rows meanwhile: theirs say nothing of the counter as it was here.
    const known = this.#highest.get(table) ?? 0;
    await insertAll(transaction, table, columns);
    let rows = await added();
    if (rows.some(({ id }) => id <= known)) {
      const ids = rows.map(({ id }) => id);
      await transaction(table).whereIn('id', ids).delete();
      const first = (this.#highest.get(table) ?? 0) + 1;
      const numbered = columns.map((each, at) => ({ ...each, id: first + at }));
      this.see(table, numbered);
      await insertAll(transaction, table, numbered);
      await this.raise(transaction, table);
      rows = await added();
    }
    this.see(table, rows);
    return rows;
  }

  /** Told before the statement is sent: its answer may be lost. */
  deleting(row: RowName): void {
    this.#deleted.add(row);
    const [oldest] = this.#deleted;
    if (this.#deleted.size > deletedMax && oldest !== undefined) this.#deleted.delete(oldest);
  }

  /** A database may have lost a deletion, too. */
  isThere(row: RowName): void {
    this.#deleted.delete(row);
  }

  isDeleted(row: RowName): boolean {
    return this.#deleted.has(row);
  }

  /** The server's counter goes on above all ids that are known; that of MySQL is raised by an id itself. */
  async raise(transaction: Knex, table: IdTable): Promise<void> {
    if (this.#engine === 'mysql') return;
    const counter = 'pg_get_serial_sequence(?, ?)';
    const values = [table, 'id', table, 'id', this.#highest.get(table) ?? 1];
    await transaction.raw(`select setval(${counter}, greatest(nextval(${counter}), ?))`, values);
  }
}

/** Rows of one INSERT: PostgreSQL takes 65535 values in a statement. */
export const insertedAtOnce = 500;

async function insertAll(transaction: Knex, table: IdTable, columns: readonly Columns[]): Promise<void> {
  for (let at = 0; at < columns.length; at += insertedAtOnce) {
    await transaction(table).insert(columns.slice(at, at + insertedAtOnce));
  }
}
