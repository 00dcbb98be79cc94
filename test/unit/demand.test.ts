import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import type { QueueFunction } from '../../src/domain/demand.js';
import { deficitOf, labelDemand, readDemand } from '../../src/domain/demand.js';

const queue = (name: string, total: number, running = 0): QueueFunction => ({ name, total, running });
const read = (...functions: QueueFunction[]) => Object.fromEntries(readDemand(functions).byLabel);

describe('a Gearman queue', () => {
  test('is read by the label at the end of the name, both numbers kept', () => {
    expect(read(queue('build:unit:precise', 5, 2), queue('build:docs:precise', 1))).toEqual({
      precise: { total: 6, running: 2 },
    });
  });

  test('counts for nobody unless it is a build', () => {
    expect(read(queue('stop:jenkins01', 4), queue('set_description:jenkins01', 4), queue('rebuild:a:b', 1))).toEqual(
      {},
    );
  });

  test('without a label counts for the first label the job was seen with, on whichever server, even if idle', () => {
    const functions = [
      queue('build:unit', 3, 1),
      queue('build:unit:trusty', 0),
      queue('build:unit:precise', 2),
      queue('build:other', 9),
    ];
    expect(read(...functions)).toEqual({
      trusty: { total: 3, running: 1 },
      precise: { total: 2, running: 0 },
    });
  });

  test('of a job with spaces is one function', () => {
    expect(read(queue('build:my job:precise', 1))).toEqual({ precise: { total: 1, running: 0 } });
  });

  test('of a Maven module takes the artifact for a label', () => {
    expect(read(queue('build:org.example:core', 1), queue('build:org.example:core:precise', 2))).toEqual({
      core: { total: 1, running: 0 },
      precise: { total: 2, running: 0 },
    });
  });

  test('that is negative, or runs more than it has, takes nothing away', () => {
    expect(read(queue('build:a:x', -4, -1), queue('build:b:x', 2, 7))).toEqual({ x: { total: 2, running: 2 } });
  });
});

describe('jobs that wait', () => {
  const situation = { total: 10, running: 4, used: 4, endedSinceSample: 0, eventsAlive: true };

  test('are those that no node serves', () => {
    expect(labelDemand(situation)).toBe(6);
  });
  test('are fewer as soon as a node goes to work, before Gearman says so', () => {
    expect(labelDemand({ ...situation, used: 7 })).toBe(3);
  });
  test('are fewer when Gearman knows of starts that were not heard', () => {
    expect(labelDemand({ ...situation, used: 0 })).toBe(6);
  });
  test('do not include jobs that ended after the sample', () => {
    expect(labelDemand({ ...situation, used: 3, endedSinceSample: 3 })).toBe(4);
  });
  test('are counted without `running` when no event source is alive', () => {
    expect(labelDemand({ ...situation, used: 1, eventsAlive: false })).toBe(9);
  });
  test('are never fewer than none', () => {
    const count = fc.nat(50);
    fc.assert(
      fc.property(count, count, count, count, fc.boolean(), (total, running, used, endedSinceSample, eventsAlive) => {
        const waiting = labelDemand({ total, running, used, endedSinceSample, eventsAlive });
        expect(waiting).toBeGreaterThanOrEqual(0);
        expect(waiting).toBeLessThanOrEqual(total);
      }),
    );
  });
});

describe('a deficit', () => {
  test('fills up the reserve where it fits', () => {
    expect(deficitOf({ waiting: 3, stock: 2, minReady: 4, capacityInGroups: 5 })).toBe(5);
  });
  test('gives up the reserve where it does not, if jobs wait', () => {
    expect(deficitOf({ waiting: 3, stock: 2, minReady: 4, capacityInGroups: 4 })).toBe(1);
  });
  test('fills up the reserve as far as it goes, if no job waits', () => {
    expect(deficitOf({ waiting: 0, stock: 1, minReady: 6, capacityInGroups: 3 })).toBe(3);
  });
  test('may be more than there is room for, if jobs wait', () => {
    expect(deficitOf({ waiting: 9, stock: 0, minReady: 2, capacityInGroups: 4 })).toBe(9);
  });
  test('of a disabled label is none, whatever waits', () => {
    expect(deficitOf({ waiting: 9, stock: 0, minReady: -1, capacityInGroups: 40 })).toBe(0);
  });
  test('is never negative, never above what is wanted, and above the room only for jobs', () => {
    const count = fc.nat(50);
    fc.assert(
      fc.property(
        count,
        count,
        fc.integer({ min: -2, max: 50 }),
        count,
        (waiting, stock, minReady, capacityInGroups) => {
          const deficit = deficitOf({ waiting, stock, minReady, capacityInGroups });
          expect(deficit).toBeGreaterThanOrEqual(0);
          expect(deficit).toBeLessThanOrEqual(Math.max(0, waiting + minReady - stock));
          if (deficit > capacityInGroups) expect(deficit).toBe(waiting - stock);
        },
      ),
    );
  });
});
