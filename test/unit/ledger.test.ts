import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import { entriesMax, entrySpanMs, Ledger, ledgerAgeMs, type NotedRound } from '../../src/domain/ledger.js';
import type { RefusalReason } from '../../src/domain/round.js';

function aRound(
  reasons: readonly RefusalReason[],
  { granted = 0, waiting = 3 }: { granted?: number; waiting?: number } = {},
): NotedRound {
  return {
    labels: [{ label: 'bare', minReady: 0, waiting, stock: 0, wanted: 3, deficit: 3, granted }],
    refusals: reasons.map(reason => ({ label: 'bare', reason, provider: 'p', detail: reason, until: null })),
    providers: [{ provider: 'p', servers: 1, held: 0, leaked: 0, limit: 1, maxServers: 1 }],
  };
}

test('rounds that are refused by the same are one entry, with what they granted together', () => {
  const ledger = new Ledger();
  ledger.note(aRound(['max-servers'], { granted: 1 }), null, 1_000);
  ledger.note(aRound(['max-servers', 'shared-out'], { granted: 2, waiting: 7 }), 900, 2_000);
  expect(ledger.since(0)).toMatchObject([{ at: 1_000, until: 2_000, rounds: 2, sampledAt: 900 }]);
  expect(ledger.since(0)[0]?.labels).toMatchObject([{ granted: 3, waiting: 7 }]);
});

test('another reason begins another entry', () => {
  const ledger = new Ledger();
  ledger.note(aRound(['max-servers']), null, 1_000);
  ledger.note(aRound(['no-image']), null, 2_000);
  ledger.note(aRound(['max-servers']), null, 3_000);
  expect(ledger.since(0).map(({ refusals }) => refusals[0]?.reason)).toEqual([
    'max-servers',
    'no-image',
    'max-servers',
  ]);
  expect(ledger.since(2_500)).toHaveLength(1);
});

test('figures that change are another entry after a while; a pool in which nothing does stays one', () => {
  const ledger = new Ledger();
  ledger.note(aRound(['max-servers']), null, 0);
  ledger.note(aRound(['max-servers']), null, 10 * entrySpanMs);
  expect(ledger.size).toBe(1);
  ledger.note(aRound(['max-servers'], { waiting: 4 }), null, 11 * entrySpanMs);
  expect(ledger.size).toBe(2);
});

test('only the last day is kept, and only what has changed is to be written', () => {
  const ledger = new Ledger();
  ledger.note(aRound(['max-servers']), null, 0);
  expect(ledger.takeChanged()).toHaveLength(1);
  expect(ledger.takeChanged()).toEqual([]);
  ledger.note(aRound(['no-image']), null, ledgerAgeMs + 1);
  const changed = ledger.takeChanged();
  expect(changed).toMatchObject([{ at: ledgerAgeMs + 1 }]);
  ledger.giveBackChanged(changed);
  expect(ledger.takeChanged()).toEqual(changed);
  expect(ledger.keptFrom).toBe(ledgerAgeMs + 1);
});

test('that all is as before is to be written now and then only', () => {
  const ledger = new Ledger();
  ledger.note(aRound(['max-servers']), null, 0);
  ledger.takeChanged();
  ledger.note(aRound(['max-servers']), 900, 1_000);
  expect(ledger.hasChanged).toBe(false);
  ledger.note(aRound(['max-servers']), 900, entrySpanMs);
  expect(ledger.takeChanged()).toMatchObject([{ rounds: 3, until: entrySpanMs }]);
  ledger.note(aRound(['max-servers'], { waiting: 4 }), 900, entrySpanMs + 1_000);
  expect(ledger.hasChanged).toBe(true);
});

test('once a stock is made, that all is as before is not written at each pass because of what was granted', () => {
  const ledger = new Ledger();
  ledger.note(aRound([], { granted: 3 }), null, 0);
  ledger.note({ ...aRound([]), labels: [] }, null, 1_000);
  ledger.takeChanged();
  ledger.note({ ...aRound([]), labels: [] }, null, 2_000);
  expect(ledger.hasChanged).toBe(false);
  expect(ledger.since(0)).toMatchObject([{ until: 2_000, rounds: 3, labels: [{ granted: 3, wanted: 0 }] }]);
});

test('what an earlier life left comes before what this one has', () => {
  const earlier = new Ledger();
  earlier.note(aRound(['max-servers']), null, 1_000);
  const ledger = new Ledger();
  ledger.note(aRound(['no-image']), null, 2_000);
  ledger.restore(earlier.since(0));
  expect(ledger.since(0).map(({ at }) => at)).toEqual([1_000, 2_000]);
});

test('whatever comes, the entries are in order, bounded, and lose no grant of the rounds that they have', () => {
  const noted = fc.record({
    afterMs: fc.integer({ min: 0, max: entrySpanMs }),
    reasons: fc.subarray<RefusalReason>(['max-servers', 'no-image', 'shared-out', 'quota']),
    granted: fc.integer({ min: 0, max: 5 }),
  });
  fc.assert(
    fc.property(fc.array(noted, { maxLength: 200 }), rounds => {
      const ledger = new Ledger();
      let now = 0;
      for (const { afterMs, reasons, granted } of rounds)
        ledger.note(aRound(reasons, { granted }), null, (now += afterMs));
      const entries = ledger.since(-1);
      expect(entries.length).toBeLessThanOrEqual(entriesMax);
      expect(entries.map(({ at }) => at)).toEqual([...new Set(entries.map(({ at }) => at))].sort((a, b) => a - b));
      const sum = entries.reduce((total, { labels }) => total + (labels[0]?.granted ?? 0), 0);
      const isAllKept = now <= ledgerAgeMs;
      if (isAllKept) expect(sum).toBe(rounds.reduce((total, { granted }) => total + granted, 0));
      if (isAllKept) expect(entries.reduce((total, each) => total + each.rounds, 0)).toBe(rounds.length);
    }),
    { numRuns: 200 },
  );
});
