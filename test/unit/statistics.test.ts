import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import type { FaultKind } from '../../src/domain/fault.js';
import type { LaunchStep } from '../../src/domain/node-row.js';
import { nodeStates } from '../../src/domain/states.js';
import { Gauges, launchKeys, type CountedNode } from '../../src/domain/statistics.js';
import { poolConfig } from '../support/pool-config.js';

const config = poolConfig({
  labels: [
    { name: 'precise', minReady: 3, providers: ['rax'] },
    { name: 'off', minReady: -1, providers: ['rax', 'hp'] },
  ],
  providers: [
    { name: 'rax', maxServers: 50 },
    { name: 'hp', maxServers: 0 },
  ],
  targets: [{ name: 'jenkins01' }],
});

function lines(nodes: readonly CountedNode[], of: 'seed' | '0.3'): string[] {
  const gauges = new Gauges(config, nodes).all().filter(gauge => gauge.of === null || gauge.of === of);
  return gauges.map(({ key, value }) => `${key} ${value}`);
}

const node = (more: Partial<CountedNode> = {}): CountedNode => ({
  provider: 'rax',
  label: 'precise',
  target: 'jenkins01',
  state: 'ready',
  ...more,
});

describe('the gauges of the seed', () => {
  test('are zero for each combination that is configured', () => {
    expect(lines([], 'seed').sort()).toEqual(
      [
        ...nodeStates.map(state => `nodepool.target.${state} 0`),
        ...['precise.rax', 'off.rax', 'off.hp'].flatMap(place =>
          nodeStates.map(state => `nodepool.target.jenkins01.${place}.${state} 0`),
        ),
        'nodepool.target.jenkins01.precise.min_ready 3',
        'nodepool.target.jenkins01.off.min_ready 0',
        'nodepool.provider.rax.max_servers 50',
        'nodepool.provider.hp.max_servers 0',
      ].sort(),
    );
  });

  test('count nodes, also of what is not configured any more', () => {
    const some = lines([node(), node(), node({ state: 'used' }), node({ provider: 'gone', label: 'old' })], 'seed');
    expect(some).toContain('nodepool.target.ready 3');
    expect(some).toContain('nodepool.target.used 1');
    expect(some).toContain('nodepool.target.jenkins01.precise.rax.ready 2');
    expect(some).toContain('nodepool.target.jenkins01.old.gone.ready 1');
  });
});

describe('the gauges of 0.3', () => {
  test('are sums by state, target, label and provider', () => {
    const some = lines([node(), node(), node({ state: 'used' }), node({ provider: 'gone', label: 'old' })], '0.3');
    expect(some).toEqual(
      expect.arrayContaining([
        'nodepool.nodes.ready 3',
        'nodepool.nodes.hold 0',
        'nodepool.target.jenkins01.nodes.used 1',
        'nodepool.label.precise.nodes.ready 2',
        'nodepool.label.old.nodes.ready 1',
        'nodepool.label.off.nodes.ready 0',
        'nodepool.provider.rax.nodes.ready 2',
        'nodepool.provider.hp.nodes.ready 0',
        'nodepool.provider.rax.max_servers 50',
      ]),
    );
    expect(some.join()).not.toContain('min_ready');
  });

  test('add up to the number of nodes, whatever there is', () => {
    const nodes = fc.array(
      fc.record({
        provider: fc.constantFrom('rax', 'hp', 'gone'),
        label: fc.constantFrom('precise', 'off', 'old'),
        target: fc.constantFrom('jenkins01', 'jenkins99'),
        state: fc.constantFrom(...nodeStates),
      }),
    );
    fc.assert(
      fc.property(nodes, some => {
        const gauges = new Gauges(config, some).all();
        for (const pattern of [
          /^nodepool\.nodes\.\w+$/,
          /^nodepool\.target\.\w+$/,
          /^nodepool\.target\.\w+\.nodes\.\w+$/,
          /^nodepool\.label\.\w+\.nodes\.\w+$/,
          /^nodepool\.provider\.\w+\.nodes\.\w+$/,
          /^nodepool\.target\.jenkins\d+\.(?!nodes)\w+\.\w+\.(building|ready|used|delete|hold|test)$/,
        ]) {
          const sum = gauges.filter(({ key }) => pattern.test(key)).reduce((all, { value }) => all + value, 0);
          expect(sum, String(pattern)).toBe(some.length);
        }
        expect(new Set(gauges.map(({ key }) => key)).size).toBe(gauges.length);
      }),
    );
  });
});

