import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import { nextVersion, whenToBuild, type BuildQuestion } from '../../src/domain/image-build.js';
import { snapshotRow as row } from '../support/snapshot-row.js';

const now = 1_000_000_000;
const ready = row(1, now / 1000 - 3_600);
const question = (rest: Partial<BuildQuestion> = {}): BuildQuestion => ({
  rows: [],
  isUnderWay: false,
  now,
  isUsed: true,
  forbidden: null,
  isDue: false,
  isAsked: false,
  rebuildAgeMs: null,
  restsUntil: null,
  ...rest,
});

describe('an image is built', () => {
  test.each([
    ['where there is none', {}, 'now'],
    ['but not where no label uses it', { isUsed: false }, 'no'],
    ['but not where it must not', { forbidden: 'paused' }, 'no'],
    ['not even when an operator asks where it must not', { forbidden: 'paused', isAsked: true }, 'no'],
    ['when an operator asks, whoever uses it', { rows: [ready], isUsed: false, isAsked: true }, 'now'],
    ['when an operator asks, however often it failed', { isAsked: true, restsUntil: now + 1 }, 'now'],
    ['not where it is ready', { rows: [ready] }, 'no'],
    ['on schedule', { rows: [ready], isDue: true }, 'now'],
    ['once at a time, lesson 109', { rows: [ready, row(2, 5, { state: 'building' })], isDue: true }, 'no'],
    ['not before it is known how the last build ended', { isUnderWay: true, isDue: true }, 'no'],
    ['once at a time, whoever asks', { rows: [row(2, 5, { state: 'building' })], isAsked: true }, 'no'],
    ['where the only one is being deleted', { rows: [row(2, 5, { state: 'delete' })] }, 'now'],
    ['when the newest is old', { rows: [ready], rebuildAgeMs: 3_600_000 }, 'now'],
    ['later when it is younger than that', { rows: [ready], rebuildAgeMs: 3_600_001 }, 'at'],
    ['later where builds have failed', { restsUntil: now + 1 }, 'at'],
    ['not over and over where it was set back', { rows: [ready, row(2, 5, { standing: 'set-back' })] }, 'no'],
    ['where all that there are were set back', { rows: [row(2, 5, { standing: 'set-back' })] }, 'now'],
  ] as const)('%s', (_name, rest, kind) => {
    expect(whenToBuild(question(rest)).kind).toBe(kind);
  });

  test('no earlier than it is due and than its rest is over', () => {
    const due = { rows: [ready], rebuildAgeMs: 7_200_000 };
    expect(whenToBuild(question(due))).toMatchObject({ kind: 'at', at: now + 3_600_000 });
    expect(whenToBuild(question({ ...due, restsUntil: now + 9_000_000 }))).toMatchObject({ at: now + 9_000_000 });
  });
});

test('versions of one image grow, also within one second and with a clock that was set back', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 5_000 }), { minLength: 1, maxLength: 30 }), times => {
      const rows: ReturnType<typeof row>[] = [];
      for (const time of times) rows.push(row(rows.length + 1, nextVersion(rows, time)));
      const versions = rows.map(each => each.version ?? 0);
      expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
    }),
  );
});
