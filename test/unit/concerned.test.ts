import { describe, expect, test } from 'vitest';
import { concernedBy, keysThatWantRestart, type Concerned } from '../../src/domain/concerned.js';
import { changeText, diffConfig } from '../../src/domain/config-diff.js';
import type { PoolConfig } from '../../src/domain/pool-config.js';
import { poolConfig } from '../support/pool-config.js';

const before = poolConfig({
  labels: [{ name: 'bare', providers: ['alpha'] }],
  providers: [{ name: 'alpha' }, { name: 'beta' }],
});
const concerned = (after: PoolConfig) => concernedBy(diffConfig(before, after), before, after);
const nobody: Concerned = {
  providers: [],
  targets: [],
  publishers: false,
  diskimages: false,
  gearmanServers: false,
  pool: false,
  schedules: false,
  control: false,
};

describe('a new configuration concerns', () => {
  const [alpha, beta] = before.providers;
  const [bare] = before.labels;
  const [target] = before.targets;
  if (!alpha || !beta || !bare || !target) throw new Error('there is one of each');

  const table: [what: string, after: Partial<PoolConfig>, concerned: Partial<Concerned>][] = [
    ['nobody, where it says the same', {}, {}],
    ['the provider it changes', { providers: [alpha, { ...beta, rateMs: 7 }] }, { providers: ['beta'], pool: true }],
    ['one that is gone', { providers: [alpha] }, { providers: ['beta'], pool: true }],
    ['the providers of a label', { labels: [{ ...bare, minReady: 9 }] }, { providers: ['alpha'], pool: true }],
    [
      'those that a label had',
      { labels: [{ ...bare, providers: ['beta'] }] },
      { providers: ['alpha', 'beta'], pool: true },
    ],
    ['the target it changes', { targets: [{ ...target, rateMs: 7 }] }, { targets: ['jenkins01'], pool: true }],
    ['the publishers', { zmqPublishers: [] }, { publishers: true, pool: true }],
    ['the Gearman servers', { gearmanServers: [] }, { gearmanServers: true, pool: true }],
    ['the schedules', { cron: { ...before.cron, check: '1 * * * *' } }, { schedules: true }],
    ['the control API', { control: { ...before.control, http: '127.0.0.1:1' } }, { control: true }],
    ['nobody, where only a restart helps', { control: { ...before.control, socket: '/s' } }, {}],
    ['nobody, where it is looked up', { maxHoldAgeMs: 1 }, {}],
  ];
  test.each(table)('%s', (_, patch, expected) => {
    expect(concerned({ ...before, ...patch })).toEqual({ ...nobody, ...expected });
  });
});

test('keys that were used at the start want a restart', () => {
  expect(keysThatWantRestart(before, before)).toEqual([]);
  const after = { ...before, dburi: null, stateDir: '/other', control: { ...before.control, socket: '/s' } };
  expect(keysThatWantRestart(before, after)).toEqual(['dburi', 'state-dir', 'control.socket']);
});

test('a change is told in the words of the file', () => {
  const after = {
    ...before,
    providers: before.providers.map(each => ({ ...each, rateMs: 7, maxRamMb: 1, launchTimeoutMs: 2 })),
  };
  expect(diffConfig(before, after).map(changeText)[0]).toBe(
    'provider alpha: launch-timeout 3600 → 0.002, max-ram none → 1, rate 0.001 → 0.007',
  );
});
