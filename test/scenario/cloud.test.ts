import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { startPool } from '../support/pool.js';

const one = { labels: [{ name: 'bare', minReady: 1 }] };
const two = { labels: [{ name: 'bare', minReady: 4 }], providers: [{ name: 'alpha' }, { name: 'beta' }] };

test('a create refused by quota closes the provider for a while, and the nodes go elsewhere', async () => {
  const pool = await startPool(two);
  pool.cloud('alpha').serversMax = 0;
  await pool.rest();
  expect(pool.servers('beta')).toHaveLength(4);
  const asked = pool.cloud('alpha').callsOf('createServer').length;
  pool.checkAtRest();
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.rest();
  expect(pool.cloud('alpha').callsOf('createServer').length - asked).toBeLessThan(8);
  pool.checkAtRest();
});

test('a provider with quota again is used again', async () => {
  const pool = await startPool(one);
  pool.cloud().serversMax = 0;
  await pool.advance(120_000);
  expect(pool.in('ready')).toEqual([]);
  // About one try in each pause.
  expect(pool.cloud().callsOf('createServer').length).toBeLessThan(15);
  pool.cloud().serversMax = 10;
  await pool.rest();
  pool.checkAtRest();
});

test('a provider that is down for ten minutes does not disturb the other, and comes back', async () => {
  const pool = await startPool(two);
  await pool.rest();
  pool.cloud('alpha').down();
  const gone = pool.in('ready').filter(row => row.provider === 'alpha');
  for (const { id } of gone) await pool.delete(id);
  await pool.advance(600_000);
  // What alpha was given before its trouble was known waits for it; all the rest goes elsewhere.
  expect(pool.servers('beta').length).toBeGreaterThanOrEqual(3);
  expect(pool.in('delete')).toHaveLength(gone.length);
  expect(pool.servers('alpha')).toHaveLength(gone.length);
  for (const { id } of pool.in('ready').slice(0, 2)) await pool.delete(id);
  await pool.until(() => pool.in('ready').length >= 3, 60_000);
  pool.cloud('alpha').down(null);
  await pool.rest();
  pool.checkAtRest();
});

test('a provider that goes down in the middle of its launches finishes them when it is back', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 4 }] });
  await pool.until(() => pool.servers().length === 4);
  pool.cloud().down();
  await pool.advance(600_000);
  pool.cloud().down(null);
  await pool.rest();
  expect(pool.cloud().serversPeak).toBe(4);
  pool.checkAtRest();
});

test('a server that goes to ERROR is deleted and replaced', async () => {
  const pool = await startPool(one);
  await pool.until(() => pool.servers().length === 1);
  const [server] = pool.servers();
  if (server) pool.cloud().fail(server, 'Failed to prepare the block device.');
  await pool.rest();
  expect(pool.servers()).not.toContain(server);
  expect(pool.stats.counts.get('nodepool.launch.error.cloud.server-error')).toBe(1);
  pool.checkAtRest();
});

test('a server that vanishes while it boots is not waited for, lesson 26', async () => {
  const pool = await startPool(one);
  pool.cloud().bootMs = 60_000;
  await pool.until(() => pool.rows().some(row => row.step === 'boot'));
  await pool.advance(10_000);
  const [server] = pool.servers();
  if (server) pool.cloud().vanish(server);
  await pool.advance(30_000);
  expect(pool.rows().map(row => row.serverId)).not.toContain(server);
  await pool.rest();
  pool.checkAtRest();
});

test('a list older than a server does not make that server gone', async () => {
  const pool = await startPool(one);
  pool.cloud().listLagMs = 15_000;
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(1);
  pool.checkAtRest();
});

test('a fresh server that no list shows yet is deleted before its row goes, lesson 3', async () => {
  const pool = await startPool(one);
  pool.cloud().listLagMs = 15_000;
  pool.cloud().deleteMs = 30_000;
  await pool.until(() => pool.rows().some(row => row.step === 'boot'));
  const row = pool.one('building');
  await pool.delete(row.id);
  await pool.until(() => pool.row(row.id) === null);
  expect(pool.servers()).not.toContain(row.serverId);
});

