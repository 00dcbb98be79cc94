/** What every store promises where its database has lost what it confirmed: run over the fake, PostgreSQL and MariaDB. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addressId, nodeName, serverId, snapshotId, tag } from '../../src/domain/ids.js';
import type { NodeRow, SubnodeRow } from '../../src/domain/node-row.js';
import type { SnapshotRow } from '../../src/domain/snapshot-row.js';
import type { StorePort } from '../../src/ports/store.js';
import { holder, newNode, startMs, startSeconds, type StorePlace, type StoreWorld } from './store.world.js';

export function lossySuite(name: string, open: () => Promise<StoreWorld>): void {
  describe(`what is lost by the store on ${name}`, () => {
    let world: StoreWorld;
    let place: StorePlace;
    let store: StorePort;

    beforeAll(async () => {
      world = await open();
    });
    beforeEach(async () => {
      place = await world.database();
      store = place.open();
      await store.start(holder);
    });
    afterEach(() => store.close());
    afterAll(() => world.stop());

    const insertNode = async (mark: string, groupSize = 1): Promise<NodeRow> =>
      one(await store.shared.insertNodes([newNode(mark, { groupSize })]));
    const insertImage = (mark: string): Promise<SnapshotRow> =>
      store.shared.insertSnapshot({ provider: 'rax', image: 'precise', version: startSeconds, tag: tag(mark) });
    const insertSubnode = async (node: NodeRow, mark: string): Promise<SubnodeRow> =>
      one(await store.shared.insertSubnodes(node.id, [tag(mark)]));
    const change = async (row: NodeRow, patch: Parameters<StorePort['shared']['changeNode']>[2]): Promise<NodeRow> => {
      const changed = await store.shared.changeNode(row.id, row, patch);
      if (changed.kind !== 'changed') throw new Error(`the row is ${changed.kind}`);
      return changed.row;
    };

    test('no id is given twice, and the ids go on above it', async () => {
      const node = await insertNode('lost');
      const group = await insertNode('group', 3);
      const subnode = await insertSubnode(group, 'sub');
      const image = await insertImage('image');
      await place.lose('subnode', subnode.id);
      await place.lose('node', group.id);
      await place.lose('node', node.id);
      await place.lose('snapshot_image', image.id);
      const fresh = await store.shared.insertNodes([newNode('a'), newNode('b', { groupSize: 2 }), newNode('c')]);
      const ids = fresh.map(({ id }) => id);
      expect(Math.min(...ids)).toBeGreaterThan(group.id);
      expect(new Set(ids).size).toBe(3);
      expect(fresh.map(row => row.tag)).toEqual(['a', 'b', 'c']);
      expect(await store.shared.nodes()).toEqual(fresh);
      expect((await insertSubnode(one(fresh.slice(1)), 'new')).id).toBeGreaterThan(subnode.id);
      expect((await insertImage('new')).id).toBeGreaterThan(image.id);
      expect((await insertNode('d')).id).toBeGreaterThan(Math.max(...ids));
    });

    test('nor one that was only read', async () => {
      const node = await insertNode('lost');
      const image = await insertImage('lost');
      const another = place.open();
      await another.attach();
      try {
        await another.shared.nodes();
        await another.shared.snapshots();
        await place.lose('node', node.id);
        await place.lose('snapshot_image', image.id);
        const fresh = one(await another.shared.insertNodes([newNode('new')]));
        expect(fresh.id).toBeGreaterThan(node.id);
        const snapshot = await another.shared.insertSnapshot({
          provider: 'rax',
          image: 'precise',
          version: startSeconds,
          tag: tag('new'),
        });
        expect(snapshot.id).toBeGreaterThan(image.id);
      } finally {
        await another.close();
      }
    });

    test('a row that is gone is as it was again, with its subnodes, and can be changed', async () => {
      const node = await insertNode('group', 2);
      const subnode = await insertSubnode(node, 'sub');
      const subnodePatch = { hostname: 'sub-1', serverId: serverId('s-2'), ip: '192.0.2.2', state: 'ready' } as const;
      await store.shared.changeSubnode(subnode.id, subnode, { ...subnodePatch, step: null, sentAt: startMs + 9 });
      const row = await change(node, {
        hostname: 'precise-1.example.org',
        nodename: nodeName('precise-1'),
        serverId: serverId('s-1'),
        az: 'az-1',
        ip: '192.0.2.1',
        ipPrivate: '10.0.0.1',
        state: 'hold',
        reason: 'für später 🔧',
        step: 'unregister',
        stepAt: startMs + 1,
        sentAt: startMs + 2,
        jobStartedAt: startMs + 3,
        jobEndedAt: startMs + 4,
        deleteAt: startMs + 5,
        addressId: addressId('fip-1'),
        addressSentAt: startMs + 7,
        hostKey: 'ssh-ed25519 AAAA',
        snapshotId: snapshotId(7),
        expiry: startMs + 6,
        lastError: 'the cloud said: ✗',
        console: 'login: ✗',
      });
      await place.lose('subnode', subnode.id);
      await place.lose('node', node.id);
      expect(await store.shared.changeNode(row.id, row, { reason: null })).toEqual({ kind: 'gone' });
      expect(await store.shared.restoreNode(row)).toEqual(row);
      expect(await store.shared.node(row.id)).toEqual(row);
      expect(await store.shared.restoreNode(row)).toEqual(row);
      expect(await change(row, { reason: 'again' })).toMatchObject({ reason: 'again', revision: row.revision + 1 });
      expect((await insertNode('next')).id).toBeGreaterThan(row.id);
    });

    test('a row that is older takes the place of none, and a newer one stays', async () => {
      const node = await insertNode('a');
      const known = { ...node, revision: 5, reason: 'known', state: 'hold' } as const;
      expect(await store.shared.restoreNode(known)).toEqual(known);
      expect(await store.shared.restoreNode({ ...known, revision: 4, reason: 'older' })).toEqual(known);
      expect(await store.shared.node(node.id)).toEqual(known);
    });

    test('what was deleted stays away, and goes again where its deletion was lost', async () => {
      const node = await insertNode('a');
      const group = await insertNode('b', 2);
      const subnode = await insertSubnode(group, 'sub');
      await store.shared.deleteNode(node.id);
      await store.shared.deleteSubnode(subnode.id);
      expect(await store.shared.restoreNode(node)).toBeNull();
      expect(await store.shared.restoreNode({ ...group, subnodes: [subnode] })).toEqual(group);
      const another = place.open();
      await another.attach();
      await another.shared.restoreNode({ ...group, subnodes: [subnode] });
      await another.close();
      expect((await store.shared.node(group.id))?.subnodes).toEqual([subnode]);
      expect(await store.shared.restoreNode(group)).toEqual(group);
      expect(await store.shared.nodes()).toHaveLength(1);
    });

    test('an image is put back like a node', async () => {
      const { id } = await insertImage('a');
      const { shared } = store;
      await shared.changeSnapshot(
        id,
        { state: 'building', step: 'queued' },
        { hostname: 'template', serverId: serverId('s') },
      );
      const row = one(await shared.snapshots());
      await place.lose('snapshot_image', id);
      expect(await shared.restoreSnapshot(row)).toEqual(row);
      expect(await shared.snapshots()).toEqual([row]);
      expect(await shared.restoreSnapshot({ ...row, revision: 0, hostname: 'older' })).toEqual(row);
      await shared.deleteSnapshot(id);
      expect(await shared.restoreSnapshot(row)).toBeNull();
      expect(await shared.snapshots()).toEqual([]);
    });
  });
}

function one<Row>(rows: readonly Row[]): Row {
  const [row] = rows;
  if (row === undefined) throw new Error('there is no row');
  return row;
}
