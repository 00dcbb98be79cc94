/** What every store promises (`ports/store`): run over the fake, PostgreSQL and MariaDB. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addressId, nodeId, nodeName, serverId, tag } from '../../src/domain/ids.js';
import type { NodeRow } from '../../src/domain/node-row.js';
import type { Session, StorePort } from '../../src/ports/store.js';
import { until } from '../support/until.js';
import {
  holder,
  newNode,
  otherHolder,
  startMs,
  startSeconds,
  type StorePlace,
  type StoreWorld,
} from './store.world.js';

const queued = { state: 'building', step: 'queued' } as const;

export function storeSuite(name: string, open: () => Promise<StoreWorld>): void {
  describe(`the store on ${name}`, () => {
    let world: StoreWorld;
    let place: StorePlace;
    let store: StorePort;
    let nowMs: number;
    const opened: StorePort[] = [];

    const openHere = () => {
      const another = place.open({ now: () => nowMs });
      opened.push(another);
      return another;
    };
    const insertOne = async (session: Session = store.shared): Promise<NodeRow> => {
      const [row] = await session.insertNodes([newNode('tag-1')]);
      if (row === undefined) throw new Error('no row was inserted');
      return row;
    };

    beforeAll(async () => {
      world = await open();
    });
    beforeEach(async () => {
      nowMs = startMs;
      place = await world.database();
      store = openHere();
      await store.start(holder);
    });
    afterEach(async () => {
      await Promise.all(opened.splice(0).map(each => each.close()));
    });
    afterAll(() => world.stop());

    describe('rows', () => {
      test('new nodes are written in order, building and queued', async () => {
        const rows = await store.shared.insertNodes([
          newNode('b', { az: 'az-2', groupSize: 3 }),
          newNode('a', { provider: 'hp', label: 'trusty', target: 'j2' }),
        ]);
        expect(rows.map(row => row.tag)).toEqual(['b', 'a']);
        expect(rows[0]).toMatchObject({
          provider: 'rax',
          label: 'precise',
          target: 'j1',
          az: 'az-2',
          groupSize: 3,
          ...queued,
          stateTime: startSeconds,
          stepAt: startMs,
          revision: 0,
          hostname: null,
          serverId: null,
          reason: null,
          lastError: null,
          subnodes: [],
        });
        expect(await store.shared.nodes()).toEqual([...rows].sort((a, b) => a.id - b.id));
      });

      test('a round of no nodes and one of a thousand are written', async () => {
        expect(await store.shared.insertNodes([])).toEqual([]);
        const round = Array.from({ length: 1001 }, (_none, index) => newNode(`tag-${String(index)}`));
        const rows = await store.shared.insertNodes(round);
        expect(rows.map(row => row.tag)).toEqual(round.map(node => node.tag));
        expect(new Set(rows.map(row => row.id)).size).toBe(1001);
      });

      test('every column that an actor changes is read back as it was written', async () => {
        const { id } = await insertOne();
        const patch = {
          hostname: 'precise-rax-1.slave.example.org',
          nodename: nodeName('precise-rax-1'),
          serverId: serverId('8f1c'),
          az: 'az-1',
          ip: '192.0.2.1',
          ipPrivate: '10.0.0.1',
          state: 'hold',
          reason: 'für später 🔧',
          step: 'unregister+servers',
          stepAt: startMs + 1,
          sentAt: startMs + 2,
          jobStartedAt: startMs + 3,
          jobEndedAt: startMs + 4,
          deleteAt: startMs + 5,
          groupSize: 2,
          addressId: addressId('fip-1'),
          addressSentAt: startMs + 7,
          hostKey: `ssh-rsa ${'A'.repeat(700)}`,
          tag: tag('tag-2'),
          expiry: startMs + 6,
          lastError: 'the cloud said: ✗ 🤷',
          console: 'login: ✗ 🤷',
        } as const;
        const changed = await store.shared.changeNode(id, queued, patch);
        expect(changed).toMatchObject({ kind: 'changed', row: patch });
        expect(await store.shared.node(id)).toMatchObject(patch);
        const empty = Object.fromEntries(Object.keys(patch).map(key => [key, null]));
        const cleared = { ...empty, state: 'ready' } as const;
        await store.shared.changeNode(id, { state: 'hold', step: patch.step }, cleared);
        expect(await store.shared.node(id)).toMatchObject(cleared);
      });

      test('a long reason and a long error are cut to what the columns take', async () => {
        const { id } = await insertOne();
        await store.shared.changeNode(id, queued, { reason: 'r'.repeat(300), lastError: 'e'.repeat(20_000) });
        const row = await store.shared.node(id);
        expect(row?.reason).toHaveLength(255);
        expect(row?.lastError).toHaveLength(10_000);
      });

      test('a node is found by its name, and one that is not there is null', async () => {
        const { id } = await insertOne();
        await store.shared.changeNode(id, queued, { nodename: nodeName('precise-1') });
        expect((await store.shared.nodeByName(nodeName('precise-1')))?.id).toBe(id);
        expect(await store.shared.nodeByName(nodeName('precise-2'))).toBeNull();
        expect(await store.shared.node(nodeId(999_999))).toBeNull();
      });

      test('nodes are read by provider, by target and by id, each with its own subnodes', async () => {
        const rows = await store.shared.insertNodes([newNode('a'), newNode('b', { provider: 'hp' }), newNode('c')]);
        const [a, b, c] = rows.map(row => row.id);
        await place.addSubnode(a ?? 0, 'a-1');
        await place.addSubnode(c ?? 0, 'c-1');
        await place.addSubnode(c ?? 0, 'c-2');
        const shapes = (nodes: readonly NodeRow[]) =>
          nodes.map(row => [row.id, ...row.subnodes.map(subnode => subnode.hostname)]);
        expect(shapes(await store.shared.nodes())).toEqual([[a, 'a-1'], [b], [c, 'c-1', 'c-2']]);
        expect(shapes(await store.shared.nodes({ provider: 'rax' }))).toEqual([
          [a, 'a-1'],
          [c, 'c-1', 'c-2'],
        ]);
        expect(await store.shared.nodes({ provider: 'none' })).toEqual([]);
        expect(shapes(await store.shared.nodes({ limit: 2 }))).toEqual([[a, 'a-1'], [b]]);
        expect(shapes(await store.shared.nodes({ after: b ?? 0, limit: 2 }))).toEqual([[c, 'c-1', 'c-2']]);
        expect(await store.shared.nodes({ after: c ?? 0 })).toEqual([]);
        expect(shapes(await store.shared.nodes({ provider: 'hp', target: 'j1' }))).toEqual([[b]]);
        expect(await store.shared.nodes({ target: 'none' })).toEqual([]);
        const row = await store.shared.node(nodeId(c ?? 0));
        expect(row?.subnodes[1]).toMatchObject({ nodeId: c, hostname: 'c-2', state: 'building', step: null });
      });

      test('all nodes with their subnodes are one question to the server, and all images another', async () => {
        const rows = await store.shared.insertNodes([newNode('a'), newNode('b'), newNode('c')]);
        for (const { id } of rows) await place.addSubnode(id, 'sub');
        await store.shared.nodes();
        const before = world.statements();
        expect(await store.shared.nodes()).toHaveLength(3);
        await store.shared.snapshots();
        expect(world.statements() - before).toBe(2);
      });

      test('nodes that were read before are as they are now, however few or many have changed since', async () => {
        const { shared } = store;
        const rows = await shared.insertNodes([
          newNode('same'),
          newNode('changed'),
          newNode('gone'),
          newNode('group', { groupSize: 2 }),
        ]);
        const known = await shared.nodes();
        expect(await shared.nodesSince(known)).toEqual(known);
        const [, changed, gone, group] = rows;
        if (!changed || !gone || !group) throw new Error('three are to change');
        await shared.changeNode(changed.id, queued, { serverId: serverId('s-1') });
        await shared.deleteNode(gone.id);
        await shared.insertSubnodes(group.id, [tag('sub-1')]);
        await shared.insertNodes([newNode('new')]);
        const now = await shared.nodes();
        expect(now.map(row => row.serverId)).toContain('s-1');
        expect(await shared.nodesSince(known)).toEqual(now);
        expect(await shared.nodesSince([])).toEqual(now);
        const { target = '' } = now[0] ?? {};
        expect(await shared.nodesSince(known, { target })).toEqual(now);
        expect(await shared.nodesSince(known, { target: 'another' })).toEqual([]);
        const [other] = await shared.insertNodes([newNode('elsewhere', { target: 'another' })]);
        expect(await shared.nodesSince(known, { target: 'another' })).toEqual([other]);
        expect(await shared.nodesSince(known, { target })).toEqual(now);
        await shared.insertNodes(Array.from({ length: 600 }, (_none, at) => newNode(`more-${at}`)));
        expect(await shared.nodesSince(known)).toEqual(await shared.nodes());
      });

      test('a node is deleted with its subnodes, and others keep theirs', async () => {
        const [a, b] = await store.shared.insertNodes([newNode('a'), newNode('b')]);
        await place.addSubnode(a?.id ?? 0, 'a-1');
        await place.addSubnode(b?.id ?? 0, 'b-1');
        await store.shared.deleteNode(a?.id ?? nodeId(0));
        await store.shared.deleteNode(a?.id ?? nodeId(0));
        const left = await store.shared.nodes();
        expect(left.map(row => row.id)).toEqual([b?.id]);
        expect(left[0]?.subnodes).toHaveLength(1);
      });

      test('snapshots are read', async () => {
        expect(await store.shared.snapshots()).toEqual([]);
        await place.addSnapshot('precise');
        expect(await store.shared.snapshots()).toMatchObject([
          {
            provider: 'rax',
            image: 'precise',
            version: startSeconds,
            state: 'ready',
            hostname: null,
            imageId: 'img-1',
          },
        ]);
      });
    });

    describe('a change', () => {
      test('counts the revision, and moves stateTime only with the state', async () => {
        const { id } = await insertOne();
        nowMs += 5_000;
        const first = await store.shared.changeNode(id, queued, { step: 'create', stepAt: nowMs });
        expect(first).toMatchObject({ kind: 'changed', row: { revision: 1, stateTime: startSeconds, step: 'create' } });
        const same = { state: 'building', step: null } as const;
        const second = await store.shared.changeNode(id, { state: 'building', step: 'create' }, same);
        expect(second).toMatchObject({ kind: 'changed', row: { revision: 2, stateTime: startSeconds, step: null } });
        const third = await store.shared.changeNode(id, { state: 'building', step: null }, { state: 'ready' });
        expect(third).toMatchObject({ kind: 'changed', row: { revision: 3, stateTime: startSeconds + 5 } });
      });

      test('is refused where the row has another state or step, and changes nothing', async () => {
        const { id } = await insertOne();
        const before = await store.shared.node(id);
        for (const expected of [
          { state: 'ready', step: 'queued' },
          { state: 'building', step: 'create' },
          { state: 'building', step: null },
        ] as const) {
          expect(await store.shared.changeNode(id, expected, { state: 'used' })).toEqual({
            kind: 'refused',
            row: before,
          });
        }
        expect(await store.shared.node(id)).toEqual(before);
      });

      test('given the whole row, is answered with the row as it then is', async () => {
        const row = await insertOne();
        nowMs += 5_000;
        const first = await store.shared.changeNode(row.id, row, {
          state: 'ready',
          step: null,
          ip: '192.0.2.1',
          lastError: 'e'.repeat(20_000),
        });
        expect(first).toEqual({ kind: 'changed', row: await store.shared.node(row.id) });
        // Nothing but its only writer's knowledge of it is the row.
        expect(await store.shared.changeNode(row.id, { ...row, state: 'ready', step: null }, { ip: null })).toEqual({
          kind: 'refused',
          row: await store.shared.node(row.id),
        });
      });

      test('of many rows at once has an outcome for each, whatever becomes of the others', async () => {
        const rows = await store.shared.insertNodes(Array.from({ length: 50 }, (_none, n) => newNode(`many-${n}`)));
        const [refused, gone, twice] = rows;
        if (!refused || !gone || !twice) throw new Error('no rows were inserted');
        await store.shared.changeNode(refused.id, refused, { state: 'hold' });
        await store.shared.deleteNode(gone.id);
        const asked = [...rows, twice];
        const changed = await Promise.all(
          asked.map((row, n) => store.shared.changeNode(row.id, row, { state: 'used', ip: `192.0.2.${n}` })),
        );
        const kinds = changed.map(({ kind }) => kind);
        expect(kinds.slice(0, 2)).toEqual(['refused', 'gone']);
        expect(kinds.slice(3, 50)).toEqual(Array.from({ length: 47 }, () => 'changed'));
        // Of two that ask for the same row one is first, whichever.
        expect([kinds[2], kinds[50]].sort()).toEqual(['changed', 'refused']);
        for (const outcome of changed) {
          if (outcome.kind === 'changed') expect(outcome.row).toEqual(await store.shared.node(outcome.row.id));
        }
      });

      test('of many rows at once writes to each what is its own, of every kind', async () => {
        const rows = await store.shared.insertNodes(Array.from({ length: 30 }, (_none, n) => newNode(`each-${n}`)));
        const changed = await Promise.all(
          rows.map((row, n) =>
            store.shared.changeNode(row.id, row, {
              state: n % 3 === 0 ? 'used' : 'ready',
              step: null,
              ip: n % 2 === 0 ? null : `192.0.2.${n}`,
              hostname: `it's \\ "${n}" \u{1f600} $1 ?`,
              jobStartedAt: n === 0 ? null : 1_400_000_000_123 + n,
              jobEndedAt: null,
              lastError: 'e'.repeat(n),
            }),
          ),
        );
        for (const [n, outcome] of changed.entries()) {
          const row = await store.shared.node(rows[n]?.id ?? nodeId(0));
          expect(outcome).toEqual({ kind: 'changed', row });
          expect(row).toMatchObject({
            state: n % 3 === 0 ? 'used' : 'ready',
            ip: n % 2 === 0 ? null : `192.0.2.${n}`,
            hostname: `it's \\ "${n}" \u{1f600} $1 ?`,
            jobStartedAt: n === 0 ? null : 1_400_000_000_123 + n,
            jobEndedAt: null,
            lastError: 'e'.repeat(n),
            revision: 1,
          });
        }
      });

      test('that the server cannot make fails alone among those of others', async () => {
        const rows = await store.shared.insertNodes(Array.from({ length: 12 }, (_none, n) => newNode(`some-${n}`)));
        const tooLong = 'x'.repeat(300);
        const outcomes = await Promise.allSettled(
          rows.map((row, n) => store.shared.changeNode(row.id, row, { step: 'create', ip: n === 7 ? tooLong : null })),
        );
        const isBounded = name !== 'the fake';
        expect(outcomes.map(({ status }) => status)).toEqual(
          rows.map((_row, n) => (isBounded && n === 7 ? 'rejected' : 'fulfilled')),
        );
        for (const [n, row] of rows.entries()) {
          const isMade = !isBounded || n !== 7;
          const expected = isMade ? { step: 'create', revision: 1 } : { step: 'queued', revision: 0 };
          expect(await store.shared.node(row.id)).toMatchObject(expected);
        }
      });

      test('of a group is answered with its subnodes as they then are', async () => {
        const [row] = await store.shared.insertNodes([newNode('group', { groupSize: 2 })]);
        if (row === undefined) throw new Error('no row was inserted');
        await place.addSubnode(row.id, 'precise-1-1');
        const changed = await store.shared.changeNode(row.id, row, { step: 'create' });
        expect(changed).toMatchObject({ kind: 'changed', row: { subnodes: [{ hostname: 'precise-1-1' }] } });
      });

      test('of a subnode is made on its own row, and the row of its node shows it', async () => {
        const { shared } = store;
        const [node] = await shared.insertNodes([newNode('group', { groupSize: 3 })]);
        if (node === undefined) throw new Error('no row was inserted');
        const [first, second] = await shared.insertSubnodes(node.id, [tag('sub-1'), tag('sub-2')]);
        if (!first || !second) throw new Error('no subnodes were inserted');
        expect(first).toMatchObject({
          nodeId: node.id,
          state: 'building',
          step: 'queued',
          tag: 'sub-1',
          serverId: null,
        });
        // An answer that was lost is asked for again.
        expect(await shared.insertSubnodes(node.id, [tag('sub-2')])).toEqual([second]);
        const patch = {
          hostname: 'sub-1',
          serverId: serverId('server-1'),
          ip: '203.0.113.7',
          ipPrivate: '10.0.0.7',
          state: 'ready',
          step: null,
          sentAt: 1_400_000_000_123,
          addressId: addressId('address-1'),
          addressSentAt: 1_400_000_000_456,
          hostKey: 'ssh-ed25519 AAAA',
          lastError: 'none',
        } as const;
        const changed = await shared.changeSubnode(first.id, first, patch);
        expect(changed).toMatchObject({ kind: 'changed', row: { ...patch, revision: 1 } });
        expect(await shared.changeSubnode(first.id, first, { ip: null })).toMatchObject({ kind: 'refused' });
        expect((await shared.node(node.id))?.subnodes).toEqual([
          changed.kind === 'changed' ? changed.row : null,
          second,
        ]);
        await shared.deleteSubnode(second.id);
        await shared.deleteSubnode(second.id);
        expect((await shared.node(node.id))?.subnodes).toHaveLength(1);
        expect(await shared.changeSubnode(second.id, second, { ip: null })).toEqual({ kind: 'gone' });
      });

      test('of a row that is not there is gone', async () => {
        const { id } = await insertOne();
        await store.shared.deleteNode(id);
        expect(await store.shared.changeNode(id, queued, { state: 'ready' })).toEqual({ kind: 'gone' });
      });

      test('that two ask for at once happens once', async () => {
        const { id } = await insertOne();
        const asked = Array.from({ length: 8 }, (_none, index) =>
          store.shared.changeNode(id, queued, { state: 'used', reason: String(index) }),
        );
        const kinds = (await Promise.all(asked)).map(changed => changed.kind);
        expect(kinds.filter(kind => kind === 'changed')).toHaveLength(1);
        expect(kinds.filter(kind => kind === 'refused')).toHaveLength(7);
        expect((await store.shared.node(id))?.revision).toBe(1);
      });

      test('whose answer was lost is recognised when it is asked for again', async () => {
        const lossy = await openLossy();
        const { id } = await insertOne(lossy.store.shared);
        const patch = { state: 'ready', step: null, ip: '192.0.2.7' } as const;
        lossy.lose('changeNode');
        const slot = await lossy.store.openSlot();
        await expect(slot.changeNode(id, queued, patch)).rejects.toMatchObject({ kind: 'store.away' });
        const repeat = await lossy.store.shared.changeNode(id, queued, patch);
        expect(repeat).toMatchObject({ kind: 'changed', row: { ...patch, revision: 1 } });
        // Asked for once more it is an ordinary change that comes too late.
        expect((await lossy.store.shared.changeNode(id, queued, patch)).kind).toBe('refused');
        await slot.close();
      });

      test('that differs from the one whose answer was lost is refused', async () => {
        const lossy = await openLossy();
        const { id } = await insertOne(lossy.store.shared);
        lossy.lose('changeNode');
        const lost = lossy.store.shared.changeNode(id, queued, { state: 'ready' });
        await expect(lost).rejects.toMatchObject({ kind: 'store.away' });
        const other = await lossy.store.shared.changeNode(id, queued, { state: 'ready', step: null });
        expect(other).toMatchObject({ kind: 'refused', row: { state: 'ready', step: 'queued' } });
      });

      test('new nodes whose answer was lost are not written twice', async () => {
        const lossy = await openLossy();
        lossy.lose('insertNodes');
        const round = [newNode('a'), newNode('b')];
        await expect(lossy.store.shared.insertNodes(round)).rejects.toMatchObject({ kind: 'store.away' });
        const rows = await lossy.store.shared.insertNodes(round);
        expect(rows.map(row => row.tag)).toEqual(['a', 'b']);
        expect(await lossy.store.shared.nodes()).toHaveLength(2);
      });

      async function openLossy() {
        const lossy = await place.openLossy();
        opened.push(lossy.store);
        return lossy;
      }
    });

    describe('jobs of which nodes are kept', () => {
      test('are written once by their name, and read back in order', async () => {
        const gate = await store.shared.insertWatchedJob({ name: 'gate', holdOnFailure: 2 });
        const other = await store.shared.insertWatchedJob({ name: 'a job with spaces', holdOnFailure: 0 });
        expect(await store.shared.insertWatchedJob({ name: 'gate', holdOnFailure: 9 })).toEqual(gate);
        expect(await store.shared.watchedJobs()).toEqual([gate, other]);
        expect(gate).toEqual({ id: gate.id, name: 'gate', holdOnFailure: 2 });
      });

      test('go when they are deleted, also twice', async () => {
        const { id } = await store.shared.insertWatchedJob({ name: 'gate', holdOnFailure: 2 });
        await store.shared.deleteWatchedJob(id);
        await store.shared.deleteWatchedJob(id);
        expect(await store.shared.watchedJobs()).toEqual([]);
      });
    });

    describe('the ledger of rounds', () => {
      const written = async () => (await store.shared.ledger()).map(({ at, body }) => `${at} ${body}`);

      test('is read back in order, and what is written again takes the place of what was', async () => {
        await store.shared.writeLedger(
          [
            { at: startMs + 5, body: 'b' },
            { at: startMs, body: '“a”' },
          ],
          startMs,
        );
        await store.shared.writeLedger(
          [
            { at: startMs + 5, body: 'B' },
            { at: startMs + 9, body: 'c' },
          ],
          startMs,
        );
        expect(await written()).toEqual([`${startMs} “a”`, `${startMs + 5} B`, `${startMs + 9} c`]);
      });

      test('forgets what is older than what is kept', async () => {
        await store.shared.writeLedger(
          [
            { at: 1, body: 'old' },
            { at: startMs, body: 'new' },
          ],
          0,
        );
        await store.shared.writeLedger([], startMs);
        expect(await written()).toEqual([`${startMs} new`]);
      });

      test('takes the entry of a round that refuses everybody', async () => {
        const body = 'x'.repeat(200_000);
        await store.shared.writeLedger([{ at: startMs, body }], startMs);
        expect((await store.shared.ledger())[0]?.body).toHaveLength(body.length);
      });
    });

    describe('the lock', () => {
      test('keeps a second daemon out and names the first', async () => {
        const second = openHere();
        await expect(second.start(otherHolder)).rejects.toMatchObject({
          kind: 'store.locked',
          message: expect.stringMatching(
            /ci-1, pid 4242, socket \/run\/nodepool\/nodepoold.sock, since 2014-05-13T16:53/,
          ) as string,
        });
        await second.attach();
        expect(await second.shared.nodes()).toEqual([]);
      });

      test('is free when its holder closes', async () => {
        await store.close();
        const second = openHere();
        await second.start(otherHolder);
        await expect(store.start(holder)).rejects.toMatchObject({ message: expect.stringContaining('ci-2') as string });
      });

      test('is got by one of two that start at once', async () => {
        await store.close();
        const results = await Promise.allSettled([openHere().start(holder), openHere().start(otherHolder)]);
        const refused = results.filter(result => result.status === 'rejected');
        expect(refused).toMatchObject([{ reason: { kind: 'store.locked' } }]);
      });

      test('that is lost is told, and taken again by the next start', async () => {
        await store.close();
        const { lockLost } = await store.start(holder);
        await place.killLock(store);
        await lockLost;
        await until(() => starts(store));
        const second = openHere();
        await expect(second.start(otherHolder)).rejects.toMatchObject({ kind: 'store.locked' });
      });
    });

    test('adds nothing for a daemon that has lost the database to another one', async () => {
      await store.close();
      await store.start(holder);
      const [row] = await store.shared.insertNodes([newNode('before')]);
      await place.killLock(store);
      const second = openHere();
      await until(() => starts(second, otherHolder));
      const id = row?.id ?? nodeId(0);
      const image = { provider: 'rax', image: 'trusty', version: 1, tag: tag('image') };
      const added = [
        store.shared.insertNodes([newNode('after')]),
        store.shared.insertSubnodes(id, [tag('sub')]),
        store.shared.insertSnapshot(image),
      ];
      for (const each of await Promise.allSettled(added)) {
        expect(each).toMatchObject({ status: 'rejected', reason: { kind: 'store.away' } });
      }
      expect(await second.shared.nodes()).toMatchObject([{ tag: 'before', subnodes: [] }]);
      expect(await second.shared.snapshots()).toEqual([]);
      // It adds again once it has the database again.
      await second.close();
      await store.start(holder);
      expect(await store.shared.insertNodes([newNode('again')])).toHaveLength(1);
    });

    describe('connections', () => {
      test('slots have connections of their own, 40 at once', async () => {
        const slots = await Promise.all(Array.from({ length: 40 }, () => store.openSlot()));
        const before = slots.map(slot => slot.connection);
        expect(new Set(before).size).toBe(40);
        const rows = await store.shared.insertNodes(slots.map((_slot, index) => newNode(`t${String(index)}`)));
        const changes = slots.map((slot, index) =>
          slot.changeNode(rows[index]?.id ?? nodeId(0), queued, { step: 'create' }),
        );
        expect(new Set((await Promise.all(changes)).map(changed => changed.kind))).toEqual(new Set(['changed']));
        expect(slots.map(slot => slot.connection)).toEqual(before);
        await Promise.all(slots.map(slot => slot.close()));
      });

      test('lesson 87: a store that is closed leaves no connection on its server', async () => {
        const before = place.connections();
        const another = openHere();
        await another.attach();
        const slots = await Promise.all([another.openSlot(), another.openSlot(), another.openSlot()]);
        await Promise.all([another.shared, ...slots].map(each => each.nodes()));
        expect(place.connections()).toBeGreaterThanOrEqual(before + 3);
        await another.close();
        await until(() => place.connections() <= before);
      });

      test('a slot whose connection is killed fails at most once and has a new one', async () => {
        const { id } = await insertOne();
        const slot = await store.openSlot();
        const before = slot.connection;
        await place.killConnection(store, before);
        await slot.node(id).catch((error: unknown) => expect(error).toMatchObject({ kind: 'store.away' }));
        expect((await slot.node(id))?.id).toBe(id);
        expect(slot.connection).not.toBe(before);
      });

      test('the server tells its version and how many connections it allows', async () => {
        await store.close();
        const { server, connectionsAllowed, installation } = await store.start(holder);
        expect(server).toMatch(/^(fake|mariadb|postgresql) [\d.]+ at \S+$/);
        expect(connectionsAllowed).toBeGreaterThan(90);
        expect(installation).toMatch(/^[0-9a-z]+$/);
        await store.close();
        expect((await store.start(holder)).installation).toBe(installation);
      });

      test('the lock is free as soon as the store is closed, and not when the server has noticed', async () => {
        for (let times = 0; times < 10; times++) {
          await store.close();
          await store.start(holder);
        }
      });

      test('while the server is down every call is away, and afterwards all works again', async () => {
        const { id } = await insertOne();
        const slot = await store.openSlot();
        await world.kill();
        try {
          await expect(until(() => isAway(store.shared.node(id)))).resolves.toBe(true);
          const calls = [
            () => store.probe(),
            () => store.openSlot(),
            () => store.shared.nodes(),
            () => store.shared.insertNodes([newNode('x')]),
            () => store.shared.changeNode(id, queued, { step: 'create' }),
            () => store.shared.deleteNode(id),
            () => slot.node(id),
            () => place.open().start(holder),
          ];
          for (const call of calls) await expect(call()).rejects.toMatchObject({ kind: 'store.away' });
        } finally {
          await world.revive();
        }
        await store.start(holder);
        expect((await slot.changeNode(id, queued, { step: 'boot' })).kind).toBe('changed');
        expect(await store.shared.nodes()).toHaveLength(1);
        await store.probe();
      });

      test('while the server takes no writes they are away, and reads are answered', async () => {
        const { id } = await insertOne();
        await world.forbidWrites(true);
        try {
          await expect(until(() => isAway(store.shared.deleteNode(nodeId(999_999))))).resolves.toBe(true);
          const writes = [
            () => store.shared.insertNodes([newNode('x')]),
            () => store.shared.changeNode(id, queued, { step: 'create' }),
            () => store.shared.deleteNode(id),
            () => store.start(holder),
          ];
          for (const write of writes) await expect(write()).rejects.toMatchObject({ kind: 'store.away' });
          expect((await store.shared.node(id))?.step).toBe('queued');
        } finally {
          await world.forbidWrites(false);
        }
        const change = () => store.shared.changeNode(id, queued, { step: 'boot' });
        await until(() =>
          change().then(
            ({ kind }) => kind === 'changed',
            () => false,
          ),
        );
        expect(await store.shared.nodes()).toHaveLength(1);
      });

      test('a database on which no daemon has run is empty, and stays so', async () => {
        const elsewhere = (await world.database()).open();
        opened.push(elsewhere);
        await expect(elsewhere.attach()).rejects.toMatchObject({ kind: 'store.empty' });
        await expect(elsewhere.attach()).rejects.toMatchObject({ kind: 'store.empty' });
        await elsewhere.start(holder);
        await elsewhere.attach();
        expect(await elsewhere.shared.nodes()).toEqual([]);
      });

      test('a store that is asked before there are tables reads them once they are there', async () => {
        const elsewhere = (await world.database()).open();
        opened.push(elsewhere);
        await elsewhere.shared.nodes().catch(() => []);
        await elsewhere.start(holder);
        const rows = await elsewhere.shared.insertNodes([newNode('tag-1')]);
        expect(await elsewhere.shared.nodes()).toEqual(rows);
      });

      test('a closed store is stopped, and can be started again', async () => {
        const slot = await store.openSlot();
        await store.close();
        await store.close();
        await expect(store.shared.nodes()).rejects.toMatchObject({ kind: 'store.stopped' });
        await expect(slot.nodes()).rejects.toMatchObject({ kind: 'store.stopped' });
        await store.start(holder);
        expect(await store.shared.nodes()).toEqual([]);
      });
    });
  });
}

async function isAway(asked: Promise<unknown>): Promise<boolean> {
  try {
    await asked;
    return false;
  } catch (error) {
    expect(error).toMatchObject({ kind: 'store.away' });
    return true;
  }
}

/** The server may need a moment to notice that the connection with the lock is gone. */
async function starts(store: StorePort, as = holder): Promise<boolean> {
  try {
    await store.start(as);
    return true;
  } catch (error) {
    expect(error).toMatchObject({ kind: 'store.locked' });
    return false;
  }
}
