/** What we remember of images besides: where a template server is, how a new image does, and what is paused. */
import type { Knex } from 'knex';
import { engineOf, ensureColumn, ensureTable } from './schema.js';

export async function up(knex: Knex): Promise<void> {
  // People and clouds write these, in any alphabet, and a table of the original may be latin1.
  const anyAlphabet = engineOf(knex) === 'mysql' ? ' character set utf8mb4' : '';
  const name = 'varchar(255)';
  const added: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    snapshot_image: {
      ip: name,
      host_key: 'text',
      username: name,
      address_id: name,
      source: `varchar(255)${anyAlphabet}`,
      standing: 'varchar(32)',
      launches: 'integer',
      launch_failures: 'integer',
      reason: `varchar(255)${anyAlphabet}`,
    },
    node: { snapshot_id: 'integer' },
  };
  for (const [table, columns] of Object.entries(added)) {
    for (const [column, type] of Object.entries(columns)) await ensureColumn(knex, table, column, type);
  }
  // Few rows, each written by the actor of its image alone: no index is needed to find or to guard them.
  await ensureTable(knex, 'paused_image', table => {
    table.string('provider_name', 255).notNullable();
    table.string('image_name', 255).notNullable();
  });
}
