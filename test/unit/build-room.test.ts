import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import { buildsThatFit, nodesToMakeRoom } from '../../src/domain/build-room.js';
import { nodeId } from '../../src/domain/ids.js';
import type { NodeState } from '../../src/domain/states.js';
import type { NodeFactSheet } from '../../src/domain/stock.js';

const few = fc.nat(6);

test('builds that begin never go beyond the limit, and none waits beside free room', () => {
  const rooms = fc.record({ limit: fc.nat(20), servers: few, leaked: few, begun: few, waiting: few });
  fc.assert(
    fc.property(rooms, ({ limit, servers, leaked, begun, waiting }) => {
      const fit = buildsThatFit({ limit, servers, leaked, builds: begun + waiting, waiting });
      const free = Math.max(0, limit - servers - leaked - begun);
      expect(fit).toBe(Math.min(waiting, free));
    }),
  );
});

test('a build that the pool has not counted yet takes room all the same', () => {
  expect(buildsThatFit({ limit: 4, servers: 4, leaked: 0, builds: 0, waiting: 1 })).toBe(0);
});

function node(id: number, state: NodeState, servers = 1): NodeFactSheet {
  const place = { provider: 'alpha', label: 'bare', target: 'jenkins01' };
  return { id: nodeId(id), revision: 1, ...place, state, jobEnded: false, jobEndedAt: null, servers };
}

const nobody = (): boolean => false;

test('the oldest ready nodes make room, as few as there need to be, and nobody else', () => {
  const nodes = [node(1, 'used'), node(4, 'ready'), node(2, 'ready', 3), node(3, 'hold'), node(5, 'building')];
  const idsFor = (wanted: number): readonly number[] => nodesToMakeRoom(wanted, nodes, nobody).map(({ id }) => id);
  expect(idsFor(0)).toEqual([]);
  expect(idsFor(1)).toEqual([2]);
  expect(idsFor(3)).toEqual([2]);
  expect(idsFor(4)).toEqual([2, 4]);
  expect(idsFor(9)).toEqual([2, 4]);
});

test('what is on its way out is waited for', () => {
  const nodes = [node(1, 'delete', 2), node(2, 'ready'), node(3, 'ready'), node(4, 'ready')];
  const isLeaving = (id: number): boolean => id === 2;
  expect(nodesToMakeRoom(3, nodes, isLeaving)).toEqual([]);
  expect(nodesToMakeRoom(4, nodes, isLeaving).map(({ id }) => id)).toEqual([3]);
});
