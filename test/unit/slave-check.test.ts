import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import { nodeId, nodeName } from '../../src/domain/ids.js';
import { compareSlaves, type ComparedRow, type SlaveSeen, type Suspicion } from '../../src/domain/slave-check.js';
import { massLossMs } from '../../src/domain/mass-loss.js';
import { nodeStates } from '../../src/domain/states.js';

const startedAt = 1_000_000_000;

function row(id: number, more: Partial<ComparedRow> = {}): ComparedRow {
  return {
    id: nodeId(id),
    nodename: nodeName(`node-${id}`),
    state: 'ready',
    stateTime: startedAt / 1000 - 60,
    step: null,
    jobStartedAt: null,
    jobEndedAt: null,
    ...more,
  };
}

const slave = (id: number, more: Partial<SlaveSeen> = {}): SlaveSeen => ({
  name: nodeName(`node-${id}`),
  offlineReason: null,
  idle: true,
  ...more,
});

/** The same list seen so many times, every ten seconds: what was found each time, as `ID FACT`. */
function seen(times: number, rows: readonly ComparedRow[], slaves: readonly SlaveSeen[]): string[][] {
  let suspicions: ReadonlyMap<ComparedRow['id'], Suspicion> = new Map();
  return Array.from({ length: times }, (_, n) => {
    const comparison = compareSlaves({ rows, slaves, listedAt: startedAt + n * 10_000, suspicions });
    suspicions = comparison.suspicions;
    return comparison.findings.map(({ row: { id }, fact }) => `${id} ${fact}`);
  });
}

const started = { jobStartedAt: startedAt - 30_000 };

