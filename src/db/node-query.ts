/**
 * Nodes and their subnodes in one statement: on every server that is one consistent read (lesson 40), and it needs no
 * transaction around it.
 */
import type { Knex } from 'knex';
import type { NodeRow } from '../domain/node-row.js';
import { stateCodes } from '../domain/states.js';
import type { NodeFilter } from '../ports/store.js';
import type { NodeFields, NodeRecord, SubnodeFields } from './models.js';

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
  ids: readonly number[] | null = null,
): Promise<readonly NodeFields[]> {
  const nodes = knex('node').orderBy('id').as('node');
  if (provider !== undefined) nodes.where('provider_name', provider);
  if (target !== undefined) nodes.where('target_name', target);
  if (after !== undefined) nodes.where('id', '>', after);
  if (limit !== undefined) nodes.limit(limit);
  if (ids !== null) nodes.whereIn('id', ids);
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
): readonly NodeFields[] {
  const records: (NodeFields & { readonly subnodes: SubnodeFields[] })[] = [];
  for (const row of rows) {
    // Whoever makes a row of it looks at each column.
    if (records.at(-1)?.id !== row['id']) records.push({ ...(row as unknown as NodeFields), subnodes: [] });
    if (row[idOfSubnode] === null) continue;
    const subnode = Object.fromEntries(subnodeColumns.map(column => [column, row[`${prefix}${column}`]]));
    records.at(-1)?.subnodes.push(subnode as unknown as SubnodeFields);
  }
  return records;
}

const idOfSubnode = `${prefix}id`;

/** More rows than these are not named one by one. */
const namedMax = 500;

/**
 * The rows that may differ from those that were read before, and those that do not: of each node its revision is read,
 * which every change counts up. Those with a group are read again, because their subnodes have revisions of their own.
 */
export async function changedSince(
  knex: Knex,
  known: readonly NodeRow[],
  { target }: Pick<NodeFilter, 'target'>,
): Promise<{ readonly same: readonly NodeRow[]; readonly others: readonly number[] | 'most' }> {
  const query = knex<NodeRecord>('node').select('id', 'revision', 'state', 'group_size').orderBy('id');
  const marks = await (target === undefined ? query : query.where('target_name', target));
  const before = new Map<number, NodeRow>(known.map(row => [row.id, row]));
  const same: NodeRow[] = [];
  const others: number[] = [];
  for (const { id, revision, state, group_size: groupSize } of marks) {
    const row = before.get(id);
    const isSame = row?.revision === (revision ?? 0) && stateCodes[row.state] === state && groupSize === 1;
    if (isSame) same.push(row);
    else others.push(id);
  }
  return { same, others: others.length > namedMax ? 'most' : others };
}
