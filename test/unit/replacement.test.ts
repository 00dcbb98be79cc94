import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import { nodeId, snapshotId } from '../../src/domain/ids.js';
import type { NodeRow } from '../../src/domain/node-row.js';
import { nodesToReplace, nodesTooOld } from '../../src/domain/replacement.js';

type Node = Parameters<typeof nodesToReplace>[0][number];
const current = snapshotId(2);
const node = (id: number, state: NodeRow['state'], snapshot: number | null = 1, stateTime = 0): Node => ({
  id: nodeId(id),
  state,
  stateTime,
  snapshotId: snapshot === null ? null : snapshotId(snapshot),
});
const many = (count: number, state: NodeRow['state'], snapshot: number | null, from = 1): Node[] =>
  Array.from({ length: count }, (_none, n) => node(from + n, state, snapshot));

test('idle nodes of an older image are replaced, the longest ready first, a tenth at a time', () => {
  const nodes = [...many(39, 'ready', 1, 10), node(1, 'ready', 1, -5)];
  expect(nodesToReplace(nodes, current)).toHaveLength(4);
  expect(nodesToReplace(nodes, current)[0]).toBe(1);
});

test('one is always replaced', () => {
  expect(nodesToReplace([node(1, 'ready')], current)).toEqual([1]);
});

test('none is replaced before those that went were made up for', () => {
  expect(nodesToReplace([node(1, 'ready'), node(2, 'delete')], current)).toEqual([]);
  expect(nodesToReplace([node(1, 'ready'), node(2, 'building', 2)], current)).toEqual([]);
});

test('nodes of the current image, of an unknown one, and nodes that do not idle are left alone', () => {
  const nodes = [node(1, 'ready', 2), node(2, 'ready', null), node(3, 'used'), node(4, 'hold'), node(5, 'test')];
  expect(nodesToReplace(nodes, current)).toEqual([]);
});

test('whatever there is, only idle outdated nodes go, and no more than the budget is under way', () => {
  const states = fc.constantFrom<NodeRow['state']>('building', 'ready', 'used', 'delete', 'hold', 'test');
  const anyNode = fc.tuple(states, fc.constantFrom(1, 2, null));
  fc.assert(
    fc.property(fc.array(anyNode, { maxLength: 80 }), kinds => {
      const nodes = kinds.map(([state, snapshot], n) => node(n + 1, state, snapshot));
      const gone = nodesToReplace(nodes, current);
      const ready = nodes.filter(each => each.state === 'ready').length;
      const underWay = nodes.filter(
        each => each.state === 'building' || (each.state === 'delete' && each.snapshotId === 1),
      );
      expect(gone.length).toBeLessThanOrEqual(Math.max(0, Math.max(1, Math.floor(ready / 10)) - underWay.length));
      for (const id of gone) expect(nodes[id - 1]).toMatchObject({ state: 'ready', snapshotId: 1 });
    }),
  );
});

test('nodes that have been ready too long are replaced, the longest first, a tenth at a time and one at least', () => {
  const now = 10_000_000;
  const aged = (id: number, ageSeconds: number, state: NodeRow['state'] = 'ready') =>
    node(id, state, 1, now / 1000 - ageSeconds);
  expect(
    nodesTooOld([aged(1, 61), aged(2, 60), aged(3, 99), aged(4, 500, 'used'), aged(5, 500, 'hold')], 60_000, now),
  ).toEqual([3]);
  const many = Array.from({ length: 40 }, (_none, n) => aged(n + 1, 100 + n));
  expect(nodesTooOld(many, 60_000, now)).toEqual([40, 39, 38, 37]);
  expect(nodesTooOld(many, 200_000, now)).toEqual([]);
});
