import { describe, expect, test } from 'vitest';
import { changeText, diffConfig } from '../../src/domain/config-diff.js';
import { loadConfig } from '../../src/config/load.js';

const load = () => {
  const file = 'test/fixtures/openstack-2014-06.yaml';
  const result = loadConfig({ file, secureFile: null, env: {}, needsDatabase: true });
  if (result.kind === 'refused') throw new Error('the fixture is refused');
  return result.config;
};
const config = load();
const [first, ...others] = config.providers;
const [label, ...labels] = config.labels;
if (first === undefined || label === undefined) throw new Error('the fixture is empty');

describe('between two configurations', () => {
  test('that say the same nothing changes', () => expect(diffConfig(config, load())).toEqual([]));

  test('what is new and what is gone is named', () => {
    const after = { ...config, providers: others, zmqPublishers: [...config.zmqPublishers, 'tcp://new:1'] };
    expect(diffConfig(config, after)).toEqual([
      { kind: 'provider', name: 'rax-dfw', change: 'removed', keys: [] },
      { kind: 'publisher', name: 'tcp://new:1', change: 'added', keys: [] },
    ]);
    expect(diffConfig(after, config).map(({ change }) => change)).toEqual(['added', 'removed']);
  });

  test.each([
    ['region', { regionName: 'ORD' }, ['regionName']],
    ['key pair', { keypair: 'k' }, ['keypair']],
    ['an image deep inside', { images: first.images.map(image => ({ ...image, meta: { a: 'b' } })) }, ['images']],
    ['pace and size', { rateMs: 5, maxServers: 1 }, ['maxServers', 'rateMs']],
    ['the password, unseen', { credentials: { ...first.credentials, password: 'hunter2' } }, ['credentials']],
  ])('a change of %s is noticed', (_, change, keys) => {
    const changes = diffConfig(config, { ...config, providers: [{ ...first, ...change }, ...others] });
    expect(changes).toEqual([{ kind: 'provider', name: 'rax-dfw', change: 'changed', keys }]);
    expect(JSON.stringify(changes)).not.toContain('hunter2');
  });

  test('that a Gearman server is now spoken to by TLS is noticed', () => {
    const tls = { caFile: '/ca.pem', certFile: null, keyFile: null, isLegacy: false };
    const gearmanServers = config.gearmanServers.map(server => ({ ...server, tls }));
    expect(diffConfig(config, { ...config, gearmanServers }).map(changeText)).toEqual([
      'gearman zuul.openstack.org:4730: tls changed',
    ]);
  });

  test('settings are changes by name', () => {
    const after = {
      ...config,
      labels: [{ ...label, minReady: 1 }, ...labels],
      dburi: null,
      timings: { ...config.timings, poll: 1 },
    };
    expect(diffConfig(config, after)).toEqual([
      { kind: 'label', name: 'devstack-precise', change: 'changed', keys: ['minReady'] },
      { kind: 'setting', name: 'dburi', change: 'changed', keys: [] },
      { kind: 'setting', name: 'timings', change: 'changed', keys: ['poll'] },
    ]);
    expect(diffConfig(config, after).map(changeText)).toEqual([
      'label devstack-precise: min-ready changed',
      'dburi changed',
      'timings: poll changed',
    ]);
  });
});
