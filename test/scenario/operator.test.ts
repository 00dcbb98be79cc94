import { expect, test } from 'vitest';
import { startPool, type Pool } from '../support/pool.js';

const hour = 3_600_000;

async function readyPool(): Promise<{ pool: Pool; id: number }> {
  const pool = await startPool();
  await pool.rest();
  return { pool, id: Number(pool.one('ready').id) };
}

function nameOf(pool: Pool, id: number) {
  const name = pool.row(id)?.nodename;
  if (!name) throw new Error(`node ${id} has no name`);
  return name;
}

test('a node that is held before its job is kept, and replaced', async () => {
  const { pool, id } = await readyPool();
  expect(await pool.hold(id, { reason: 'to look at it' })).toMatchObject({
    kind: 'done',
    node: { state: 'hold', reason: 'to look at it' },
  });
  await pool.advance(10 * hour);
  expect(pool.row(id)?.state).toBe('hold');
  pool.checkAtRest();
});

test('lesson 73: a node that is held during its job is kept after it, and deleted when released', async () => {
  const { pool, id } = await readyPool();
  pool.jobs.start(nameOf(pool, id));
  await pool.advance(1_000);
  await pool.hold(id);
  pool.jobs.finish(nameOf(pool, id));
  await pool.advance(10 * hour);
  pool.checkAtRest();
  await pool.release(id);
  await pool.advance(30_000);
  expect(pool.row(id)).toBeNull();
  pool.checkAtRest();
});

test('lesson 72: a hold during the delete delay wins', async () => {
  const { pool, id } = await readyPool();
  pool.jobs.start(nameOf(pool, id));
  await pool.advance(1_000);
  pool.jobs.finish(nameOf(pool, id));
  await pool.advance(30_000);
  await pool.hold(id);
  await pool.advance(10 * hour);
  expect(pool.row(id)?.state).toBe('hold');
  pool.checkAtRest();
  await pool.delete(id);
  await pool.rest();
  expect(pool.row(id)).toBeNull();
  pool.checkAtRest();
});

test('a held node that ran no job is ready again when released', async () => {
  const { pool, id } = await readyPool();
  await pool.hold(id);
  await pool.advance(60_000);
  await pool.release(id);
  expect(pool.row(id)).toMatchObject({ state: 'ready', reason: null, expiry: null });
  pool.checkAtRest({ ready: { bare: 3 } });
});

test('a held node whose job runs is used again when released, and goes the way of all nodes', async () => {
  const { pool, id } = await readyPool();
  const name = nameOf(pool, id);
  pool.jobs.start(name);
  await pool.advance(1_000);
  await pool.hold(id);
  await pool.advance(60_000);
  await pool.release(id);
  expect(pool.row(id)?.state).toBe('used');
  pool.jobs.finish(name);
  await pool.advance(100_000);
  expect(pool.row(id)).toBeNull();
  pool.checkAtRest();
});

test('lesson 163: a hold with an expiry ends by itself, also over a crash', async () => {
  const { pool, id } = await readyPool();
  await pool.hold(id, { forMs: hour });
  await pool.advance(hour / 2);
  pool.crash();
  await pool.restart();
  await pool.advance(hour / 2 - 60_000);
  expect(pool.row(id)?.state).toBe('hold');
  await pool.advance(70_000);
  expect(pool.row(id)?.state).toBe('ready');
});

test('a hold renewed without an expiry does not end when the first one would have', async () => {
  const { pool, id } = await readyPool();
  await pool.hold(id, { forMs: hour });
  await pool.hold(id, { reason: 'longer' });
  await pool.advance(2 * hour);
  expect(pool.row(id)).toMatchObject({ state: 'hold', reason: 'longer', expiry: null });
  pool.checkAtRest();
});

