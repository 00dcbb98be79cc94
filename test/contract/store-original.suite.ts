/** A database that the original left behind (reference 4.2), rows in every state and with gaps between their ids. */
import knexFactory from 'knex';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { parseDburi } from '../../src/domain/dburi.js';
import { migrate } from '../../src/db/migrate.js';
import { knexConfig } from '../../src/db/raw-connection.js';
import { openStore } from '../../src/db/store.js';
import { nodeId, snapshotId, subnodeId, tag } from '../../src/domain/ids.js';
import { nodeStates, stateCodes } from '../../src/domain/states.js';
import type { StorePort } from '../../src/ports/store.js';
import { holder, newNode, startMs, startSeconds } from './store.world.js';
import type { SqlServer } from './store.sql-world.js';

export interface OriginalDatabase {
  readonly start: () => Promise<SqlServer>;
  readonly idType: string;
  /** Has the server count on from ids that were written by hand. */
  readonly countOn: (table: string) => string | null;
  /** What follows `create table (…)`, by what it means. */
  readonly tableOptions: Readonly<Record<string, string>>;
}

type Row = Readonly<Record<string, string | number | null>>;

const originalColumns = {
  snapshot_image: [
    ['provider_name', 'varchar(255) not null'],
    ['image_name', 'varchar(255) not null'],
    ['hostname', 'varchar(255)'],
    ['version', 'integer'],
    ['external_id', 'varchar(255)'],
    ['server_external_id', 'varchar(255)'],
    ['state', 'integer'],
    ['state_time', 'integer'],
  ],
  node: [
    ['provider_name', 'varchar(255) not null'],
    ['label_name', 'varchar(255) not null'],
    ['target_name', 'varchar(255) not null'],
    ['hostname', 'varchar(255)'],
    ['nodename', 'varchar(255)'],
    ['external_id', 'varchar(255)'],
    ['az', 'varchar(255)'],
    ['ip', 'varchar(255)'],
    ['state', 'integer'],
    ['state_time', 'integer'],
  ],
  subnode: [
    ['node_id', 'integer not null'],
    ['hostname', 'varchar(255)'],
    ['external_id', 'varchar(255)'],
    ['ip', 'varchar(255)'],
    ['state', 'integer'],
    ['state_time', 'integer'],
  ],
} as const;
type Table = keyof typeof originalColumns;

/** Columns and tables of the later release that one may have gone back from. */
const laterColumns: readonly (readonly [Table, string])[] = [
  ['node', 'manager_name varchar(255)'],
  ['node', 'ip_private varchar(255)'],
  ['node', 'comment varchar(255)'],
  ['subnode', 'ip_private varchar(255)'],
];

const firstNode = 7;
const idOf = (state: keyof typeof stateCodes): number => firstNode + 1000 * stateCodes[state];
const rows: Readonly<Record<Table, readonly Row[]>> = {
  node: [
    ...nodeStates.map(state => ({
      id: idOf(state),
      provider_name: 'rax-dfw',
      label_name: 'devstack-précise',
      target_name: 'jenkins01',
      hostname: `${state}.slave.example.org`,
      nodename: `${state}-rax-dfw-${idOf(state)}`,
      external_id: `server-${state}`,
      az: 'nova',
      ip: '192.0.2.1',
      state: stateCodes[state],
      state_time: startSeconds,
    })),
    // Its launcher was killed before it had a server.
    { id: 3, provider_name: 'hp', label_name: 'bare', target_name: 'jenkins02', state: 1, state_time: startSeconds },
  ],
  subnode: [
    { id: 41, node_id: idOf('used'), hostname: 'sub-1', external_id: 's-1', ip: '192.0.2.2', state: 2, state_time: 1 },
    { id: 99, node_id: idOf('used'), hostname: 'sub-2', external_id: null, ip: null, state: 1, state_time: 1 },
    { id: 12, node_id: idOf('hold'), hostname: 'sub-3', external_id: 's-3', ip: '192.0.2.3', state: 4, state_time: 1 },
  ],
  snapshot_image: [
    ['ready', 17],
    ['building', 230],
    ['delete', 1021],
  ].map(([state, id]) => ({
    id: Number(id),
    provider_name: 'rax-dfw',
    image_name: 'precise',
    hostname: `template-${String(state)}`,
    version: startSeconds - Number(id),
    external_id: state === 'building' ? null : `image-${String(id)}`,
    server_external_id: `template-server-${String(id)}`,
    state: stateCodes[state as 'ready' | 'building' | 'delete'],
    state_time: startSeconds,
  })),
};

