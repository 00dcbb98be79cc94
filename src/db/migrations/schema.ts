/**
 * Repeatable schema changes: each looks first whether it is needed, because MySQL commits every DDL statement by itself
 * and a migration may have been stopped in its middle.
 */
import type { Knex } from 'knex';
import type { EngineName } from '../../domain/dburi.js';

export function engineOf(knex: Knex): EngineName {
  return (knex.client as { config: Knex.Config }).config.client === 'pg' ? 'postgresql' : 'mysql';
}

export async function ensureTable(knex: Knex, table: string, define: (t: Knex.CreateTableBuilder) => void) {
  if (await knex.schema.hasTable(table)) return;
  await knex.schema.createTable(table, t => {
    // Signed, like the original's INTEGER; knex would make it unsigned on MySQL.
    if (engineOf(knex) === 'mysql') {
      t.engine('InnoDB');
      t.specificType('id', 'integer not null auto_increment primary key');
    } else {
      t.increments('id');
    }
    define(t);
  });
}

export async function ensureColumn(knex: Knex, table: string, column: string, type: string) {
  if (await knex.schema.hasColumn(table, column)) return;
  await knex.raw(`alter table ?? add column ?? ${type}`, [table, column]);
}

/**
 * InnoDB's older row formats keep the first 768 bytes of every string in the row, and the original's own columns in utf8
 * fill one to the limit; the newer format, which every server has by now, keeps long strings elsewhere.
 */
export async function ensureRoomForColumns(knex: Knex, table: string) {
  if (engineOf(knex) !== 'mysql') return;
  const sql = `select row_format as format from information_schema.tables
    where table_schema = database() and table_name = ?`;
  const [[row]] = await knex.raw<readonly [readonly { format: string | null }[]]>(sql, [table]);
  if (/^(compact|redundant)$/i.test(row?.format ?? '')) await knex.raw('alter table ?? row_format=dynamic', [table]);
}

/** An index whose first column is this one will do, whatever its name. */
export async function ensureIndex(knex: Knex, table: string, column: string, options: { unique?: boolean } = {}) {
  const engine = engineOf(knex);
  const found: unknown = await knex.raw(indexQuery[engine], [table, column]);
  const rows = engine === 'mysql' ? (found as [unknown[]])[0] : (found as { rows: unknown[] }).rows;
  if (rows.length > 0) return;
  const unique = options.unique === true ? 'unique ' : '';
  await knex.raw(`create ${unique}index ?? on ?? (??)`, [`ix_${table}_${column}`, table, column]);
}

const indexQuery: Readonly<Record<EngineName, string>> = {
  mysql: `select 1 from information_schema.statistics
    where table_schema = database() and table_name = ? and column_name = ? and seq_in_index = 1`,
  postgresql: `select 1 from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = to_regclass(quote_ident(?)) and a.attname = ?`,
};
