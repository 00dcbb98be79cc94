/** What we remember of clouds besides: when a floating address was asked for, and what a machine that failed wrote. */
import type { Knex } from 'knex';
import { engineOf, ensureColumn } from './schema.js';

export async function up(knex: Knex): Promise<void> {
  // Machines write it, in any alphabet, and a table of the original may be latin1.
  const anyAlphabet = engineOf(knex) === 'mysql' ? ' character set utf8mb4' : '';
  const added: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    node: { address_sent_at: 'bigint', console: `text${anyAlphabet}` },
    subnode: { address_sent_at: 'bigint' },
  };
  for (const [table, columns] of Object.entries(added)) {
    for (const [column, type] of Object.entries(columns)) await ensureColumn(knex, table, column, type);
  }
}
