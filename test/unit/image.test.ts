import { describe, expect, test } from 'vitest';
import { currentImage, decideImage, imageFacts, imageTable, keep, releaseOf } from '../../src/domain/image.js';
import type { SnapshotRow } from '../../src/domain/snapshot-row.js';
import { snapshotRow as row } from '../support/snapshot-row.js';
import { decideSubnode, subnodeFacts, subnodeTable } from '../../src/domain/subnode.js';

const HOUR = 3600;

const rule = { isConfigured: () => true, isBeingBuilt: () => false, imageCleanupMs: 8 * HOUR * 1000 };
const old = 9 * HOUR * 1000;
const removed = (rows: SnapshotRow[], now: number, rest: Partial<typeof rule> | object = {}) =>
  keep(rows, now, { ...rule, ...rest }).removed.map(each => each.row.id);

describe('the table of an image’s life', () => {
  const cells = {
    built: ['→ ready', 'ignore', 'ignore'],
    'build-failed': ['→ delete', 'ignore', 'ignore'],
    'not-kept': ['→ delete', '→ delete', 'ignore'],
    'server-gone': ['ignore', '→ delete', 'ignore'],
    'delete-asked': ['→ delete', '→ delete', 'ignore'],
  };
  test.each(imageFacts)('%s', fact => {
    const answers = (['building', 'ready', 'delete'] as const).map(state => {
      const decision = decideImage(state, fact);
      return decision.kind === 'move' ? `→ ${decision.to}` : decision.kind;
    });
    expect(answers).toEqual(cells[fact]);
  });
  test('is total', () => {
    for (const facts of Object.values(imageTable)) expect(Object.keys(facts)).toEqual([...imageFacts]);
  });
});

describe('the table of a subnode’s life', () => {
  const cells = {
    launched: ['→ ready', 'ignore', 'ignore'],
    'launch-failed': ['→ delete', 'ignore', 'ignore'],
    'server-gone': ['ignore', '→ delete', 'ignore'],
    'delete-asked': ['→ delete', '→ delete', 'ignore'],
  };
  test.each(subnodeFacts)('%s', fact => {
    const answers = (['building', 'ready', 'delete'] as const).map(state => {
      const decision = decideSubnode(state, fact);
      return decision.kind === 'move' ? `→ ${decision.to}` : decision.kind;
    });
    expect(answers).toEqual(cells[fact]);
  });
  test('is total', () => {
    for (const facts of Object.values(subnodeTable)) expect(Object.keys(facts)).toEqual([...subnodeFacts]);
  });
});

describe('the current image', () => {
  test('is the newest ready one of its provider and name', () => {
    const rows = [
      row(1, 10),
      row(2, 30, { state: 'building' }),
      row(3, 20),
      row(4, 40, { provider: 'q' }),
      row(5, 50, { image: 'other' }),
      row(6, 60, { state: 'delete' }),
    ];
    expect(currentImage(rows, 'p', 'bare')?.id).toBe(3);
    expect(currentImage(rows, 'p', 'none')).toBeNull();
  });
  test('of two with one version is the later row', () => {
    expect(currentImage([row(2, 10), row(1, 10)], 'p', 'bare')?.id).toBe(2);
  });
});

describe('retention', () => {
  test('keeps current and previous, however old, and removes older ones after their time', () => {
    const rows = [row(1, 10), row(2, 20), row(3, 30), row(4, 40, { provider: 'q' })];
    expect(removed(rows, old)).toEqual([1]);
    expect(removed(rows, 7 * HOUR * 1000)).toEqual([]);
  });
  test('makes the previous one current when the current one is deleted', () => {
    const rows = [row(1, 10), row(2, 20), row(3, 30, { state: 'delete' })];
    expect(removed(rows, 0)).toEqual([3]);
    expect(currentImage(rows, 'p', 'bare')?.id).toBe(2);
  });
  test('removes at once what is not configured', () => {
    expect(removed([row(1, 10)], 0, { isConfigured: () => false })).toEqual([1]);
  });
  test('asks again for a deletion that is not finished', () => {
    expect(removed([row(1, 10, { state: 'delete', stateTime: 100 })], 0)).toEqual([1]);
  });
  test('removes a build that nobody carries on, and leaves one that somebody does', () => {
    const rows = [row(1, 10, { state: 'building' })];
    expect(removed(rows, old)).toEqual([1]);
    expect(removed(rows, 7 * HOUR * 1000)).toEqual([]);
    expect(removed(rows, old, { isBeingBuilt: () => true })).toEqual([]);
  });
  test('keeps what is on trial beside current and previous, and lets go in time of what was set back', () => {
    const rows = [row(1, 10), row(2, 20), row(3, 30, { standing: 'set-back' }), row(4, 40, { standing: 'trial' })];
    expect(removed(rows, old)).toEqual([3]);
    expect(removed(rows, 7 * HOUR * 1000)).toEqual([]);
  });
  test('the whole table: READY v1 to v4, one BUILDING without a builder, one DELETE, a removed provider', () => {
    const rows = [
      row(1, 1),
      row(2, 2),
      row(3, 3),
      row(4, 4),
      row(5, 5, { state: 'building' }),
      row(6, 6, { state: 'delete' }),
      row(7, 7, { provider: 'gone' }),
    ];
    const isConfigured = (provider: string) => provider !== 'gone';
    const { kept, removed: gone } = keep(rows, old, { ...rule, isConfigured });
    expect(kept.map(each => each.id)).toEqual([3, 4]);
    expect(gone.map(({ row: { id }, why }) => [id, why])).toEqual([
      [1, 'two newer images are ready'],
      [2, 'two newer images are ready'],
      [5, 'nobody builds it'],
      [6, 'its deletion is not finished'],
      [7, 'it is no longer configured'],
    ]);
  });
});

describe('a release', () => {
  const standing = (rows: SnapshotRow[]) => {
    const { current, candidate } = releaseOf(rows);
    return [current?.id ?? null, candidate?.id ?? null];
  };
  test('stays with the trusted image while a newer one is on trial', () => {
    expect(standing([row(1, 10), row(2, 20, { standing: 'trial' })])).toEqual([1, 2]);
  });
  test('never goes back to an older image on trial', () => {
    expect(standing([row(1, 10, { standing: 'trial' }), row(2, 20)])).toEqual([2, null]);
  });
  test('is the image on trial where no other is left', () => {
    expect(standing([row(2, 20, { standing: 'trial' }), row(1, 10, { state: 'delete' })])).toEqual([2, null]);
  });
  test('is none where all were set back', () => {
    expect(standing([row(1, 10, { standing: 'set-back' })])).toEqual([null, null]);
  });
});
