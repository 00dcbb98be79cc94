import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { flavorId } from '../../src/domain/ids.js';
import type { Network } from '../../src/domain/pool-config.js';
import type { ServerSpec } from '../../src/ports/cloud.js';
import { startPool, type Pool } from '../support/pool.js';
import { cloudImage } from '../support/pool-config.js';

const network = (rest: Partial<Network>): Network => ({
  id: null,
  name: null,
  portId: null,
  fixedIp: null,
  isPublic: false,
  ...rest,
});

function specs(pool: Pool, provider = 'alpha'): ServerSpec[] {
  return pool
    .cloud(provider)
    .callsOf('createServer')
    .map(({ subject }) => subject as ServerSpec);
}

test('lesson 30: a quota is discovered, combined with max-servers, and no launch is spent on finding it out', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 10 }],
    providers: [{ name: 'alpha', maxServers: 20 }],
    before: world => {
      world.cloud().serversMax = 6;
      world.cloud().addForeign('database-1');
      world.cloud().addForeign('database-2');
    },
  });
  await pool.advance(300_000);
  expect(pool.in('ready')).toHaveLength(4);
  expect(pool.state('/providers/alpha/cloud')).toContain('the quota leaves 4 of 20 servers');
  // The first round may have come before the quota was known.
  expect(pool.cloud().callsOf('createServer').length).toBeLessThanOrEqual(11);
  const asked = pool.cloud().callsOf('createServer').length;
  await pool.advance(600_000);
  expect(pool.cloud().callsOf('createServer')).toHaveLength(asked);
  pool.cloud().serversMax = 12;
  await pool.rest();
  expect(pool.in('ready')).toHaveLength(10);
});

test('nodes are launched where they can begin at once, though there is more room elsewhere', async () => {
  const concurrency = { workers: 1, calls: 8, launches: 2, deletes: 40, imageBuilds: 2 };
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 3, providers: ['alpha', 'beta'] }],
    providers: [
      { name: 'alpha', maxServers: 40, concurrency },
      { name: 'beta', maxServers: 10 },
    ],
    before: world => (world.cloud('alpha').bootMs = 300_000),
  });
  await pool.until(
    () => pool.rows().filter(({ provider, state }) => provider === 'alpha' && state === 'building').length >= 2,
  );
  pool.jobsWait('bare', 4);
  await pool.until(() => pool.rows().length === 7);
  expect(pool.rows().filter(({ provider }) => provider === 'beta').length).toBeGreaterThanOrEqual(4);
});

test('max-cores and max-ram bound the machines of all labels together', async () => {
  const pool = await startPool({
    labels: [
      { name: 'bare', minReady: 4 },
      { name: 'other', minReady: 4 },
    ],
    providers: [{ name: 'alpha', maxServers: 20, maxCores: 20 }],
  });
  await pool.advance(300_000);
  // Each takes four cores.
  expect(pool.in('ready')).toHaveLength(5);
  expect(pool.state('/pool')).toContain('max-cores-or-ram');
  pool.check();
});

test('a quota that is to be ignored is not even read', async () => {
  const pool = await startPool({ providers: [{ name: 'alpha', ignoreProviderQuota: true }] });
  await pool.rest();
  expect(pool.cloud().callsOf('quota')).toEqual([]);
});

test('a cloud that does not tell its quota is used all the same', async () => {
  const pool = await startPool({
    before: world => world.cloud().always('quota', new Fault('cloud.auth', 'forbidden')),
  });
  await pool.rest();
  expect(pool.state('/providers/alpha/cloud')).toMatch(/^well;/);
  pool.checkAtRest();
});