describe('a list of slaves', () => {
  test.each([
    ['a ready node whose slave is idle', row(1), [slave(1)], [[], []]],
    ['a ready node whose slave is busy', row(1), [slave(1, { idle: false })], [['1 job-started'], ['1 job-started']]],
    ['a ready node without a slave', row(1), [], [[], ['1 slave-gone']]],
    [
      'a ready node that the Gearman plugin took offline',
      row(1),
      [slave(1, { offlineReason: 'Offline due to Gearman request' })],
      [[], ['1 job-finished']],
    ],
    [
      'a ready node that we took offline to replace it',
      row(1),
      [slave(1, { offlineReason: 'Disconnected by np : it is old; nodepool replaces it' })],
      [[], ['1 withdrawn']],
    ],
    [
      'a ready node that an operator took offline',
      row(1),
      [slave(1, { offlineReason: 'disk is being replaced' })],
      [[], []],
    ],
    [
      'a used node whose slave is busy',
      row(1, { state: 'used', ...started }),
      [slave(1, { idle: false, offlineReason: 'its one job has started' })],
      [[], []],
    ],
    [
      'a used node whose slave is busy, and could get a second job after this one',
      row(1, { state: 'used', ...started }),
      [slave(1, { idle: false })],
      [[], ['1 still-online']],
    ],
    ['a used node whose slave is idle', row(1, { state: 'used', ...started }), [slave(1)], [[], ['1 job-finished']]],
    ['a used node of the original', row(1, { state: 'used' }), [slave(1)], [[], ['1 job-finished']]],
    ['a used node without a slave', row(1, { state: 'used', ...started }), [], [[], ['1 slave-gone']]],
    ['a used node whose job has ended', row(1, { state: 'used', ...started, jobEndedAt: startedAt }), [], [[], []]],
    [
      'a used node that could have a second job',
      row(1, { state: 'used', ...started, jobEndedAt: startedAt }),
      [slave(1)],
      [[], ['1 still-online']],
    ],
    [
      'a held node that could',
      row(1, { state: 'hold', ...started, jobEndedAt: startedAt }),
      [slave(1)],
      [[], ['1 still-online']],
    ],
    ['a held node whose slave has gone after its job', row(1, { state: 'hold', jobEndedAt: startedAt }), [], [[], []]],
    ['a held node whose slave is idle', row(1, { state: 'hold' }), [slave(1)], [[], []]],
    [
      'a held node whose slave is busy',
      row(1, { state: 'hold' }),
      [slave(1, { idle: false })],
      [['1 job-started'], ['1 job-started']],
    ],
    ['a held node whose job ran', row(1, { state: 'hold', ...started }), [slave(1)], [[], ['1 job-finished']]],
    ['a node held in its launch', row(1, { state: 'hold', step: 'boot' }), [], [[], []]],
    ['a node under test', row(1, { state: 'test', step: 'test-job' }), [slave(1, { idle: false })], [[], []]],
    ['a node under test without a slave', row(1, { state: 'test', step: 'test-job' }), [], [[], ['1 slave-gone']]],
    ['a building node', row(1, { state: 'building', step: 'register' }), [], [[], []]],
    ['a node that is deleted', row(1, { state: 'delete', step: 'unregister' }), [slave(1)], [[], []]],
    ['a node without a name', row(1, { nodename: null }), [], [[], []]],
  ] as const)('of %s', (_, node, slaves, found) => {
    expect(seen(2, [node], slaves)).toEqual(found);
  });

  test('says nothing of a node whose state is younger than it', () => {
    expect(seen(1, [row(1, { stateTime: startedAt / 1000 })], [slave(1, { idle: false })])).toEqual([[]]);
  });

  test('that once says otherwise begins anew', () => {
    const node = row(1, { state: 'used', ...started });
    const first = compareSlaves({ rows: [node], slaves: [slave(1)], listedAt: startedAt, suspicions: new Map() });
    const busy = compareSlaves({
      rows: [node],
      slaves: [slave(1, { idle: false })],
      listedAt: startedAt + 10_000,
      suspicions: first.suspicions,
    });
    const idle = compareSlaves({
      rows: [node],
      slaves: [slave(1)],
      listedAt: startedAt + 20_000,
      suspicions: busy.suspicions,
    });
    expect(idle.findings).toEqual([]);
  });

  test('without most of the slaves is not believed for ten minutes', () => {
    const rows = [1, 2, 3, 4].map(id => row(id));
    const found = seen(massLossMs / 10_000 + 1, rows, [slave(4)]);
    expect(found.slice(0, -1).flat()).toEqual([]);
    expect(found.at(-1)).toEqual(['1 slave-gone', '2 slave-gone', '3 slave-gone']);
  });

  test('never ends a job that runs, and never touches what is built or deleted', () => {
    const rows = fc.uniqueArray(
      fc.record({ id: fc.integer({ min: 1, max: 6 }), state: fc.constantFrom(...nodeStates), hadJob: fc.boolean() }),
      { selector: ({ id }) => id },
    );
    const slaves = fc.uniqueArray(
      fc.record({ id: fc.integer({ min: 1, max: 6 }), idle: fc.boolean(), isOffline: fc.boolean() }),
      { selector: ({ id }) => id },
    );
    fc.assert(
      fc.property(rows, slaves, (someRows, someSlaves) => {
        const nodes = someRows.map(({ id, state, hadJob }) => row(id, { state, ...(hadJob ? started : {}) }));
        const seenSlaves = someSlaves.map(({ id, idle, isOffline }) =>
          slave(id, { idle, offlineReason: isOffline ? 'its one job has started' : null }),
        );
        for (const finding of seen(3, nodes, seenSlaves).flat()) {
          const [id = '', fact] = finding.split(' ');
          const { state } = nodes.find(node => String(node.id) === id) ?? row(0);
          const found = seenSlaves.find(({ name }) => name === `node-${id}`);
          expect(['ready', 'test', 'used', 'hold']).toContain(state);
          if (fact === 'job-finished') expect(found?.idle).toBe(true);
          if (fact === 'slave-gone') expect(found).toBeUndefined();
        }
      }),
    );
  });
});
