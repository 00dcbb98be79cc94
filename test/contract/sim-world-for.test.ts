import { fileURLToPath } from 'node:url';
import { afterEach, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.js';
import type { PoolConfig } from '../../src/domain/pool-config.js';
import { rewire, worldOptionsFor } from '../../src/sim/world-for.js';
import { startWorld, type World } from '../../src/sim/world.js';
import { poolConfig, snapshotImage } from '../support/pool-config.js';

const file = fileURLToPath(new URL('../fixtures/openstack-2014-06.yaml', import.meta.url));

let world: World | null = null;
afterEach(async () => {
  await world?.close();
  world = null;
});

function productionConfig(): PoolConfig {
  const read = loadConfig({ file, secureFile: null, env: {}, needsDatabase: true });
  if (read.kind === 'refused') throw new Error(JSON.stringify(read.problems));
  return read.config;
}

it('makes a cloud for each provider and a master for each target of the production file of 2014', () => {
  const config = productionConfig();
  const options = worldOptionsFor(config, { seed: 7, cloud: { bootMs: [1, 2] } });
  expect(options.clouds).toHaveLength(12);
  expect(options.masters.map(master => master.name)).toEqual(config.targets.map(target => target.name));
  expect(options.clouds.reduce((sum, cloud) => sum + (cloud.maxServers ?? 0), 0)).toBe(1138);
  const dfw = options.clouds.find(cloud => cloud.name === 'rax-dfw');
  expect(dfw).toMatchObject({ region: 'DFW', serviceName: 'cloudServersOpenStack', maxServers: 172, bootMs: [1, 2] });
  expect(options.seed).toBe(7);
});

it('gives every image of every provider a base image and a flavor to boot from', () => {
  const config = productionConfig();
  const clouds = new Map(worldOptionsFor(config).clouds.map(cloud => [cloud.name, cloud]));
  for (const provider of config.providers) {
    const { images = [], flavors = [] } = clouds.get(provider.name) ?? {};
    const names = images.flatMap(image => (typeof image === 'string' ? image : [image.id, image.name]));
    for (const image of provider.images) {
      expect(names).toContain(image.baseImage);
      const fits = flavors.some(
        flavor => flavor.ramMb >= image.minRamMb && flavor.name.includes(image.nameFilter ?? ''),
      );
      expect(fits, `${provider.name} ${image.name}`).toBe(true);
    }
  }
});

it('points a configuration at the world and changes nothing else', async () => {
  const config = productionConfig();
  world = await startWorld(worldOptionsFor(config));
  const rewired = rewire(config, world);
  expect(rewired.zmqPublishers).toEqual([...world.masters.values()].map(master => master.zmqEndpoint));
  expect(rewired.gearmanServers).toEqual([{ host: world.gearman?.host, port: world.gearman?.port }]);
  expect(rewired.labels).toBe(config.labels);
  for (const [index, provider] of rewired.providers.entries()) {
    const before = config.providers[index];
    const cloud = world.clouds.get(provider.name);
    expect(provider.credentials).toMatchObject({ username: cloud?.username, password: cloud?.password });
    const isV2 = before?.credentials.authUrl?.replace(/\/$/, '').endsWith('/v2.0') ?? false;
    expect(provider.credentials.authUrl).toBe(isV2 ? cloud?.authUrlV2 : cloud?.authUrl);
    const { privateKeyFile, port: sshPort } = world.ssh;
    expect(provider).toEqual({
      ...before,
      credentials: provider.credentials,
      regionName: provider.regionName,
      images: before?.images.map(image => ({ ...image, privateKeyFile, sshPort })),
      cloudImages: [],
    });
  }
  for (const target of rewired.targets) {
    const master = world.masters.get(target.name);
    expect(target.jenkins).toMatchObject({ url: master?.url, user: master?.user, apikey: master?.apikey });
  }
});

it('leaves a target without Jenkins as it is', async () => {
  const config = productionConfig();
  const [first, ...others] = config.targets.map(target => ({ ...target }));
  if (!first) throw new Error('no target');
  const changed = { ...config, providers: [], targets: [{ ...first, jenkins: null }, ...others] };
  const options = worldOptionsFor(changed, { gearman: 'none' });
  expect(options.masters).toHaveLength(others.length);
  world = await startWorld(options);
  const rewired = rewire(changed, world);
  expect(rewired.targets[0]).toEqual({ ...first, jenkins: null });
  expect(rewired.gearmanServers).toEqual([]);
});

it('an image that several are made of is there once, and no two have one id', () => {
  const images = ['a', 'b', 'c', 'd'].map(name =>
    snapshotImage({ name, baseImage: name === 'd' ? 'Fedora' : 'Ubuntu' }),
  );
  const [cloud] = worldOptionsFor(poolConfig({ providers: [{ name: 'alpha', images, cloudImages: [] }] })).clouds;
  const named = (cloud?.images ?? []).flatMap(image => (typeof image === 'string' ? [] : [image]));
  expect(named.map(({ name }) => name)).toEqual(['Ubuntu', 'Fedora']);
  expect(new Set(named.map(({ id }) => id)).size).toBe(2);
});
