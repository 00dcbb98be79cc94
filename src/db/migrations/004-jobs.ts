/** Jobs whose nodes are kept when they fail: the table of the original's release 0.3, made where it is missing. */
import type { Knex } from 'knex';
import { ensureIndex, ensureTable } from './schema.js';

export async function up(knex: Knex): Promise<void> {
  await ensureTable(knex, 'job', table => {
    table.string('name', 255);
    table.integer('hold_on_failure');
  });
  await ensureIndex(knex, 'job', 'name');
}
