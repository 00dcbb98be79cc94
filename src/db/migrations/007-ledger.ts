/** What allocation rounds came to in the last day: the rows of a ledger that only we read. */
import type { Knex } from 'knex';
import { engineOf, ensureIndex, ensureTable } from './schema.js';

export async function up(knex: Knex): Promise<void> {
  // Faults are quoted in any alphabet, and TEXT of MySQL ends at 64 KB.
  const text = engineOf(knex) === 'mysql' ? 'mediumtext character set utf8mb4' : 'text';
  await ensureTable(knex, 'allocation_round', table => {
    table.bigInteger('began_at').notNullable();
    table.specificType('body', text).notNullable();
  });
  await ensureIndex(knex, 'allocation_round', 'began_at');
}
