import { describe, expect, test } from 'vitest';
import { changeText, diffConfig } from '../../src/domain/config-diff.js';
import { loadConfig } from '../../src/config/load.js';
import type { DiskImage } from '../../src/domain/pool-config.js';

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
      { kind: 'provider', name: 'rax-dfw', change: 'removed', keys: [], details: '' },
      { kind: 'publisher', name: 'tcp://new:1', change: 'added', keys: [], details: '' },
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
    expect(changes).toMatchObject([{ kind: 'provider', name: 'rax-dfw', change: 'changed', keys }]);
    expect(JSON.stringify(changes)).not.toContain('hunter2');
  });

  test('that a Gearman server is now spoken to by TLS is noticed', () => {
    const tls = { caFile: '/ca.pem', certFile: null, keyFile: null, isLegacy: false };
    const gearmanServers = config.gearmanServers.map(server => ({ ...server, tls }));
    expect(diffConfig(config, { ...config, gearmanServers }).map(changeText)).toEqual([
      'gearman zuul.openstack.org:4730: tls added',
    ]);
  });

  test('settings are changes by name', () => {
    const after = {
      ...config,
      labels: [{ ...label, minReady: 1 }, ...labels],
      dburi: null,
      timings: { ...config.timings, poll: 1 },
    };
    expect(diffConfig(config, after)).toMatchObject([
      { kind: 'label', name: 'devstack-precise', change: 'changed', keys: ['minReady'] },
      { kind: 'setting', name: 'dburi', change: 'changed', keys: [] },
      { kind: 'setting', name: 'timings', change: 'changed', keys: ['poll'] },
    ]);
    expect(diffConfig(config, after).map(changeText)).toEqual([
      'label devstack-precise: min-ready 42 → 1',
      'dburi mysql://nodepool:***@localhost/nodepool → none',
      'timings.poll 2 → 0.001',
    ]);
  });
});

describe('a change says, in the words of the file, what was and what will be:', () => {
  const { images, credentials, concurrency } = first;
  const [image] = images;
  if (image === undefined) throw new Error('the fixture has no image');
  const network = { id: 'n1', name: null, portId: null, fixedIp: null, isPublic: false };
  const withNetwork = { ...first, networks: [network] };
  test.each<[string, typeof first, Partial<typeof first>]>([
    ['max-servers 172 → 20', first, { maxServers: 20 }],
    ['boot-timeout 120 → 90.5, max-ram none → 8192', first, { bootTimeoutMs: 90_500, maxRamMb: 8192 }],
    ['concurrency.image-builds 2 → 4', first, { concurrency: { ...concurrency, imageBuilds: 4 } }],
    ['availability-zones.az1 added', first, { availabilityZones: ['az1'] }],
    [
      'availability-zones in another order',
      { ...first, availabilityZones: ['a', 'b'] },
      { availabilityZones: ['b', 'a'] },
    ],
    ['images.devstack-precise removed', first, { images: images.slice(1) }],
    ['images.New added', { ...first, images: [] }, { images: [{ ...image, name: 'New' }] }],
    [
      'images.devstack-precise.pause false → true, images.devstack-precise.meta.OS_Name none → p',
      first,
      { images: images.map(each => (each === image ? { ...image, isPaused: true, meta: { OS_Name: 'p' } } : each)) },
    ],
    ['networks.n1.public false → true', withNetwork, { networks: [{ ...network, isPublic: true }] }],
    ['networks changed', withNetwork, { networks: [network, { ...network, fixedIp: '10.0.0.9' }] }],
    ['password changed', first, { credentials: { ...credentials, password: 'hunter2' } }],
    ['password none → ***', { ...first, credentials: { ...credentials, password: null } }, { credentials }],
    [
      'application-credential added',
      first,
      { credentials: { ...credentials, applicationCredential: { credential: { id: 'x' }, secret: 'hunter2' } } },
    ],
    [
      'cacert changed',
      { ...first, credentials: { ...credentials, caCertificates: 'A' } },
      { credentials: { ...credentials, caCertificates: 'B' } },
    ],
    [
      'auth-url https://u:***@a/v2 → https://b/v2',
      { ...first, credentials: { ...credentials, authUrl: 'https://u:hunter2@a/v2' } },
      { credentials: { ...credentials, authUrl: 'https://b/v2' } },
    ],
  ])('%s', (text, before, change) => {
    const changes = diffConfig(
      { ...config, providers: [before] },
      { ...config, providers: [{ ...before, ...change }] },
    ).map(changeText);
    expect(changes).toEqual([`provider rax-dfw: ${text}`]);
  });

  test('a password of dburi is in none of its forms told', () => {
    const withUri = (dburi: string) => ({ ...config, dburi });
    const told = (before: string, after: string) => diffConfig(withUri(before), withUri(after)).map(changeText);
    expect(told('embedded:', 'mysql://np:p@ss/w:rd#1@db:3306/np')).toEqual([
      'dburi embedded: → mysql://np:***@db:3306/np',
    ]);
    expect(told('mysql://np:old@db/np', 'mysql://np:new@db/np')).toEqual(['dburi changed']);
  });

  test('keys of a master, of the environment of a build, and of whole sections', () => {
    const [target] = config.targets;
    const jenkins = target?.jenkins ?? null;
    if (target === undefined || jenkins === null) throw new Error('the fixture has no master');
    const told = (before: object, after: object) =>
      diffConfig({ ...config, ...before }, { ...config, ...after }).map(changeText);
    const master = (change: object) => ({ targets: [{ ...target, jenkins: { ...jenkins, ...change } }] });
    expect(told(master({}), master({ apikey: 'hunter2', testJob: 'check' }))).toEqual([
      `target ${target.name}: jenkins.apikey changed, jenkins.test-job none → check`,
    ]);
    expect(told({ targets: [{ ...target, jenkins: null }] }, master({}))).toEqual([
      `target ${target.name}: jenkins added`,
    ]);
    const image = { name: 'd', envVars: { DIB_Token: 'hunter2' } } as unknown as DiskImage;
    const other = { ...image, envVars: { DIB_Token: 'hunter3' } };
    expect(told({ diskimages: [image] }, { diskimages: [other] })).toEqual(['diskimage d: env-vars.DIB_Token changed']);
    const buildLogs = { dir: '/var/log/builds', retention: 9 };
    expect(told({}, { buildLogs })).toEqual(['build-log-dir none → /var/log/builds, build-log-retention 7 → 9']);
  });

  test('of many differences some are told, and how many there are more', () => {
    const availabilityZones = Array.from({ length: 20 }, (_, index) => `az${index}`);
    const [text] = diffConfig(config, { ...config, providers: [{ ...first, availabilityZones }, ...others] }).map(
      changeText,
    );
    expect(text).toMatch(/availability-zones.az11 added and 8 more$/);
  });
});
