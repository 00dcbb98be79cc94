import { describe, expect, test } from 'vitest';
import type { StoryEntry } from '../../src/domain/story.js';
import type { TreeView } from '../../src/ports/control.js';
import { storySteps } from '../../web/src/story-steps.js';
import { treeRows } from '../../web/src/tree-rows.js';

function actor(path: string, children: TreeView[] = [], patch: Partial<TreeView> = {}): TreeView {
  const numbers = { mailbox: 0, highWater: 0, handled: 0, restarts: 0 };
  return {
    path,
    kind: 'node',
    state: 'ready',
    ...numbers,
    failure: null,
    task: null,
    connection: null,
    children,
    ...patch,
  };
}

describe('the rows of the tree', () => {
  const nodes = Array.from({ length: 100 }, (_, n) => actor(`/nodes/${n}`, [], n === 42 ? { state: 'hold' } : {}));
  const root = actor('/', [actor('/store'), actor('/nodes', nodes)]);
  const named = (toggled: ReadonlyMap<string, boolean>, search = ''): string[] =>
    treeRows(root, toggled, search).map(({ name, depth }) => `${depth} ${name}`);

  test('are closed where there are many, with their number', () => {
    expect(named(new Map())).toEqual(['0 /', '1 store', '1 nodes']);
    expect(treeRows(root, new Map(), '').at(-1)).toMatchObject({ isOpen: false, beneath: 100 });
  });

  test('are as somebody opened and closed them', () => {
    expect(named(new Map([['/nodes', true]]))).toHaveLength(103);
    expect(named(new Map([['/', false]]))).toEqual(['0 /']);
  });

  test('that were searched for are shown with the way to them, however many there are', () => {
    expect(named(new Map(), 'hold')).toEqual(['0 /', '1 nodes', '2 42']);
    expect(named(new Map(), 'nodes READY')).toHaveLength(101);
    expect(named(new Map(), 'nothing like it')).toEqual([]);
  });
});

describe('the steps of a story', () => {
  type Kind = Exclude<StoryEntry['kind'], 'call'>;
  const entry = (at: number, kind: Kind, what: string): StoryEntry => ({ at, kind, what });

  test('each last until the next one begins, and the last one until now', () => {
    const story = [
      entry(0, 'step', 'queued'),
      entry(10, 'step', 'create'),
      entry(25, 'fact', 'server s-1'),
      entry(30, 'fault', 'no room'),
      entry(30, 'state', 'delete'),
      entry(30, 'step', 'servers'),
    ];
    expect(storySteps(story, 100)).toEqual([
      { at: 0, name: 'queued', state: 'building', ms: 10, isNow: false, notes: [] },
      { at: 10, name: 'create', state: 'building', ms: 20, isNow: false, notes: [story[2], story[3]] },
      { at: 30, name: 'delete: servers', state: 'delete', ms: 70, isNow: true, notes: [] },
    ]);
  });

  test('of a node that is gone are over', () => {
    const steps = storySteps([entry(0, 'found', 'hold'), entry(50, 'gone', 'deleted')], null);
    expect(steps).toMatchObject([
      { name: 'found: hold', state: 'hold', ms: 50, isNow: false },
      { name: 'gone', state: 'delete', ms: 0, isNow: false },
    ]);
  });

  test('of a clock that was set back are never negative', () => {
    expect(storySteps([entry(100, 'step', 'queued')], 50)).toMatchObject([{ ms: 0 }]);
  });
});
