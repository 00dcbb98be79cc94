/** What node actors, image actors and the pool ask of the database, over the connections of one pool. */
import assert from 'node:assert/strict';
import type { Knex } from 'knex';
import type { NodeId, NodeName, SnapshotId, SubnodeId, Tag, WatchedJobId } from '../domain/ids.js';
import type { NewNode, NodePatch, NodeRow, SubnodePatch, SubnodeRow } from '../domain/node-row.js';
import { patched } from '../domain/patch.js';
import type { ImageName, NewSnapshot, SnapshotPatch, SnapshotRow } from '../domain/snapshot-row.js';
import { stateCodes, type NodeState } from '../domain/states.js';
import type { WatchedJob } from '../domain/watched-job.js';
import type { Changed, Expected, ExpectedSnapshot, LedgerRow, NodeFilter, Session } from '../ports/store.js';
import { isConflict, toFault } from './faults.js';
import type { Fence } from './fence.js';
import { insertedAtOnce, type FreshIds, type IdTable } from './fresh-ids.js';
import type { Changer } from './group-commit.js';
import type { InDoubt, RowName } from './in-doubt.js';
import {
  AllocationRoundRecord,
  JobRecord,
  NodeRecord,
  PausedImageRecord,
  SnapshotRecord,
  SubnodeRecord,
} from './models.js';
import { changedSince, nodeRecords, type SubnodeColumns } from './node-query.js';
import type { Pool } from './pool.js';
import type { Unreadable } from './unreadable.js';
import {
  hasColumns,
  newNodeColumns,
  newSnapshotColumns,
  newSubnodeColumns,
  nodeColumns,
  patchColumns,
  snapshotColumns,
  snapshotPatchColumns,
  subnodeColumns,
  subnodePatchColumns,
  toNodeRow,
  toSnapshotRow,
  toSubnodeRow,
  toWatchedJob,
  wholeSeconds,
  type Columns,
  type OwnColumns,
} from './rows.js';

/** A transaction that the server undid for the sake of another one is repeated; more often than this is no accident. */
const conflictsMax = 5;

export interface SessionOptions {
  readonly now: () => number;
  readonly inDoubt: InDoubt;
  /** Told of rows that cannot be understood. */
  readonly unreadable: Unreadable;
  readonly subnodeColumns: SubnodeColumns;
  readonly fence: Fence;
  readonly ids: FreshIds;
}

export class SqlSession implements Session {
  readonly #pool: Pool;
  readonly #changes: Changer;
  readonly #now: () => number;
  readonly #inDoubt: InDoubt;
  readonly #unreadable: Unreadable;
  readonly #subnodeColumns: SubnodeColumns;
  readonly #fence: Fence;
  readonly #ids: FreshIds;
  #hasJobs = false;

  constructor(pool: Pool, options: SessionOptions, changes: Changer = pool) {
    this.#pool = pool;
    this.#changes = changes;
    this.#now = options.now;
    this.#inDoubt = options.inDoubt;
    this.#unreadable = options.unreadable;
    this.#subnodeColumns = options.subnodeColumns;
    this.#fence = options.fence;
    this.#ids = options.ids;
  }

