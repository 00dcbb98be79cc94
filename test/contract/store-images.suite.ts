/** What every store promises of snapshot images (`ports/store`): run over the fake, PostgreSQL and MariaDB. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { imageId, serverId, snapshotId, tag } from '../../src/domain/ids.js';
import type { NewSnapshot, SnapshotRow } from '../../src/domain/snapshot-row.js';
import type { StorePort } from '../../src/ports/store.js';
import { holder, newNode, startMs, startSeconds, type StorePlace, type StoreWorld } from './store.world.js';

const queued = { state: 'building', step: 'queued' } as const;

const newSnapshot = (mark: string, change: Partial<NewSnapshot> = {}): NewSnapshot => ({
  provider: 'rax',
  image: 'precise',
  version: startSeconds,
  tag: tag(mark),
  ...change,
});

export function imageStoreSuite(name: string, open: () => Promise<StoreWorld>): void {
  describe(`images in the store on ${name}`, () => {
    let world: StoreWorld;
    let place: StorePlace;
    let store: StorePort;
    let nowMs: number;

    beforeAll(async () => {
      world = await open();
    });
    beforeEach(async () => {
      nowMs = startMs;
      place = await world.database();
      store = place.open({ now: () => nowMs });
      await store.start(holder);
    });
    afterEach(() => store.close());
    afterAll(() => world.stop());

    const insertOne = (): Promise<SnapshotRow> => store.shared.insertSnapshot(newSnapshot('tag-1'));

    test('a new build is written building and queued, with nothing made yet', async () => {
      const row = await insertOne();
      expect(row).toEqual({
        id: row.id,
        provider: 'rax',
        image: 'precise',
        version: startSeconds,
        tag: 'tag-1',
        ...queued,
        stateTime: startSeconds,
        stepAt: startMs,
        sentAt: null,
        hostname: null,
        imageId: null,
        serverId: null,
        ip: null,
        hostKey: null,
        username: null,
        addressId: null,
        source: null,
        standing: null,
        launches: 0,
        launchFailures: 0,
        reason: null,
        lastError: null,
        revision: 0,
      });
      expect(await store.shared.snapshots()).toEqual([row]);
    });

    test('a build with a tag that is there already is that build', async () => {
      const row = await insertOne();
      expect(await store.shared.insertSnapshot(newSnapshot('tag-1', { version: startSeconds + 9 }))).toEqual(row);
      await store.shared.insertSnapshot(newSnapshot('tag-2'));
      expect(await store.shared.snapshots()).toHaveLength(2);
    });

    test('every column that an image’s actor changes is read back as it was written', async () => {
      const { id } = await insertOne();
      const patch = {
        hostname: 'template-precise-1.example.org',
        imageId: imageId('img-1'),
        serverId: serverId('8f1c'),
        state: 'ready',
        step: 'template',
        stepAt: startMs + 1,
        sentAt: startMs + 2,
        ip: '192.0.2.1',
        hostKey: `ssh-rsa ${'A'.repeat(700)}`,
        username: 'ubuntu',
        addressId: 'fip-1',
        source: 'Ubuntu 14.04 — für später',
        standing: 'set-back',
        launches: 5,
        launchFailures: 3,
        reason: '3 von 5 schlugen fehl 🤷',
        lastError: 'ssh said: ✗',
      } as const;
      expect(await store.shared.changeSnapshot(id, queued, patch)).toMatchObject({ kind: 'changed', row: patch });
      expect(await store.shared.snapshots()).toMatchObject([{ id, ...patch, revision: 1 }]);
      const empty = Object.fromEntries(Object.keys(patch).map(key => [key, null]));
      const cleared = { ...empty, state: 'delete', launches: 0, launchFailures: 0 } as const;
      await store.shared.changeSnapshot(id, { state: 'ready', step: 'template' }, cleared);
      expect(await store.shared.snapshots()).toMatchObject([cleared]);
    });

    test('a long reason and a long error are cut to what the columns take', async () => {
      const { id } = await insertOne();
      await store.shared.changeSnapshot(id, queued, { reason: 'r'.repeat(300), lastError: 'e'.repeat(20_000) });
      const [row] = await store.shared.snapshots();
      expect(row?.reason).toHaveLength(255);
      expect(row?.lastError).toHaveLength(10_000);
    });

    test('a change counts the revision, and moves stateTime only with the state', async () => {
      const { id } = await insertOne();
      nowMs += 5_000;
      const first = await store.shared.changeSnapshot(id, queued, { step: 'create', stepAt: nowMs });
      expect(first).toMatchObject({ kind: 'changed', row: { revision: 1, stateTime: startSeconds } });
      const second = await store.shared.changeSnapshot(id, { state: 'building', step: 'create' }, { state: 'delete' });
      expect(second).toMatchObject({ kind: 'changed', row: { revision: 2, stateTime: startSeconds + 5 } });
    });

    test('a change is refused where the row has another state or step, and gone where there is none', async () => {
      const row = await insertOne();
      for (const expected of [
        { state: 'ready', step: 'queued' },
        { state: 'building', step: null },
      ] as const) {
        expect(await store.shared.changeSnapshot(row.id, expected, { state: 'delete' })).toEqual({
          kind: 'refused',
          row,
        });
      }
      expect(await store.shared.changeSnapshot(snapshotId(999_999), queued, { step: 'create' })).toEqual({
        kind: 'gone',
      });
    });

    test('a change whose answer was lost is recognised when it is asked for again', async () => {
      const lossy = await place.openLossy();
      const { id } = await lossy.store.shared.insertSnapshot(newSnapshot('tag-1'));
      const patch = { state: 'ready', step: null, imageId: imageId('img-7') } as const;
      lossy.lose('changeSnapshot');
      await expect(lossy.store.shared.changeSnapshot(id, queued, patch)).rejects.toMatchObject({ kind: 'store.away' });
      expect(await lossy.store.shared.changeSnapshot(id, queued, patch)).toMatchObject({
        kind: 'changed',
        row: { ...patch, revision: 1 },
      });
      expect((await lossy.store.shared.changeSnapshot(id, queued, patch)).kind).toBe('refused');
      await lossy.store.close();
    });

    test('a snapshot is changed apart from the node that has the same number', async () => {
      const [node] = await store.shared.insertNodes([newNode('node-1')]);
      const { id } = await insertOne();
      await store.shared.changeSnapshot(id, queued, { step: 'create' });
      expect(await store.shared.node(node?.id as never)).toEqual(node);
    });

    test('a node remembers the snapshot that it boots from', async () => {
      const [node] = await store.shared.insertNodes([newNode('node-1')]);
      const { id } = await insertOne();
      if (!node) throw new Error('no node');
      await store.shared.changeNode(node.id, queued, { snapshotId: id });
      expect((await store.shared.node(node.id))?.snapshotId).toBe(id);
    });

    test('a row is deleted once, and deleting it again is no trouble', async () => {
      const { id } = await insertOne();
      const other = await store.shared.insertSnapshot(newSnapshot('tag-2'));
      await store.shared.deleteSnapshot(id);
      await store.shared.deleteSnapshot(id);
      expect(await store.shared.snapshots()).toEqual([other]);
    });

    test('a row of the original has what the original wrote, and null for the rest', async () => {
      await place.addSnapshot('precise');
      expect(await store.shared.snapshots()).toMatchObject([
        { version: startSeconds, state: 'ready', step: null, tag: null, standing: null, launches: 0, revision: 0 },
      ]);
    });

    test('a pause is remembered until it is taken back, by whichever store', async () => {
      const precise = { provider: 'rax', image: 'precise' };
      expect(await store.shared.pausedImages()).toEqual([]);
      await store.shared.pauseImage(precise, true);
      await store.shared.pauseImage(precise, true);
      await store.shared.pauseImage({ provider: 'rax', image: 'trusty' }, true);
      const another = place.open();
      await another.attach();
      expect(await another.shared.pausedImages()).toEqual([precise, { provider: 'rax', image: 'trusty' }]);
      await another.close();
      await store.shared.pauseImage(precise, false);
      await store.shared.pauseImage(precise, false);
      expect(await store.shared.pausedImages()).toEqual([{ provider: 'rax', image: 'trusty' }]);
    });
  });
}
