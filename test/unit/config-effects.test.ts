import { expect, test } from 'vitest';
import { effectsOf, peaksOf } from '../../src/domain/config-effects.js';
import type { PoolConfig, SnapshotImageConfig } from '../../src/domain/pool-config.js';
import { Stock } from '../../src/domain/stock.js';
import { poolConfig, snapshotImage } from '../support/pool-config.js';

const image = (patch: Partial<SnapshotImageConfig> = {}): SnapshotImageConfig =>
  snapshotImage({ name: 'trusty', ...patch });
const withImages = (...images: SnapshotImageConfig[]): PoolConfig =>
  poolConfig({
    labels: [{ name: 'bare', image: 'trusty', subnodes: 1 }],
    providers: [{ name: 'alpha', images, cloudImages: [] }],
  });
const effects = (before: PoolConfig, after: PoolConfig, started = before) =>
  effectsOf({ before, after }, started, new Stock()).map(({ effect, what }) => `${effect} ${what}`);

test('the same configuration does nothing', () => {
  expect(effects(withImages(image()), withImages(image()))).toEqual([]);
});

test('images come, go, and are made in another way; those that no label uses are left out', () => {
  const without = withImages();
  expect(effects(without, withImages(image()))).toEqual(['build image alpha/trusty']);
  expect(effects(withImages(image()), without)).toEqual(['stop image alpha/trusty']);
  expect(effects(withImages(image()), withImages(image({ setup: 'other.sh' })))).toEqual([
    'rebuild image alpha/trusty',
  ]);
  expect(effects(withImages(image()), withImages(image(), image({ name: 'unused' })))).toEqual([]);
});

test('a disabled label drains, and what it used is built no more', () => {
  const before = withImages(image());
  const after = { ...before, labels: before.labels.map(label => ({ ...label, minReady: -1 })) };
  expect(effects(before, after)).toEqual(['stop label bare', 'stop image alpha/trusty']);
});

test('masters, publishers and Gearman servers are connected to and left; some keys want a restart', () => {
  const before = withImages(image());
  const after: PoolConfig = {
    ...before,
    targets: [],
    zmqPublishers: ['tcp://other:8888'],
    dburi: 'mysql://elsewhere/nodepool',
  };
  expect(effects(before, after)).toEqual([
    'stop target jenkins01',
    `stop publisher ${before.zmqPublishers[0] ?? ''}`,
    'start publisher tcp://other:8888',
    'restart dburi',
  ]);
  expect(effects(after, after, before)).toEqual(['restart dburi']);
});

test('the peak counts groups by their servers, and the templates of new images', () => {
  const grants = [{ label: 'bare', provider: 'alpha', target: 'jenkins01', count: 3 }];
  const after = withImages(image());
  const [peak] = peaksOf({ before: withImages(), after }, { grants }, new Stock());
  expect(peak).toMatchObject({ provider: 'alpha', servers: 0, launched: 6, templates: 1, peak: 7 });
  expect(peaksOf({ before: after, after }, { grants }, new Stock())).toMatchObject([{ templates: 0, peak: 6 }]);
});

test('a label that leaves one of its providers drains there, and one that comes to another starts there', () => {
  const of = (providers: readonly string[]): PoolConfig =>
    poolConfig({
      labels: [{ name: 'bare', providers: [...providers] }],
      providers: [{ name: 'alpha' }, { name: 'beta' }],
    });
  expect(effects(of(['alpha']), of(['beta']))).toEqual(['stop label bare in alpha', 'start label bare in beta']);
  const withoutAlpha = { ...of(['beta']), providers: of(['beta']).providers.filter(({ name }) => name === 'beta') };
  expect(effects(of(['alpha', 'beta']), withoutAlpha)).toEqual(['stop provider alpha']);
});

test('an image of the cloud that is another one is launched from, and not built', () => {
  const before = poolConfig();
  const after: PoolConfig = {
    ...before,
    providers: before.providers.map(provider => ({
      ...provider,
      cloudImages: provider.cloudImages.map(each => ({ ...each, imageName: 'newer' })),
    })),
  };
  expect(effects(before, after)).toEqual([
    `start cloud image ${before.providers[0]?.name ?? ''}/${before.providers[0]?.cloudImages[0]?.name ?? ''}`,
  ]);
});
