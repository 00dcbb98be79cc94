/**
 * Whether tables that are there already are those of the original (reference 4.2). What is missing in them cannot be
 * guessed, and a column of others that wants a value would refuse every row of ours: both are told by name, before
 * anything is changed.
 */
import type { Knex } from 'knex';
import { Fault } from '../domain/fault.js';
import { engineOf } from './migrations/schema.js';

const required: Readonly<Record<string, readonly string[]>> = {
  snapshot_image: [
    'provider_name',
    'image_name',
    'hostname',
    'version',
    'external_id',
    'server_external_id',
    'state',
    'state_time',
  ],
  node: [
    'provider_name',
    'label_name',
    'target_name',
    'hostname',
    'nodename',
    'external_id',
    'az',
    'ip',
    'state',
    'state_time',
  ],
  subnode: ['node_id', 'hostname', 'external_id', 'ip', 'state', 'state_time'],
  job: ['name', 'hold_on_failure'],
};

interface Column {
  readonly table: string;
  readonly name: string;
  readonly wantsValue: boolean;
}

export async function checkOriginalTables(knex: Knex): Promise<void> {
  const columns = await readColumns(knex);
  const complaints = Object.entries(required).flatMap(([table, names]) => {
    const own = columns.filter(column => column.table === table);
    return own.length === 0 ? [] : complaintsOf(table, names, own);
  });
  if (complaints.length > 0) throw new Fault('store.schema', complaints.join('; '));
}

function complaintsOf(table: string, names: readonly string[], columns: readonly Column[]): string[] {
  const there = new Set(columns.map(({ name }) => name));
  const missing = ['id', ...names].filter(name => !there.has(name));
  const foreign = columns.filter(({ name, wantsValue }) => wantsValue && name !== 'id' && !names.includes(name));
  return [
    ...(missing.length === 0 ? [] : [`the table ${table} has no column ${missing.join(', ')}`]),
    ...foreign.map(({ name }) => `the table ${table} has a column ${name} that wants a value, and is not known here`),
  ];
}

async function readColumns(knex: Knex): Promise<readonly Column[]> {
  const isMysql = engineOf(knex) === 'mysql';
  const found: unknown = await knex.raw(
    `select table_name as "table", column_name as "name", is_nullable as "nullable", column_default as "otherwise",
      ${isMysql ? 'extra' : 'is_identity'} as "extra"
    from information_schema.columns
    where table_schema = ${isMysql ? 'database()' : 'current_schema()'}
      and table_name in (${Object.keys(required)
        .map(() => '?')
        .join(', ')})`,
    Object.keys(required),
  );
  const rows = (isMysql ? (found as [unknown])[0] : (found as { rows: unknown }).rows) as readonly RawColumn[];
  return rows.map(({ table, name, nullable, otherwise, extra }) => ({
    table,
    name,
    wantsValue: nullable === 'NO' && otherwise === null && !/auto_increment|generated|^yes$/i.test(extra),
  }));
}

interface RawColumn {
  readonly table: string;
  readonly name: string;
  readonly nullable: 'YES' | 'NO';
  readonly otherwise: string | null;
  readonly extra: string;
}
