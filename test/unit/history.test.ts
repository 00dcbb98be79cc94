import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import {
  History,
  labelsMax,
  launchesMax,
  launchWindowMs,
  markEveryMs,
  marksMax,
  quantile,
} from '../../src/domain/history.js';
import { noNodes } from '../../src/domain/states.js';

const every = markEveryMs;

test('a mark has how things stand, and what ended since the mark before', () => {
  const history = new History();
  history.noteLaunch({ at: 100, ms: 4_000, isReady: true });
  history.noteLaunch({ at: 200, ms: 9_000, isReady: false });
  history.noteStock({ ...noNodes, ready: 2 }, new Map([['bare', 5]]), 1_000);
  history.noteStock({ ...noNodes, ready: 3, used: 1 }, null, 1_000 + every);
  expect(history.view()).toEqual({
    everySeconds: 10,
    at: [1_000, 1_000 + every],
    nodes: { building: [0, 0], ready: [2, 3], used: [0, 1], delete: [0, 0], hold: [0, 0], test: [0, 0] },
    waiting: { bare: [5, null] },
    launched: [1, 0],
    failed: [1, 0],
    launchP50Seconds: [4, 4],
    launchP99Seconds: [4, 4],
  });
});

test('however often things change, there is a mark every ten seconds, and no launch is lost between them', () => {
  const history = new History();
  for (let at = 0; at <= 10 * every; at += every / 4) {
    history.noteLaunch({ at, ms: 1, isReady: true });
    history.noteStock(noNodes, null, at);
  }
  const { at, launched } = history.view();
  expect(at).toEqual(Array.from({ length: 11 }, (_, n) => n * every));
  expect(launched).toEqual([1, ...Array.from({ length: 10 }, () => 4)]);
});

test('a label of which nothing was said at a mark waits for nothing then; unknown is not zero', () => {
  const history = new History();
  history.noteStock(noNodes, new Map([['bare', 1]]), every);
  history.noteStock(noNodes, new Map([['large', 2]]), 2 * every);
  history.noteStock(noNodes, null, 3 * every);
  expect(history.view().waiting).toEqual({ bare: [1, 0, null], large: [0, 2, null] });
});

test('launch times are those of the last five minutes', () => {
  const history = new History();
  history.noteLaunch({ at: every, ms: 1_000, isReady: true });
  history.noteStock(noNodes, null, launchWindowMs);
  history.noteStock(noNodes, null, launchWindowMs + every);
  expect(history.view().launchP50Seconds).toEqual([1, null]);
});

test('only what is newer than asked for is shown', () => {
  const history = new History();
  for (const n of [1, 2, 3]) history.noteStock(noNodes, null, n * every);
  expect(history.view(every).at).toEqual([2 * every, 3 * every]);
  expect(history.view(3 * every).at).toEqual([]);
});

test('whatever is told for however long, what is kept has a bound', () => {
  const history = new History();
  for (let n = 0; n < marksMax + 5; n++) {
    history.noteStock(noNodes, new Map([[`label-${n}`, 1]]), n * every);
  }
  const view = history.view();
  expect(view.at).toHaveLength(marksMax);
  expect(view.at[0]).toBe(5 * every);
  expect(Object.keys(view.waiting)).toHaveLength(labelsMax);
  const end = (marksMax + 5) * every;
  for (let n = 0; n < launchesMax + 1; n++) history.noteLaunch({ at: end, ms: n === 0 ? 1e9 : 5, isReady: true });
  history.noteStock(noNodes, null, end);
  expect(history.view().launchP99Seconds.at(-1)).toBe(0.01);
});

test('a quantile is one of the numbers, and that share of them is not greater', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(50), { minLength: 1 }), fc.constantFrom(0.01, 0.5, 0.99, 1), (numbers, share) => {
      const sorted = [...numbers].sort((a, b) => a - b);
      const found = quantile(sorted, share) ?? Number.NaN;
      expect(sorted).toContain(found);
      expect(sorted.filter(each => each <= found).length).toBeGreaterThanOrEqual(share * sorted.length);
      expect(sorted.filter(each => each < found).length).toBeLessThan(Math.max(1, share * sorted.length));
    }),
  );
  expect(quantile([], 0.5)).toBeNull();
});
