/**
 * Nodes and their subnodes in one statement: on every server that is one consistent read (lesson 40), and it needs no
 * transaction around it.
 */
import type { Knex } from 'knex';
import type { NodeFilter } from '../ports/store.js';
import { NodeRecord, SubnodeRecord } from './models.js';

/** Before the names of a subnode's columns; no column of a node begins so. */
const prefix = 'subnode_';

/** The columns of the table of subnodes. A database of the original that is only looked at has fewer of them. */
export class SubnodeColumns {
  #known: readonly string[] | null = null;

  /** They stay as they are from now on: the tables are ours, and up to date. */
  async settle(knex: Knex): Promise<void> {
    this.#known = await readSubnodeColumns(knex);
  }

  /** Read anew until then: there may be none yet, or more to come. */
  async of(knex: Knex): Promise<readonly string[]> {
    return this.#known ?? readSubnodeColumns(knex);
  }
}

async function readSubnodeColumns(knex: Knex): Promise<readonly string[]> {
  return Object.keys(await knex('subnode').columnInfo());
}

/** Ordered by id. */
export async function nodeRecords(
  knex: Knex,
  { provider, target, after, limit }: NodeFilter,
  subnodeColumns: readonly string[],
): Promise<readonly NodeRecord[]> {
  const nodes = knex('node').orderBy('id').as('node');
  if (provider !== undefined) nodes.where('provider_name', provider);
  if (target !== undefined) nodes.where('target_name', target);
  if (after !== undefined) nodes.where('id', '>', after);
  if (limit !== undefined) nodes.limit(limit);
  const columns = subnodeColumns.map(column => `subnode.${column} as ${prefix}${column}`);
  const rows = await knex
    .select<Readonly<Record<string, unknown>>[]>('node.*', ...columns)
    .from(nodes)
    .leftJoin('subnode', 'subnode.node_id', 'node.id')
    .orderBy('node.id');
  return assembled(rows, subnodeColumns);
}

/** A node comes once for each of its subnodes. */
function assembled(
  rows: readonly Readonly<Record<string, unknown>>[],
  subnodeColumns: readonly string[],
): readonly NodeRecord[] {
  const records: NodeRecord[] = [];
  for (const row of rows) {
    if (records.at(-1)?.id !== row['id']) {
      const record = NodeRecord.fromDatabaseJson({ ...row });
      record.subnodes = [];
      records.push(record);
    }
    if (row[`${prefix}id`] === null) continue;
    const subnode = Object.fromEntries(subnodeColumns.map(column => [column, row[`${prefix}${column}`]]));
    records.at(-1)?.subnodes?.push(SubnodeRecord.fromDatabaseJson(subnode));
  }
  return records;
}
