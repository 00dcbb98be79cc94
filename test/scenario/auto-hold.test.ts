import { expect, test } from 'vitest';
import type { NodeRow } from '../../src/domain/node-row.js';
import { startPool, type Pool } from '../support/pool.js';

async function watched(holdOnFailure: number, minReady = 3, more = {}): Promise<Pool> {
  const pool = await startPool({ labels: [{ name: 'bare', minReady }], ...more });
  await pool.rest();
  const outcome = await pool.answer(pool.api.createJob({ name: 'gate', holdOnFailure }));
  expect(outcome.kind).toBe('done');
  return pool;
}

function nameOf({ nodename }: NodeRow): NonNullable<NodeRow['nodename']> {
  if (nodename === null) throw new Error('it has a name');
  return nodename;
}

function run(pool: Pool, row: NodeRow, job: string, result: string): void {
  pool.jobs.start(nameOf(row), { job });
  pool.jobs.finish(nameOf(row), { job, result });
}

test('a node on which a watched job failed is held, with the reason that 0.3 wrote', async () => {
  const pool = await watched(1);
  const row = pool.one('ready');
  run(pool, row, 'gate', 'FAILURE');
  await pool.advance(120_000);
  expect(pool.row(row.id)).toMatchObject({
    state: 'hold',
    reason: 'Automatically held after failing gate',
    expiry: null,
  });
  expect(pool.servers()).toContain(row.serverId);
  await pool.delete(row.id);
  await pool.rest();
  pool.checkAtRest();
});

test('no more are held than were asked for, also where they fail at once', async () => {
  const pool = await watched(2, 5);
  for (const row of pool.in('ready')) run(pool, row, 'gate', 'FAILURE');
  await pool.advance(200_000);
  expect(pool.in('hold')).toHaveLength(2);
  const [first] = pool.in('hold');
  await pool.release(first?.id ?? 0);
  await pool.rest();
  run(pool, pool.one('ready'), 'gate', 'ABORTED');
  await pool.advance(120_000);
  expect(pool.in('hold')).toHaveLength(2);
});

test.each([
  ['gate', 'SUCCESS'],
  ['other', 'FAILURE'],
])('a node on which %s ended with %s is deleted', async (job, result) => {
  const pool = await watched(1);
  const row = pool.one('ready');
  run(pool, row, job, result);
  await pool.advance(120_000);
  expect(pool.row(row.id)).toBeNull();
  pool.checkAtRest();
});

test('a hold ends by the usual time, where there is one', async () => {
  const pool = await watched(1, 2, { maxHoldAgeMs: 600_000 });
  const row = pool.one('ready');
  run(pool, row, 'gate', 'FAILURE');
  await pool.advance(300_000);
  expect(pool.row(row.id)?.state).toBe('hold');
  await pool.advance(600_000);
  expect(pool.row(row.id)).toBeNull();
  pool.checkAtRest();
});

test('what is watched outlives the daemon, and what is not any more is not held', async () => {
  const pool = await watched(1);
  pool.crash();
  await pool.restart();
  await pool.rest();
  const [job] = await pool.answer(pool.api.jobs());
  expect(job).toEqual({ id: job?.id, name: 'gate', holdOnFailure: 1 });
  expect(await pool.answer(pool.api.createJob({ name: 'gate', holdOnFailure: 3 }))).toMatchObject({ kind: 'refused' });
  const row = pool.one('ready');
  run(pool, row, 'gate', 'FAILURE');
  await pool.advance(60_000);
  expect(pool.row(row.id)?.state).toBe('hold');
  expect(await pool.answer(pool.api.deleteJob(job?.id ?? 0))).toMatchObject({ kind: 'done' });
  expect(await pool.answer(pool.api.deleteJob(job?.id ?? 0))).toMatchObject({ kind: 'not-found' });
  await pool.delete(row.id);
  const next = pool.one('ready');
  run(pool, next, 'gate', 'FAILURE');
  await pool.advance(200_000);
  expect(pool.row(next.id)).toBeNull();
  pool.checkAtRest();
});

test('a failure that is heard of while the database is away is weighed when it is back', async () => {
  const pool = await watched(1);
  const row = pool.one('ready');
  pool.jobs.start(nameOf(row), { job: 'gate' });
  await pool.advance(1_000);
  pool.store.away();
  pool.jobs.finish(nameOf(row), { job: 'gate', result: 'FAILURE' });
  await pool.advance(20_000);
  pool.store.back();
  await pool.advance(120_000);
  expect(pool.row(row.id)?.state).toBe('hold');
});

test('a node that an operator holds meanwhile keeps the reason of the operator', async () => {
  const pool = await watched(1);
  const row = pool.one('ready');
  pool.jobs.start(nameOf(row), { job: 'gate' });
  await pool.advance(1_000);
  await pool.hold(row.id, { reason: 'mine' });
  pool.jobs.finish(nameOf(row), { job: 'gate', result: 'FAILURE' });
  await pool.advance(120_000);
  expect(pool.row(row.id)).toMatchObject({ state: 'hold', reason: 'mine' });
});