test('a hold after a released one does not end with the expiry of that one', async () => {
  const { pool, id } = await readyPool();
  await pool.hold(id, { forMs: hour });
  await pool.release(id);
  await pool.hold(id);
  await pool.advance(2 * hour);
  expect(pool.row(id)?.state).toBe('hold');
});

test('a hold renewed for longer ends when the later time has come', async () => {
  const { pool, id } = await readyPool();
  await pool.hold(id, { forMs: hour });
  await pool.hold(id, { forMs: 3 * hour });
  await pool.advance(2 * hour);
  expect(pool.row(id)?.state).toBe('hold');
  await pool.advance(2 * hour);
  expect(pool.row(id)?.state).toBe('ready');
});

test('lesson 166: a node that is being deleted cannot be held', async () => {
  const { pool, id } = await readyPool();
  pool.cloud().deleteMs = 60_000;
  await pool.delete(id);
  await pool.advance(1_000);
  expect(await pool.hold(id)).toMatchObject({ kind: 'refused' });
  await pool.rest();
  expect(pool.row(id)).toBeNull();
});

test('lesson 159: commands for a node that is not there say so', async () => {
  const { pool } = await readyPool();
  for (const outcome of [await pool.hold(999), await pool.release(999), await pool.delete(999)]) {
    expect(outcome).toMatchObject({ kind: 'not-found' });
  }
});

test('a release of a node that is not held is refused', async () => {
  const { pool, id } = await readyPool();
  expect(await pool.release(id)).toMatchObject({ kind: 'refused' });
  pool.checkAtRest();
});

test('a node that is held while it boots ends its launch after the step in hand, and goes on when released', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  await pool.until(() => pool.rows().some(row => row.step === 'boot'));
  const id = Number(pool.one('building').id);
  await pool.hold(id);
  await pool.advance(120_000);
  expect(pool.row(id)).toMatchObject({ state: 'hold', step: 'ssh' });
  expect(pool.slaves()).not.toContain(pool.row(id)?.nodename);
  pool.checkAtRest();
  await pool.release(id);
  await pool.rest();
  expect(pool.row(id)?.state).toBe('ready');
  pool.checkAtRest({ ready: { bare: 2 } });
});

test('a node that is deleted while its create is in flight leaks nothing', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  pool.cloud().latencyMs = 5_000;
  await pool.until(() => pool.cloud().callsOf('createServer').length === 1);
  const id = Number(pool.one('building').id);
  await pool.advance(1_000);
  await pool.delete(id);
  expect(pool.servers()).toEqual([]);
  await pool.until(() => pool.row(id) === null);
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(2);
  pool.checkAtRest();
});

test('a node that is deleted while it boots is gone soon, and does not wait for the boot', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  pool.cloud().bootMs = 600_000;
  await pool.until(() => pool.rows().some(row => row.step === 'boot'));
  const id = Number(pool.one('building').id);
  await pool.delete(id);
  await pool.advance(30_000);
  expect(pool.row(id)).toBeNull();
});

test('a node that is deleted while SSH is being tried is gone soon', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  pool.sshAnswer = () => 'ssh.unreachable';
  await pool.until(() => pool.rows().some(row => row.step === 'ssh'));
  const id = Number(pool.one('building').id);
  await pool.delete(id);
  await pool.advance(30_000);
  expect(pool.row(id)).toBeNull();
  pool.sshAnswer = () => null;
  await pool.rest();
  pool.checkAtRest();
});

test('a node that is still queued is deleted without a word to the cloud', async () => {
  const concurrency = { workers: 1, calls: 8, launches: 0, deletes: 4, imageBuilds: 2 };
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 1 }],
    providers: [{ name: 'alpha', concurrency }],
  });
  await pool.until(() => pool.rows().length === 1);
  await pool.advance(100);
  const id = Number(pool.one('building').id);
  await pool.delete(id);
  await pool.advance(1_000);
  expect(pool.row(id)).toBeNull();
  expect(pool.cloud().callsOf('deleteServer')).toEqual([]);
});