export function originalStoreSuite(name: string, original: OriginalDatabase): void {
  describe(`a database of the original on ${name}`, () => {
    let server: SqlServer;
    let databases = 0;
    let dburi: string;
    let stores: StorePort[] = [];

    beforeAll(async () => {
      server = await original.start();
    });
    afterAll(() => server.stop());
    beforeEach(async () => {
      dburi = await server.create(`original_${++databases}`);
    });
    afterEach(async () => {
      await Promise.all(stores.map(store => store.close()));
      stores = [];
    });

    const run = (statement: string) => server.run(dburi, statement);
    const leave = async (options: string): Promise<void> => {
      for (const [table, columns] of Object.entries(originalColumns)) {
        const definitions = columns.map(([column, type]) => `${column} ${type}`).join(', ');
        await run(`create table ${table} (id ${original.idType}, ${definitions}) ${options}`);
        for (const row of rows[table as Table]) await run(insertion(table, row));
        const countOn = original.countOn(table);
        if (countOn !== null) await run(countOn);
      }
    };
    const [usualOptions = ''] = Object.values(original.tableOptions);
    const open = (): StorePort => {
      const store = openStore({ dburi, now: () => startMs });
      stores.push(store);
      return store;
    };
    const start = async (): Promise<StorePort> => {
      const store = open();
      await store.start(holder);
      return store;
    };

    describe.each(Object.entries(original.tableOptions))('%s', (_what, options) => {
      test('is read as it is, each row in its state', async () => {
        await leave(options);
        const { shared } = await start();
        const nodes = await shared.nodes();
        expect(nodes.map(node => [node.id, node.state])).toEqual([
          [3, 'building'],
          ...[...nodeStates].map(state => [idOf(state), state]).sort(([a], [b]) => Number(a) - Number(b)),
        ]);
        for (const node of nodes) {
          expect(node).toMatchObject({ step: null, tag: null, reason: null, groupSize: null, revision: 0 });
          expect(node.stateTime).toBe(startSeconds);
        }
        expect(nodes[0]).toMatchObject({ provider: 'hp', hostname: null, nodename: null, serverId: null, ip: null });
        const used = await shared.node(nodeId(idOf('used')));
        expect(used).toMatchObject({
          label: 'devstack-précise',
          target: 'jenkins01',
          nodename: `used-rax-dfw-${idOf('used')}`,
          serverId: 'server-used',
          az: 'nova',
        });
        expect(used?.subnodes).toMatchObject([
          { id: subnodeId(41), state: 'ready', serverId: 's-1' },
          { id: subnodeId(99), state: 'building', serverId: null },
        ]);
        expect((await shared.snapshots()).map(({ id, state, imageId }) => [id, state, imageId])).toEqual([
          [snapshotId(17), 'ready', 'image-17'],
          [snapshotId(230), 'building', null],
          [snapshotId(1021), 'delete', 'image-1021'],
        ]);
      });

      test('is gone on with: old rows change, and new ones get new ids', async () => {
        await leave(options);
        const { shared } = await start();
        const id = nodeId(idOf('used'));
        const patch = { reason: 'für später 🔧', state: 'hold' } as const;
        const changed = await shared.changeNode(id, { state: 'used', step: null }, patch);
        expect(changed).toMatchObject({ kind: 'changed', row: { ...patch, revision: 1 } });
        expect(await shared.node(id)).toMatchObject({ ...patch, subnodes: [{ id: 41 }, { id: 99 }] });
        const [added] = await shared.insertNodes([newNode('tag-1')]);
        expect(added?.id).toBeGreaterThan(idOf('test'));
        await shared.deleteNode(id);
        expect(await run(`select id from subnode order by id`)).toEqual([{ id: 12 }]);
      });

      test('may be gone back to: the original writes its columns beside ours', async () => {
        await leave(options);
        const store = await start();
        const [ours] = await store.shared.insertNodes([newNode('tag-1')]);
        const theirs = { ...rows.node[0], id: 9001, nodename: 'from-the-original' };
        await run(insertion('node', theirs));
        await run(`update node set state = 4, state_time = 5 where id = ${ours?.id}`);
        await store.close();
        const { shared } = await start();
        expect(await shared.node(nodeId(9001))).toMatchObject({ nodename: 'from-the-original', tag: null });
        expect(await shared.node(ours?.id ?? nodeId(0))).toMatchObject({ state: 'delete', stateTime: 5, tag: 'tag-1' });
      });
    });

    test('of the later release keeps what that has added', async () => {
      await leave(usualOptions);
      for (const [table, column] of laterColumns) await run(`alter table ${table} add column ${column}`);
      await run(`create table job (id ${original.idType}, name varchar(255), hold_on_failure integer)`);
      await run(`insert into job (name, hold_on_failure) values ('gate', 2)`);
      await run(`update node set comment = 'mine', ip_private = '10.0.0.1', manager_name = 'jenkins01'`);
      const { shared } = await start();
      for (const node of await shared.nodes()) expect(node).toMatchObject({ reason: 'mine', ipPrivate: '10.0.0.1' });
      expect(await shared.watchedJobs()).toMatchObject([{ name: 'gate', holdOnFailure: 2 }]);
    });

    test.each([
      ['alter table node drop column az', 'the table node has no column az'],
      ['alter table subnode drop column node_id', 'the table subnode has no column node_id'],
      [
        'alter table node add column flavour integer not null',
        'the table node has a column flavour that wants a value, and is not known here',
      ],
    ])('that is another one after %s is refused by name, and not changed', async (change, message) => {
      await leave(usualOptions);
      await run('delete from node');
      await run('delete from subnode');
      await run(change);
      await expect(open().start(holder)).rejects.toMatchObject({ kind: 'store.schema', message });
      await expect(run('select step from node')).rejects.toThrow(/step/);
    });

    test('that is looked at before it is brought up to date is read whole afterwards', async () => {
      await leave(usualOptions);
      const store = open();
      await store.attach();
      const before = await store.shared.nodes();
      await store.start(holder);
      expect(await store.shared.nodes()).toEqual(before);
      const node = await store.shared.insertNodes([newNode('tag-1')]).then(([first]) => first);
      const [subnode] = await store.shared.insertSubnodes(node?.id ?? nodeId(0), [tag('tag-2')]);
      const read = (await store.shared.nodes()).find(({ id }) => id === node?.id);
      expect(read?.subnodes).toEqual([subnode]);
    });

    test('may have a row that nobody understands: it is left alone, and told of once', async () => {
      await leave(usualOptions);
      await run('update node set state = 9 where id = 3');
      const told: string[] = [];
      const store = openStore({ dburi, now: () => startMs, log: line => told.push(line) });
      stores.push(store);
      await store.start(holder);
      expect(await store.shared.nodes()).toHaveLength(rows.node.length - 1);
      expect(await store.shared.nodes()).toHaveLength(rows.node.length - 1);
      expect(told.filter(line => line.includes('row 3'))).toEqual([
        'row 3 of node has the unknown state 9: it is left alone',
      ]);
      await run(`update node set tag = 'mark-3' where id = 3`);
      await store.shared.nodes();
      expect([...store.unreadTags]).toEqual(['mark-3']);
      await run('update node set state = 2 where id = 3');
      await store.shared.nodes();
      expect([...store.unreadTags]).toEqual([]);
    });

    test('is read by the command line without being changed', async () => {
      await leave(usualOptions);
      const store = open();
      await store.attach();
      expect(await store.shared.nodes()).toHaveLength(rows.node.length);
      expect(await store.shared.snapshots()).toHaveLength(rows.snapshot_image.length);
      expect(await store.shared.watchedJobs()).toEqual([]);
      await expect(run('select step from node')).rejects.toThrow(/step/);
    });

    test('lesson 86: is brought up to date once by processes that do it at once, and each step of that is written down', async () => {
      await leave(usualOptions);
      await Promise.all([migrateApart(dburi), migrateApart(dburi), migrateApart(dburi)]);
      const { shared } = await start();
      expect(await shared.nodes()).toHaveLength(rows.node.length);
      const done = await run('select name from nodepool_migrations');
      expect(new Set(done.map(row => row['name'])).size).toBe(done.length);
    });

    test('that a process died over while it changed it is brought up to date by the next', async () => {
      await leave(usualOptions);
      // Two of the columns are there, nobody has written that the migration is done, and the lock of knex is held.
      await run('alter table node add column step varchar(32)');
      await run('alter table subnode add column revision integer');
      await run('create table nodepool_migrations_lock (is_locked integer)');
      await run('insert into nodepool_migrations_lock (is_locked) values (1)');
      const { shared } = await start();
      expect(await shared.nodes()).toHaveLength(rows.node.length);
      await migrateApart(dburi);
    });
  });
}

function insertion(table: string, row: Row): string {
  const values = Object.values(row).map(value => (typeof value === 'string' ? `'${value}'` : String(value)));
  return `insert into ${table} (${Object.keys(row).join(', ')}) values (${values.join(', ')})`;
}

/** With connections of its own, as another process would. */
async function migrateApart(dburi: string): Promise<void> {
  const knex = knexFactory(knexConfig(parseDburi(dburi), { statementMs: 60_000, log: () => undefined }));
  try {
    await migrate(knex);
  } finally {
    await knex.destroy();
  }
}
