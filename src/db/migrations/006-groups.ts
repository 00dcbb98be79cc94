/** What we remember of subnodes besides: the host key of each machine, by which it is known again. */
import type { Knex } from 'knex';
import { ensureColumn } from './schema.js';

export async function up(knex: Knex): Promise<void> {
  await ensureColumn(knex, 'subnode', 'host_key', 'text');
}
