/** One owner for each row, whoever asks and whatever hangs (lessons 70 to 98). */
import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { poolConfig } from '../support/pool-config.js';
import { startPool } from '../support/pool.js';

const one = { labels: [{ name: 'bare', minReady: 1 }] };

test('lesson 70: a job may run longer than eight hours where node-cleanup says so', async () => {
  const pool = await startPool({ ...one, timings: { nodeCleanup: 12 * 3_600_000, pass: 600_000 } });
  await pool.rest();
  const { id, nodename } = pool.one('ready');
  if (nodename === null) throw new Error('it is in Jenkins');
  pool.jobs.start(nodename);
  await pool.advance(11 * 3_600_000);
  expect(pool.row(Number(id))?.state).toBe('used');
  await pool.until(() => pool.row(Number(id)) === null, 2 * 3_600_000);
});

test('lesson 75: without publishers the daemon starts, and Jenkins tells what it knows', async () => {
  const pool = await startPool(one);
  await pool.rest();
  await pool.reload({ ...pool.config, zmqPublishers: [] });
  pool.crash();
  await pool.restart();
  const { id, nodename } = pool.one('ready');
  if (nodename === null) throw new Error('it is in Jenkins');
  pool.jobs.start(nodename);
  await pool.until(() => pool.row(Number(id))?.state === 'used', 30_000);
  pool.jobs.finish(nodename);
  await pool.until(() => pool.row(Number(id)) === null, 120_000);
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 80: no row is locked while a cloud is asked: a node whose create hangs is held at once', async () => {
  const pool = await startPool(one);
  pool.cloud().next('createServer', { delayMs: 50_000 });
  await pool.until(() => pool.cloud().callsOf('createServer').length === 1);
  const { id } = pool.one('building');
  const askedAt = pool.clock.now();
  expect(await pool.hold(Number(id), { reason: 'to look at' })).toMatchObject({ kind: 'done' });
  expect(pool.clock.now() - askedAt).toBeLessThan(1_000);
  expect(pool.row(Number(id))).toMatchObject({ state: 'hold', reason: 'to look at' });
  await pool.advance(120_000);
  pool.check();
});

test('lesson 83: a launch that ends after its node was asked to go writes nothing over that', async () => {
  const pool = await startPool({ ...one, storeMs: 400 });
  await pool.until(() => pool.master().callsOf('createNode').length === 1);
  const { id } = pool.one('building');
  await pool.delete(Number(id));
  expect(pool.row(Number(id))?.state).toBe('delete');
  await pool.until(() => pool.row(Number(id)) === null);
  await pool.rest();
  expect(pool.happened.filter(({ node, type }) => node === Number(id) && type === 'node.ready')).toEqual([]);
  pool.checkAtRest();
});

test('lesson 93: a node that is to go for several reasons is deleted once', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const { id, nodename, serverId } = pool.one('ready');
  if (nodename === null) throw new Error('it is in Jenkins');
  pool.jobs.start(nodename);
  pool.jobs.finish(nodename);
  await pool.advance(1_000);
  await pool.delete(Number(id));
  await pool.delete(Number(id), { now: true });
  await pool.until(() => pool.row(Number(id)) === null);
  await pool.rest();
  const deletes = pool
    .cloud()
    .callsOf('deleteServer')
    .filter(call => JSON.stringify(call).includes(String(serverId)));
  expect(deletes).toHaveLength(1);
  pool.checkAtRest();
});

test('a row that was read before its node was deleted gives no actor to it afterwards', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const { id } = pool.one('ready');
  // The nodes are read at once, and what is read with them comes late.
  pool.store.whim = method => (method === 'snapshots' ? { stallMs: 30_000 } : null);
  const reads = pool.store.calls.filter(method => method === 'snapshots').length;
  await pool.until(() => pool.store.calls.filter(method => method === 'snapshots').length > reads);
  await pool.delete(Number(id));
  await pool.until(() => pool.row(Number(id)) === null, 25_000);
  pool.store.whim = () => null;
  await pool.advance(60_000);
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 96: a cloud’s actor that fails is restarted, and its provider goes on', async () => {
  const pool = await startPool(one);
  await pool.until(() => pool.servers().length === 1);
  expect(pool.system.restart('/providers/alpha/cloud')).toBe(true);
  await pool.rest();
  await pool.reload(poolConfig({ labels: [{ name: 'bare', minReady: 3 }] }));
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 95: what is tried again and again ends with its daemon', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }] });
  await pool.rest();
  pool.cloud().down();
  pool.master().down();
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.advance(300_000);
  const tried = (): number => pool.cloud().calls.length + pool.master().calls.length + pool.store.calls.length;
  const before = tried();
  await pool.advance(300_000);
  expect(tried()).toBeGreaterThan(before);
  await pool.stop();
  const after = tried();
  await pool.advance(3_600_000);
  expect(tried()).toBe(after);
});

test('lesson 95: a launch of what has gone from the configuration fails for good, and is not tried for an hour', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }] });
  pool.cloud().always('createServer', new Fault('cloud.rate-limited', 'Over Limit'));
  await pool.until(() => pool.cloud().callsOf('createServer').length > 0);
  await pool.reload(poolConfig({ labels: [{ name: 'other', minReady: 0 }] }));
  await pool.until(() => pool.rows().length === 0, 120_000);
  const calls = pool.cloud().callsOf('createServer').length;
  await pool.advance(3_600_000);
  expect(pool.cloud().callsOf('createServer')).toHaveLength(calls);
});
