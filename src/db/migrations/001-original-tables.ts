/** The tables of the original, as its `create_all` makes them (reference 4.2): made where missing, never altered. */
import type { Knex } from 'knex';
import { ensureIndex, ensureTable } from './schema.js';

const indexed = {
  snapshot_image: ['provider_name', 'image_name'],
  node: ['provider_name', 'label_name', 'target_name', 'hostname', 'nodename'],
  subnode: ['node_id', 'hostname'],
} as const;

export async function up(knex: Knex): Promise<void> {
  await ensureTable(knex, 'snapshot_image', table => {
    required(table, ['provider_name', 'image_name']);
    optional(table, ['hostname']);
    table.integer('version');
    optional(table, ['external_id', 'server_external_id']);
    state(table);
  });
  await ensureTable(knex, 'node', table => {
    required(table, ['provider_name', 'label_name', 'target_name']);
    optional(table, ['hostname', 'nodename', 'external_id', 'az', 'ip']);
    state(table);
  });
  await ensureTable(knex, 'subnode', table => {
    table.integer('node_id').notNullable();
    optional(table, ['hostname', 'external_id', 'ip']);
    state(table);
  });
  for (const [table, columns] of Object.entries(indexed)) {
    for (const column of columns) await ensureIndex(knex, table, column);
  }
}

function required(table: Knex.CreateTableBuilder, columns: readonly string[]) {
  for (const column of columns) table.string(column, 255).notNullable();
}

function optional(table: Knex.CreateTableBuilder, columns: readonly string[]) {
  for (const column of columns) table.string(column, 255);
}

function state(table: Knex.CreateTableBuilder) {
  table.integer('state');
  table.integer('state_time');
}
