import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import { nodeId } from '../../src/domain/ids.js';
import type { NodeRow } from '../../src/domain/node-row.js';
import {
  entriesMax,
  goneMax,
  Stories,
  storyLengths,
  storyText,
  whatChanged,
  type CallMade,
} from '../../src/domain/story.js';
import { emptyNode } from '../support/fake-store.js';

const queued: NodeRow = {
  ...emptyNode,
  id: nodeId(1),
  provider: 'alpha',
  label: 'bare',
  target: 'jenkins01',
  state: 'building',
  stateTime: 0,
  step: 'queued',
};

test('a failure comes before the state that it led to', () => {
  const after: NodeRow = { ...queued, state: 'delete', step: 'unregister+servers', lastError: 'no room' };
  expect(whatChanged(queued, after, 7)).toEqual([
    { at: 7, kind: 'fault', what: 'no room' },
    { at: 7, kind: 'state', what: 'delete' },
    { at: 7, kind: 'step', what: 'unregister+servers' },
  ]);
});

test('a failure that is repeated word for word is told once, and one that is over not at all', () => {
  const failed: NodeRow = { ...queued, lastError: 'no room' };
  expect(whatChanged(failed, { ...failed, revision: 9 }, 0)).toEqual([]);
  expect(whatChanged(failed, queued, 0)).toEqual([]);
});

test('another life of a node’s actor goes on with its story', () => {
  const stories = new Stories();
  stories.begin(queued, 1);
  stories.change(queued, { ...queued, step: 'create' }, 2);
  stories.begin({ ...queued, step: 'create' }, 3);
  expect(stories.of(1)?.map(({ what }) => what)).toEqual(['queued', 'create']);
});

const call: CallMade = {
  at: 5,
  what: 'cloud.createServer',
  subnode: null,
  waitedMs: 0,
  ms: 10,
  isOk: true,
  result: null,
};

test('a call is known at its end, and stands where it began', () => {
  const stories = new Stories();
  stories.begin(queued, 1);
  stories.change(queued, { ...queued, step: 'create' }, 5);
  stories.change(queued, { ...queued, step: 'boot' }, 12);
  stories.call(1, call);
  stories.call(2, call);
  const story = stories.of(1) ?? [];
  expect(story.map(({ what }) => what)).toEqual(['queued', 'create', 'cloud.createServer', 'boot']);
  expect(storyLengths(story, 20)).toEqual([4, 7, 10, 8]);
  expect(stories.of(2)).toBeNull();
});

test('a call for a subnode says which', () => {
  expect(storyText({ kind: 'call', ...call })).toBe('cloud.createServer');
  expect(
    storyText({ kind: 'call', ...call, subnode: 7, waitedMs: 2_000, isOk: false, result: 'cloud.quota: full' }),
  ).toBe('cloud.createServer for subnode 7, after 2.0 s in the queue failed: cloud.quota: full');
});

test('a node that nobody has heard of has no story', () => {
  const stories = new Stories();
  stories.change(queued, { ...queued, step: 'create' }, 1);
  stories.end(1, 2);
  expect(stories.of(1)).toBeNull();
  expect(stories.size).toBe(0);
});

test('a story has a bound: its beginning and its end stay, what goes is in the middle', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4 * entriesMax }), count => {
      const stories = new Stories();
      stories.begin(queued, 0);
      let row = queued;
      for (let n = 1; n <= count; n++) {
        stories.call(1, { ...call, at: n });
        const next = { ...row, lastError: `failure ${n}` };
        stories.change(row, next, n);
        row = next;
      }
      stories.end(1, count + 1);
      const story = stories.of(1) ?? [];
      expect(story.length).toBeLessThanOrEqual(entriesMax + 1);
      expect(story[0]).toMatchObject({ kind: 'step', what: 'queued' });
      expect(story.at(-1)).toEqual({ at: count + 1, kind: 'gone', what: 'deleted' });
      if (count > 0) expect(story.at(-2)?.what).toBe(`failure ${count}`);
      const times = story.map(({ at }) => at);
      expect(times).toEqual([...times].sort((a, b) => a - b));
    }),
  );
});

test('of those that are gone only the last are kept', () => {
  const stories = new Stories();
  for (let n = 1; n <= goneMax + 2; n++) {
    stories.begin({ ...queued, id: nodeId(n) }, n);
    stories.end(n, n);
  }
  expect(stories.size).toBe(goneMax);
  expect(stories.of(2)).toBeNull();
  expect(stories.of(3)).not.toBeNull();
});
