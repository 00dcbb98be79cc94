import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { networkId } from '../../src/domain/ids.js';
import { startPool, type Pool, type PoolWish } from '../support/pool.js';

/** A cloud whose servers have private addresses alone. */
function startPrivate({ before, ...wish }: PoolWish = {}): Promise<Pool> {
  return startPool({
    labels: [{ name: 'bare', minReady: 1 }],
    ...wish,
    before(pool) {
      for (const cloud of pool.clouds.values()) {
        cloud.isPrivate = true;
        cloud.networks.shift();
        cloud.networks.push({ id: networkId('inner'), name: 'inner', isExternal: false });
      }
      before?.(pool);
    },
  });
}

function checkNoAddressLeft(pool: Pool): void {
  const named = new Set(pool.rows().map(row => row.addressId));
  expect(pool.cloud().addresses.filter(({ id }) => !named.has(id))).toEqual([]);
}

test('a server without a public address gets a floating one, by which it is reached and registered', async () => {
  const pool = await startPrivate();
  await pool.rest();
  const { ip, ipPrivate, addressId, tag, serverId } = pool.one('ready');
  expect(pool.cloud().addresses).toEqual([{ id: addressId, ip, tag, serverId }]);
  expect(ipPrivate).toMatch(/^10\.0\./);
  expect([...pool.master().slaves.values()]).toMatchObject([{ spec: { host: ip } }]);
  pool.checkAtRest();
});

test('a server with a public address is not given another', async () => {
  const pool = await startPool({ providers: [{ name: 'alpha', pool: 'ext' }] });
  await pool.rest();
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.rest();
  expect(pool.cloud().callsOf('createAddress')).toEqual([]);
  expect(pool.cloud().callsOf('deleteAddress')).toEqual([]);
});

test('an address goes with its node, and its id is on the row before', async () => {
  const pool = await startPrivate();
  await pool.rest();
  const { id, addressId } = pool.one('ready');
  await pool.delete(id);
  await pool.until(() => pool.row(id)?.step === 'addresses');
  expect(pool.row(id)).toMatchObject({ addressId });
  expect(pool.servers()).not.toContain(pool.row(id)?.serverId);
  await pool.rest();
  expect(pool.cloud().addresses.map(each => each.id)).toEqual([pool.one('ready').addressId]);
  pool.checkAtRest();
});

test('a release that fails after the server is gone is tried until it is done, lesson 5', async () => {
  const pool = await startPrivate();
  await pool.rest();
  const { id } = pool.one('ready');
  const broken = new Fault('cloud.error', 'neutron is on fire');
  pool.cloud().next('deleteAddress', broken, broken, broken);
  await pool.delete(id);
  await pool.until(() => pool.row(id)?.lastError?.includes('neutron is on fire') === true);
  expect(pool.row(id)?.step).toBe('addresses');
  await pool.until(() => pool.row(id) === null);
  await pool.rest();
  checkNoAddressLeft(pool);
  pool.checkAtRest();
});

test('a node whose address is yet to be released takes no room any more', async () => {
  const pool = await startPrivate({ providers: [{ name: 'alpha', maxServers: 1 }] });
  await pool.rest();
  const { id } = pool.one('ready');
  pool.cloud().always('deleteAddress', new Fault('cloud.error', 'neutron is on fire'));
  await pool.delete(id);
  await pool.until(() => pool.in('ready').length === 1);
  expect(pool.row(id)?.step).toBe('addresses');
  pool.cloud().always('deleteAddress', null);
  await pool.until(() => pool.row(id) === null);
  await pool.rest();
  pool.checkAtRest();
});

test('a deletion lists no addresses where the row knows its own, or needs none, lesson 20', async () => {
  const pool = await startPrivate({ labels: [{ name: 'bare', minReady: 8 }] });
  await pool.rest();
  // The first sweeps look at everything.
  await pool.advance(120_000);
  const before = pool.cloud().callsOf('listAddresses').length;
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.rest();
  expect(pool.cloud().callsOf('listAddresses')).toHaveLength(before);
  expect(pool.cloud().callsOf('deleteAddress')).toHaveLength(8);
  pool.checkAtRest();
});

test('an address whose answer is lost is found by its mark, and not asked for twice', async () => {
  const pool = await startPrivate();
  pool.cloud().next('createAddress', { loseReply: new Fault('cloud.unreachable', 'connection reset') });
  await pool.rest();
  expect(pool.cloud().callsOf('createAddress')).toHaveLength(1);
  expect(pool.cloud().addresses).toHaveLength(1);
  expect(pool.one('ready').addressId).toBe(pool.cloud().addresses[0]?.id);
  pool.checkAtRest();
});

test('an address that was never made is asked for anew', async () => {
  const pool = await startPrivate();
  pool.cloud().next('createAddress', 'hang');
  await pool.rest();
  expect(pool.cloud().callsOf('createAddress')).toHaveLength(2);
  expect(pool.cloud().addresses).toHaveLength(1);
  pool.checkAtRest();
});

test('a found address that is attached to nothing is attached, and not replaced', async () => {
  const pool = await startPrivate();
  pool.cloud().next('createAddress', 'hang');
  await pool.until(() => pool.cloud().callsOf('createAddress').length === 1);
  const id = pool.cloud().addAddress(pool.one('building').tag);
  await pool.rest();
  expect(pool.one('ready')).toMatchObject({ addressId: id });
  expect(pool.cloud().addresses).toMatchObject([{ id, serverId: pool.one('ready').serverId }]);
  pool.checkAtRest();
});