test('a machine that SSH never reaches is replaced', async () => {
  const pool = await startPool(one);
  pool.sshAnswer = ({ host }) => (host === '192.0.2.1' ? 'ssh.unreachable' : null);
  await pool.rest(1_200_000);
  expect(pool.servers()).toEqual(['server-2']);
  expect(pool.stats.counts.get('nodepool.launch.error.ssh.unreachable')).toBe(1);
  pool.checkAtRest();
});

test('machines that never come up make the provider wait longer and longer between launches', async () => {
  const pool = await startPool({ ...one, providers: [{ name: 'alpha', bootTimeoutMs: 20_000 }] });
  pool.sshAnswer = () => 'ssh.unreachable';
  await pool.advance(3_600_000);
  expect(pool.cloud().callsOf('createServer').length).toBeLessThan(25);
  pool.sshAnswer = () => null;
  await pool.rest(1_200_000);
  pool.checkAtRest();
});

test('a server that never becomes ACTIVE is given up when the launch timeout is over', async () => {
  const pool = await startPool({ ...one, providers: [{ name: 'alpha', launchTimeoutMs: 300_000 }] });
  pool.cloud().bootMs = 3_600_000;
  await pool.until(() => pool.servers().length === 1);
  pool.cloud().bootMs = 20_000;
  await pool.advance(330_000);
  await pool.rest();
  expect(pool.servers()).toEqual(['server-2']);
  pool.checkAtRest();
});

test('a server that cannot be deleted does not keep the others from being deleted', async () => {
  const concurrency = { workers: 1, calls: 8, launches: 40, deletes: 1, imageBuilds: 2 };
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 2 }],
    providers: [{ name: 'alpha', concurrency }],
  });
  await pool.rest();
  const [locked, other] = pool.in('ready');
  const conflict = new Fault('cloud.conflict', 'the server is locked');
  pool.cloud().next('deleteServer', ...Array.from({ length: 4 }, () => conflict));
  await pool.delete(Number(locked?.id));
  await pool.advance(1_000);
  pool.cloud().next('deleteServer');
  await pool.delete(Number(other?.id));
  await pool.advance(400_000);
  expect(pool.row(Number(other?.id))).toBeNull();
  await pool.rest();
  pool.checkAtRest();
});

test('deletes that the cloud accepts but does not carry out are asked again until they are', async () => {
  const pool = await startPool({ ...one, timings: { serverDelete: 60_000 } });
  await pool.rest();
  pool.cloud().deleteMs = 200_000;
  await pool.delete(pool.one('ready').id);
  await pool.advance(400_000);
  await pool.rest();
  pool.checkAtRest();
});

test('an image that disappears closes its provider, and one that comes opens it', async () => {
  const pool = await startPool({ ...one, before: world => world.cloud().images.splice(0) });
  await pool.advance(300_000);
  expect(pool.rows()).toEqual([]);
  expect(pool.state('/providers/alpha/images/img')).toContain('no active image img');
  pool.cloud().images.push({ id: 'image-img' as never, name: 'img', status: 'active', metadata: {} });
  await pool.rest(1_200_000);
  pool.checkAtRest();
});

test('servers of strangers in the project are left alone', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }] });
  const foreign = pool.cloud().addForeign('database-1');
  await pool.rest();
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.rest();
  expect(pool.servers()).toContain(foreign);
  expect(pool.servers()).toHaveLength(3);
});

test('a cloud that limits the rate is left alone for as long as it asks', async () => {
  const pool = await startPool(one);
  pool.cloud().next('createServer', new Fault('cloud.rate-limited', 'slow down', { retryAfterMs: 30_000 }));
  await pool.until(() => pool.cloud().callsOf('createServer').length === 1);
  const [{ atMs } = { atMs: 0 }] = pool.cloud().callsOf('createServer');
  await pool.rest();
  const [, second] = pool.cloud().callsOf('createServer');
  expect((second?.atMs ?? 0) - atMs).toBeGreaterThanOrEqual(30_000);
  pool.checkAtRest();
});