test('a zone without a host for the flavor is left alone for a while, and the other zone is used', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 6 }],
    providers: [{ name: 'alpha', availabilityZones: ['nova', 'full'] }],
    before: world => {
      world.cloud().azs.push('full');
      world.cloud().fullZones.add('full');
    },
  });
  await pool.rest();
  expect(pool.in('ready').map(row => row.az)).toEqual(Array.from({ length: 6 }, () => 'nova'));
  expect(pool.state('/providers/alpha/cloud')).toMatch(
    /no m1\.medium in full: cloud\.no-capacity: No valid host was found/,
  );
  const asked = specs(pool).filter(({ az }) => az === 'full').length;
  for (const { id } of pool.in('ready').slice(0, 3)) await pool.delete(id);
  await pool.until(() => pool.in('ready').length === 6 && pool.in('delete').length === 0);
  expect(specs(pool).filter(({ az }) => az === 'full')).toHaveLength(asked);
  pool.cloud().fullZones.clear();
  await pool.advance(3_600_000);
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.rest();
  expect(pool.state('/providers/alpha/cloud')).not.toContain('No valid host');
  pool.checkAtRest();
});

test('a flavor without a host in one zone is short there alone: it goes elsewhere, and others go there', async () => {
  const pool = await startPool({
    labels: [
      { name: 'bare', minReady: 6 },
      { name: 'big', image: 'large', minReady: 4 },
    ],
    providers: [
      {
        name: 'alpha',
        maxServers: 20,
        availabilityZones: ['nova', 'west'],
        cloudImages: [cloudImage, { ...cloudImage, name: 'large', minRamMb: 16_384 }],
      },
    ],
    before: world => {
      world.cloud().azs.push('west');
      world.cloud().flavors.push({ id: flavorId('flavor-2'), name: 'm1.large', ramMb: 16_384, cores: 8 });
      world.cloud().fullZones.add('west/flavor-2');
    },
  });
  await pool.until(() => pool.state('/providers/alpha/cloud')?.includes('no m1.large in west') ?? false);
  await pool.rest();
  const before = specs(pool).length;
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.rest();
  const since = specs(pool).slice(before);
  expect(since.filter(({ az, flavorId: flavor }) => az === 'west' && flavor === 'flavor-2')).toEqual([]);
  expect(since.filter(({ az }) => az === 'west').length).toBeGreaterThan(0);
  expect(pool.in('ready', 'big').map(({ az }) => az)).toEqual(['nova', 'nova', 'nova', 'nova']);
});

test('with no host in any zone the provider says so, and the launches go elsewhere', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 4 }],
    providers: [{ name: 'alpha' }, { name: 'beta' }],
  });
  pool.cloud('alpha').fullZones.add('nova');
  await pool.rest();
  expect(pool.servers('beta')).toHaveLength(4);
  expect(specs(pool).length).toBeLessThanOrEqual(8);
  pool.checkAtRest();
});

test('networks are found by name, each interface in its place', async () => {
  const pool = await startPool({
    providers: [{ name: 'alpha', networks: [network({ name: 'public' }), network({ id: 'network-2' })] }],
  });
  await pool.rest();
  const named = pool.cloud().networks.find(({ name }) => name === 'public');
  expect(specs(pool)[0]?.networks).toEqual([
    { id: named?.id, portId: null, fixedIp: null },
    { id: 'network-2', portId: null, fixedIp: null },
  ]);
});

test.each([
  [
    'a flavor',
    { cloudImages: [{ ...cloudImage, flavorName: 'm1.huge' }] },
    'no flavor with 8192 MB or more named m1.huge',
  ],
  ['a network', { networks: [network({ name: 'nowhere' })] }, 'no network nowhere; it has'],
])(
  '%s that the cloud does not have is a named fault in the tree before anything is launched',
  async (_, wish, words) => {
    const pool = await startPool({
      labels: [{ name: 'bare', minReady: 2 }],
      providers: [{ name: 'alpha', ...wish }, { name: 'beta' }],
    });
    await pool.rest();
    expect(pool.state('/providers/alpha/cloud')).toContain(words);
    expect(specs(pool)).toEqual([]);
    expect(pool.servers('beta')).toHaveLength(2);
    pool.checkAtRest();
  },
);