test('a crash at whatever moment of a launch and a delete leaves no address, lesson 6', async () => {
  for (let n = 0; n < 16; n++) {
    const pool = await startPrivate({ seed: n });
    pool.cloud().next('createAddress', { delayMs: 1_500 });
    await pool.until(() => pool.rows().some(row => row.step === 'address'));
    await pool.advance(n * 150);
    pool.crash();
    await pool.restart();
    await pool.rest();
    expect(pool.cloud().callsOf('createAddress').length, `crashed at ${n}`).toBeLessThanOrEqual(2);
    const { id } = pool.one('ready');
    pool.cloud().next('deleteAddress', { delayMs: 1_500 });
    await pool.delete(id);
    await pool.advance(2_000 + n * 350);
    pool.crash();
    await pool.restart();
    await pool.until(() => pool.row(id) === null);
    await pool.rest();
    checkNoAddressLeft(pool);
    pool.checkAtRest();
  }
});

test('a node that is deleted while its address is being made takes it with it', async () => {
  const pool = await startPrivate({ labels: [{ name: 'bare', minReady: 1 }] });
  pool.cloud().next('createAddress', { delayMs: 55_000 });
  await pool.until(() => pool.cloud().callsOf('createAddress').length === 1);
  const { id } = pool.one('building');
  pool.crash();
  await pool.restart();
  await pool.advance(2_000);
  await pool.delete(id);
  await pool.until(() => pool.row(id) === null);
  await pool.rest();
  checkNoAddressLeft(pool);
  pool.checkAtRest();
});

test('a network service that is away keeps no server alive', async () => {
  const pool = await startPrivate();
  pool.cloud().next('createAddress', { loseReply: new Fault('cloud.timeout', 'no answer') });
  await pool.until(() => pool.cloud().addresses.length === 1);
  const { id, serverId } = pool.one('building');
  pool.cloud().always(['listAddresses', 'createAddress'], new Fault('cloud.conflict', 'the network service is away'));
  await pool.delete(id);
  await pool.until(() => pool.row(id)?.step === 'addresses');
  expect(pool.servers()).not.toContain(serverId);
  pool.cloud().always(['listAddresses', 'createAddress'], null);
  await pool.until(() => pool.row(id) === null);
  await pool.rest();
  checkNoAddressLeft(pool);
  pool.checkAtRest();
});

test('a cloud that is out of addresses gets fewer nodes, and the others more', async () => {
  const pool = await startPrivate({
    labels: [{ name: 'bare', minReady: 4 }],
    providers: [{ name: 'alpha' }, { name: 'beta' }],
    before: world => (world.cloud('alpha').addressesMax = 1),
  });
  await pool.rest();
  expect(pool.servers('alpha')).toHaveLength(1);
  expect(pool.servers('beta')).toHaveLength(3);
  // Refused once at most by each launch that was under way before the quota was known.
  expect(pool.cloud('alpha').callsOf('createAddress').length).toBeLessThan(8);
  pool.checkAtRest();
});

test('a cloud that has neither public nor floating addresses is named, with what to do', async () => {
  const pool = await startPrivate();
  pool.cloud().always('createAddress', new Fault('cloud.no-address', 'the cloud has no external network'));
  await pool.advance(120_000);
  expect(pool.in('ready')).toEqual([]);
  expect(pool.log.find(line => line.message.includes('its launch failed at address'))).toMatchObject({
    fault: 'cloud.no-address',
    next: 'check networks and floating addresses of the provider',
  });
});

test('the address of a node that the original left is released with its server', async () => {
  const pool = await startPrivate();
  await pool.rest();
  const row = pool.one('ready');
  pool.crash();
  pool.store.database.nodes.set(row.id, { ...row, tag: null, addressId: null, addressSentAt: null, sentAt: null });
  await pool.restart();
  await pool.rest();
  await pool.delete(row.id);
  await pool.until(() => pool.row(row.id) === null);
  await pool.rest();
  checkNoAddressLeft(pool);
  pool.checkAtRest();
});

test('lesson 174: the log says which addresses a server has, of both families, and of which node it is', async () => {
  const before = (pool: Pool): void => void (pool.cloud('beta').hasIpv6 = true);
  const pool = await startPool({ providers: [{ name: 'alpha' }, { name: 'beta', ipv6Preferred: true }], before });
  await pool.rest();
  const [alpha, beta] = ['alpha', 'beta'].map(name => pool.rows().find(({ provider }) => provider === name));
  expect([alpha?.ip, beta?.ip]).toEqual(['192.0.2.1', '2001:db8::1']);
  const lines = pool.log.filter(({ message }) => message.includes('is active'));
  expect(lines.map(({ node, provider, message }) => [node, provider, message]).toSorted()).toEqual(
    [
      [alpha?.id, 'alpha', `node ${alpha?.id}: server server-1 is active: IPv4 192.0.2.1, IPv6 none`],
      [beta?.id, 'beta', `node ${beta?.id}: server server-1 is active: IPv4 192.0.2.1, IPv6 2001:db8::1`],
    ].toSorted(),
  );
});