describe('gauges of nodes that change', () => {
  const nodes = fc.record({
    provider: fc.constantFrom('rax', 'hp', 'gone'),
    label: fc.constantFrom('precise', 'off', 'old'),
    target: fc.constantFrom('jenkins01', 'jenkins99'),
    state: fc.constantFrom(...nodeStates),
  });

  test('what is sent as they change comes to the same as counting anew', () => {
    fc.assert(
      fc.property(fc.array(nodes), fc.array(fc.array(nodes)), (first, rounds) => {
        const gauges = new Gauges(config, first);
        const sent = new Map(gauges.all().map(({ key, value }) => [key, value]));
        let before = first;
        for (const now of rounds) {
          for (const each of now) gauges.add(each, 1);
          for (const each of before) gauges.add(each, -1);
          for (const { key, value } of gauges.takeChanged()) sent.set(key, value);
          before = now;
          const anew = new Map(new Gauges(config, now).all().map(({ key, value }) => [key, value]));
          expect(new Map(gauges.all().map(({ key, value }) => [key, value]))).toEqual(anew);
          expect([...sent].filter(([, value]) => value > 0).sort()).toEqual(
            [...anew].filter(([, value]) => value > 0).sort(),
          );
        }
      }),
    );
  });

  test('what another configuration does not have becomes zero, once', () => {
    const before = new Gauges(config, [node()], of => of === '0.3');
    const after = new Gauges({ ...config, labels: config.labels.slice(0, 1) }, [node()], of => of === '0.3');
    expect(after.differentFrom(before)).toEqual(
      nodeStates.map(state => ({ key: `nodepool.label.off.nodes.${state}`, value: 0, of: '0.3' })),
    );
    expect(after.differentFrom(after)).toEqual([]);
  });
});

describe('the keys of a launch', () => {
  const where = { provider: 'rax', image: 'trusty', target: 'jenkins01', az: 'az1' };

  test('that ended well', () => {
    expect(launchKeys({ ...where, failure: null })).toEqual([
      { key: 'nodepool.launch.ready', of: null },
      { key: 'nodepool.launch.provider.rax.ready', of: null },
      { key: 'nodepool.launch.image.trusty.ready', of: null },
      { key: 'nodepool.launch.target.jenkins01.ready', of: null },
      { key: 'nodepool.launch.provider.rax.az1.ready', of: '0.3' },
    ]);
    expect(launchKeys({ ...where, az: null, failure: null })).toHaveLength(4);
  });

  test.each<[FaultKind, LaunchStep, string, string]>([
    ['cloud.no-image', 'create', 'nodepool', 'nodepool'],
    ['cloud.quota', 'create', 'unknown', 'unknown'],
    ['cloud.server-error', 'boot', 'status', 'status'],
    ['cloud.launch-timeout', 'boot', 'unknown', 'unknown'],
    ['cloud.no-address', 'boot', 'network', 'network'],
    ['cloud.timeout', 'address', 'unknown', 'ipadd'],
    ['ssh.timeout', 'ssh', 'unknown', 'ssh'],
    ['ssh.auth', 'ssh', 'auth', 'auth'],
  ])('%s at %s is error.%s to the seed and error.%s to 0.3', (kind, step, seed, later) => {
    const keys = launchKeys({ ...where, failure: { kind, step } });
    const sent = (of: 'seed' | '0.3') => keys.filter(key => key.of === null || key.of === of).map(({ key }) => key);
    const places = ['', 'provider.rax.', 'image.trusty.', 'target.jenkins01.'];
    const all = (ending: string) => places.map(place => `nodepool.launch.${place}error.${ending}`);
    expect(sent('seed')).toEqual([...all(seed), ...all(kind)]);
    expect(sent('0.3').filter(key => !key.includes('az1'))).toEqual([...all(later), ...all(kind)]);
    expect(sent('0.3')).toContain(`nodepool.launch.provider.rax.az1.error.${later}`);
  });
});