  async insertNodes(nodes: readonly NewNode[]): Promise<readonly NodeRow[]> {
    const tags = nodes.map(node => node.tag);
    assert.equal(new Set(tags).size, tags.length, 'two new nodes have one tag');
    const rows = nodes.map(node => newNodeColumns(node, this.#now()));
    const records = await this.#insert('node', rows, (transaction, some) =>
      Promise.resolve(NodeRecord.query(transaction).whereIn('tag', [...some])),
    );
    return records.map(toNodeRow);
  }

  restoreNode(row: NodeRow): Promise<NodeRow | null> {
    return this.#fenced(async transaction => {
      if (!(await this.#putBack(transaction, 'node', nodeColumns(row)))) return null;
      for (const subnode of row.subnodes) await this.#putBack(transaction, 'subnode', subnodeColumns(subnode));
      const here = await SubnodeRecord.query(transaction).select('id').where('node_id', row.id);
      const deleted = here.map(({ id }) => id).filter(id => this.#ids.isDeleted(`subnode ${id}`));
      if (deleted.length > 0) await SubnodeRecord.query(transaction).delete().whereIn('id', deleted);
      const record = await nodeRecord(transaction, row.id);
      return record === undefined ? null : toNodeRow(record);
    });
  }

  changeNode(id: NodeId, expected: Expected | NodeRow, patch: NodePatch): Promise<Changed> {
    const after = (nowMs: number): NodeRow | null =>
      'revision' in expected && expected.groupSize === 1 ? patched(expected, patch, nowMs) : null;
    return this.#change(nodeTable, id, { expected, columns: patchColumns(patch), after });
  }

  async insertSubnodes(node: NodeId, tags: readonly Tag[]): Promise<readonly SubnodeRow[]> {
    const rows = tags.map(tag => newSubnodeColumns(node, tag, this.#now()));
    const records = await this.#insert('subnode', rows, (transaction, some) =>
      Promise.resolve(SubnodeRecord.query(transaction).whereIn('tag', [...some])),
    );
    return records.map(toSubnodeRow);
  }

  changeSubnode(id: SubnodeId, expected: SubnodeRow, patch: SubnodePatch): Promise<Changed<SubnodeRow>> {
    const after = (nowMs: number): SubnodeRow => patched(expected, patch, nowMs);
    return this.#change(subnodeTable, id, { expected, columns: subnodePatchColumns(patch), after });
  }

  async deleteSubnode(id: SubnodeId): Promise<void> {
    this.#ids.deleting(`subnode ${id}`);
    await this.#pool.run(async knex => SubnodeRecord.query(knex).deleteById(id));
    this.#inDoubt.forget(`subnode ${id}`);
  }

  async deleteNode(id: NodeId): Promise<void> {
    this.#ids.deleting(`node ${id}`);
    await this.#transaction(async transaction => {
      // By primary key only: on InnoDB a delete that finds nothing by an index locks the gap where others insert.
      const subnodes = await SubnodeRecord.query(transaction).select('id').where('node_id', id);
      if (subnodes.length > 0) {
        const ids = subnodes.map(subnode => subnode.id);
        await SubnodeRecord.query(transaction).delete().whereIn('id', ids);
      }
      await NodeRecord.query(transaction).delete().where('id', id);
    });
    this.#inDoubt.forget(`node ${id}`);
  }

  node(id: NodeId): Promise<NodeRow | null> {
    return this.#pool.run(async knex => {
      const record = await nodeRecord(knex, id);
      return record === undefined ? null : toNodeRow(record);
    });
  }

  nodeByName(name: NodeName): Promise<NodeRow | null> {
    return this.#pool.run(async knex => {
      const query = NodeRecord.query(knex).where('nodename', name).orderBy('id').first();
      const record = await query.withGraphFetched('subnodes');
      return record === undefined ? null : toNodeRow(record);
    });
  }

  nodes(filter: NodeFilter = {}): Promise<readonly NodeRow[]> {
    return this.#pool.run(async knex => {
      const records = await nodeRecords(knex, filter, await this.#subnodeColumns.of(knex));
      const rows = this.#unreadable.without(records, toNodeRow);
      this.#ids.see('node', rows);
      for (const { subnodes } of rows) if (subnodes.length > 0) this.#ids.see('subnode', subnodes);
      return rows;
    });
  }

  nodesSince(known: readonly NodeRow[], filter: Pick<NodeFilter, 'target'> = {}): Promise<readonly NodeRow[]> {
    if (known.length === 0) return this.nodes(filter);
    return this.#pool.run(async knex => {
      const { same, others } = await changedSince(knex, known, filter);
      if (others.length === 0) return same;
      const columns = await this.#subnodeColumns.of(knex);
      const records = await nodeRecords(knex, filter, columns, others === 'most' ? null : others);
      const anew = this.#unreadable.without(records, toNodeRow);
      return others === 'most' ? anew : [...same, ...anew].sort((a, b) => a.id - b.id);
    });
  }

  async insertSnapshot(snapshot: NewSnapshot): Promise<SnapshotRow> {
    const rows = [newSnapshotColumns(snapshot, this.#now())];
    const [record] = await this.#insert('snapshot_image', rows, (transaction, some) =>
      Promise.resolve(SnapshotRecord.query(transaction).whereIn('tag', [...some])),
    );
    return toSnapshotRow(there(record, `the image with tag ${snapshot.tag}`));
  }

  restoreSnapshot(row: SnapshotRow): Promise<SnapshotRow | null> {
    return this.#fenced(async transaction => {
      if (!(await this.#putBack(transaction, 'snapshot_image', snapshotColumns(row)))) return null;
      const record = await snapshotTable.read(transaction, row.id);
      return record === undefined ? null : toSnapshotRow(record);
    });
  }

  changeSnapshot(id: SnapshotId, expected: ExpectedSnapshot, patch: SnapshotPatch): Promise<Changed<SnapshotRow>> {
    return this.#change(snapshotTable, id, { expected, columns: snapshotPatchColumns(patch), after: () => null });
  }

  async deleteSnapshot(id: SnapshotId): Promise<void> {
    this.#ids.deleting(`snapshot_image ${id}`);
    await this.#pool.run(async knex => SnapshotRecord.query(knex).deleteById(id));
    this.#inDoubt.forget(`snapshot_image ${id}`);
  }

  snapshots(filter?: ImageName): Promise<readonly SnapshotRow[]> {
    return this.#pool.run(async knex => {
      const query = SnapshotRecord.query(knex).orderBy('id');
      if (filter) query.where({ provider_name: filter.provider, image_name: filter.image });
      const rows = this.#unreadable.without(await query, toSnapshotRow);
      this.#ids.see('snapshot_image', rows);
      return rows;
    });
  }

  pausedImages(): Promise<readonly ImageName[]> {
    return this.#pool.run(async knex => {
      const records = await PausedImageRecord.query(knex).orderBy('id');
      return records.map(record => ({ provider: record.provider_name, image: record.image_name }));
    });
  }

  async pauseImage({ provider, image }: ImageName, isPaused: boolean): Promise<void> {
    const place = { provider_name: provider, image_name: image };
    await this.#transaction(async transaction => {
      const found = await PausedImageRecord.query(transaction).where(place).first();
      if (isPaused && found === undefined) await transaction('paused_image').insert(place);
      if (!isPaused && found !== undefined) await PausedImageRecord.query(transaction).delete().where(place);
    });
  }

  watchedJobs(): Promise<readonly WatchedJob[]> {
    return this.#pool.run(async knex => {
      // A database of the original of 2014, looked at before the daemon has been started on it, has no such table.
      this.#hasJobs ||= await knex.schema.hasTable('job');
      if (!this.#hasJobs) return [];
      return (await JobRecord.query(knex).orderBy('id')).map(toWatchedJob);
    });
  }

  insertWatchedJob({ name, holdOnFailure }: Omit<WatchedJob, 'id'>): Promise<WatchedJob> {
    return this.#transaction(async transaction => {
      const find = () => JobRecord.query(transaction).where('name', name).orderBy('id').first();
      if ((await find()) === undefined) await transaction('job').insert({ name, hold_on_failure: holdOnFailure });
      const record = await find();
      assert(record !== undefined, `the row of job ${name} is missing after its insert`);
      return toWatchedJob(record);
    });
  }

  async deleteWatchedJob(id: WatchedJobId): Promise<void> {
    await this.#pool.run(async knex => JobRecord.query(knex).deleteById(id));
  }

  ledger(): Promise<readonly LedgerRow[]> {
    return this.#pool.run(async knex => {
      const records = await AllocationRoundRecord.query(knex).orderBy('began_at');
      return records.map(({ began_at: at, body }) => ({ at: Number(at), body }));
    });
  }

  async writeLedger(rows: readonly LedgerRow[], keptFrom: number): Promise<void> {
    const columns = rows.map(({ at, body }) => ({ began_at: at, body }));
    await this.#transaction(async transaction => {
      const times = rows.map(({ at }) => at);
      await AllocationRoundRecord.query(transaction).delete().where('began_at', '<', keptFrom);
      for (let at = 0; at < columns.length; at += insertedAtOnce) {
        const upTo = at + insertedAtOnce;
        await AllocationRoundRecord.query(transaction).delete().whereIn('began_at', times.slice(at, upTo));
        await transaction('allocation_round').insert(columns.slice(at, upTo));
      }
    });
  }

  async #change<Row, Model extends object>(
    table: Table<Row, Model>,
    id: number,
    { expected, columns, after }: Change<Row>,
  ): Promise<Changed<Row>> {
    const name: RowName = `${table.name} ${id}`;
    const nowMs = this.#now();
    try {
      const count = await this.#compareAndSet(table.name, id, { expected, columns, nowMs });
      if (count > 0) this.#ids.isThere(name);
      const isRepeat = this.#inDoubt.settle(name, columns);
      const known = count > 0 ? after(nowMs) : null;
      if (known !== null) return { kind: 'changed', row: known };
      const record = await this.#pool.run(knex => table.read(knex, id));
      if (record === undefined) return { kind: 'gone' };
      const isChanged = count > 0 || (isRepeat && hasColumns(record, columns));
      return { kind: isChanged ? 'changed' : 'refused', row: table.toRow(record) };
    } catch (error) {
      const fault = toFault(error);
      if (fault.kind === 'store.away') this.#inDoubt.remember(name, columns);
      throw fault;
    }
  }

  /** One statement: the number of rows that it changed. */
  #compareAndSet(
    table: string,
    id: number,
    { expected, columns, nowMs }: { expected: Stated; columns: Columns; nowMs: number },
  ): Promise<number> {
    const isNewState = columns['state'] !== undefined && columns['state'] !== stateCodes[expected.state];
    const stateTime = isNewState ? { state_time: wholeSeconds(nowMs) } : {};
    return this.#changes.change({
      table,
      id,
      expected: { state: stateCodes[expected.state], step: expected.step },
      revision: expected.revision,
      columns: { ...columns, ...stateTime },
    });
  }

  /** In one transaction, and in their order. A repeat after a lost answer finds its rows by their tags. */
  #insert<Columned extends NewColumns, Row extends Tagged>(
    table: IdTable,
    rows: readonly Columned[],
    find: (transaction: Knex, tags: readonly string[]) => Promise<readonly Row[]>,
  ): Promise<readonly Row[]> {
    return this.#fenced(async transaction => {
      const tags = rows.map(({ tag }) => tag);
      const written = byTag(await find(transaction, tags));
      const columns = rows.filter(({ tag }) => !written.has(tag));
      const missing = columns.map(({ tag }) => tag);
      const added = await this.#ids.insert(transaction, table, { columns, added: () => find(transaction, missing) });
      const all = new Map([...written, ...byTag(added)]);
      return tags.map(tag => there(all.get(tag), `the row of ${table} with tag ${tag}`));
    });
  }

  /** The row as it was, where there is none or an older one; false where it was deleted. */
  async #putBack(transaction: Knex, table: IdTable, columns: OwnColumns): Promise<boolean> {
    const { id, revision } = columns;
    if (this.#ids.isDeleted(`${table} ${id}`)) return false;
    const found = await transaction<{ id: number; revision: number | null }>(table).where({ id }).first('revision');
    if (found === undefined) {
      await transaction(table).insert(columns);
      await this.#ids.raise(transaction, table);
    } else if ((found.revision ?? 0) < revision) {
      await transaction(table).where({ id }).update(columns);
    }
    return true;
  }

  #fenced<T>(work: (transaction: Knex) => Promise<T>): Promise<T> {
    return this.#transaction(async transaction => {
      await this.#fence.enter(transaction);
      return work(transaction);
    });
  }

  async #transaction<T>(work: (transaction: Knex) => Promise<T>): Promise<T> {
    return this.#pool.run(async knex => {
      for (let conflicts = 0; ; conflicts += 1) {
        try {
          return await knex.transaction(work);
        } catch (error) {
          if (!isConflict(error) || conflicts === conflictsMax) throw error;
        }
      }
    });
  }
}

/** Where rows of a kind are changed. */
interface Table<Row, Model> {
  readonly name: string;
  read(knex: Knex, id: number): Promise<Model | undefined>;
  toRow(record: Model): Row;
}

interface Stated {
  readonly state: NodeState;
  readonly step: string | null;
  readonly revision?: number;
}

interface Change<Row> {
  readonly expected: Stated;
  readonly columns: Columns;
  /** The row as it is after the change, where that is known without reading it again. */
  readonly after: (nowMs: number) => Row | null;
}

const nodeTable: Table<NodeRow, NodeRecord> = { name: 'node', read: nodeRecord, toRow: toNodeRow };
const subnodeTable: Table<SubnodeRow, SubnodeRecord> = {
  name: 'subnode',
  read: (knex, id) => Promise.resolve(SubnodeRecord.query(knex).findById(id)),
  toRow: toSubnodeRow,
};
const snapshotTable: Table<SnapshotRow, SnapshotRecord> = {
  name: 'snapshot_image',
  read: (knex, id) => Promise.resolve(SnapshotRecord.query(knex).findById(id)),
  toRow: toSnapshotRow,
};

function nodeRecord(knex: Knex, id: number): Promise<NodeRecord | undefined> {
  return Promise.resolve(NodeRecord.query(knex).findById(id).withGraphFetched('subnodes'));
}

interface Tagged {
  readonly id: number;
  readonly tag?: string | null | undefined;
}

type NewColumns = Columns & { readonly tag: string };

function byTag<Row extends Tagged>(records: readonly Row[]): Map<string, Row> {
  return new Map(records.map(record => [record.tag ?? '', record]));
}

function there<Row>(row: Row | undefined, what: string): Row {
  assert(row !== undefined, `${what} is missing after it was written`);
  return row;
}
