import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { gearman } from '../support/pool-config.js';
import { startPool } from '../support/pool.js';

const two = { providers: [{ name: 'alpha' }, { name: 'beta' }] };

test('an empty pool is filled to min-ready over its two providers', async () => {
  const pool = await startPool({ ...two, labels: [{ name: 'bare', minReady: 6 }] });
  await pool.rest();
  expect(pool.servers('alpha')).toHaveLength(3);
  expect(pool.servers('beta')).toHaveLength(3);
  expect(pool.jobs.free('bare')).toHaveLength(6);
  pool.checkAtRest();
});

test('a provider that is slow to say which images it has gets its share of the first nodes', async () => {
  const pool = await startPool({
    ...two,
    labels: [{ name: 'bare', minReady: 6 }],
    before: world => (world.cloud('beta').latencyMs = 2_000),
  });
  await pool.rest();
  expect(pool.servers('beta')).toHaveLength(3);
  pool.checkAtRest();
});

test('a provider that is down at the start does not keep the others waiting', async () => {
  const pool = await startPool({
    ...two,
    labels: [{ name: 'bare', minReady: 6 }],
    before: world => world.cloud('beta').down(),
  });
  await pool.advance(60_000);
  expect(pool.in('ready')).toHaveLength(6);
  pool.checkAtRest();
});

test('a job that waits raises the stock, and its start lowers the need', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }] });
  await pool.rest();
  pool.jobsWait('bare', 1);
  await pool.until(() => pool.in('ready').length === 3);
  const [name] = pool.jobs.free();
  if (name === undefined) throw new Error('no slave is free');
  pool.jobsWait('bare', 1, 1);
  pool.jobs.start(name);
  await pool.advance(120_000);
  expect(pool.rows()).toHaveLength(3);
  expect(pool.in('used')).toHaveLength(1);
  pool.jobs.finish(name);
  pool.jobsWait('bare', 0);
  await pool.advance(200_000);
  pool.checkAtRest();
});

test('more jobs than servers fill the provider and no more', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 2 }],
    providers: [{ name: 'alpha', maxServers: 4 }],
  });
  pool.jobsWait('bare', 50);
  await pool.until(() => pool.in('ready').length === 4);
  await pool.advance(60_000);
  expect(pool.cloud().serversPeak).toBe(4);
  pool.checkAtRest({ ready: { bare: 4 } });
});

test('lesson 53: a Gearman server that does not answer leaves the demand unknown, which is not zero', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  pool.jobsWait('bare', 3);
  await pool.until(() => pool.rows().length === 4);
  pool.demand.down(gearman);
  await pool.until(() => pool.in('ready').length === 4);
  const [name] = pool.jobs.free();
  if (name === undefined) throw new Error('no slave is free');
  pool.jobs.start(name);
  await pool.advance(20_000);
  // The last sample is believed still: three jobs, one of which runs now.
  expect(pool.rows()).toHaveLength(4);
  pool.jobs.finish(name);
  await pool.advance(200_000);
  pool.checkAtRest({ ready: { bare: 3 } });
});

test('with a sample that is too old only min-ready counts', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 1 }],
    providers: [{ name: 'alpha', maxServers: 3 }],
  });
  pool.jobsWait('bare', 8);
  await pool.until(() => pool.in('ready').length === 3);
  pool.demand.down(gearman, new Fault('gearman.timeout', 'no answer'));
  await pool.advance(90_000);
  for (const { id } of pool.in('ready').slice(0, 2)) await pool.delete(id);
  await pool.advance(120_000);
  pool.checkAtRest({ ready: { bare: 1 } });
});

test('lesson 91: no more nodes are launched at once than the provider says, and a crash does not change that', async () => {
  const concurrency = { workers: 1, calls: 8, launches: 2, deletes: 40, imageBuilds: 2 };
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 8 }],
    providers: [{ name: 'alpha', concurrency }],
  });
  const launching = (): number => pool.rows().filter(row => row.state === 'building' && row.step !== 'queued').length;
  let most = 0;
  for (let n = 0; n < 400; n++) {
    await pool.advance(500);
    most = Math.max(most, launching());
    if (n === 25 || n === 70) {
      pool.crash();
      await pool.restart();
    }
  }
  expect(most).toBe(2);
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 91: no more nodes are deleted at once than the provider says', async () => {
  const concurrency = { workers: 1, calls: 8, launches: 40, deletes: 2, imageBuilds: 2 };
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 8 }],
    providers: [{ name: 'alpha', concurrency }],
  });
  await pool.rest();
  pool.cloud().deleteMs = 30_000;
  const before = pool.in('ready');
  for (const { id } of before) await pool.delete(id);
  await pool.advance(5_000);
  const asked = (): number => pool.cloud().callsOf('deleteServer').length;
  expect(asked()).toBe(2);
  await pool.advance(40_000);
  expect(asked()).toBe(4);
  await pool.rest();
  pool.checkAtRest();
});

test('a node that an operator wants gone now does not wait for its turn', async () => {
  const concurrency = { workers: 1, calls: 8, launches: 40, deletes: 1, imageBuilds: 2 };
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 3 }],
    providers: [{ name: 'alpha', concurrency }],
  });
  await pool.rest();
  pool.cloud().deleteMs = 60_000;
  const [first, second, third] = pool.in('ready').map(row => Number(row.id));
  await pool.delete(first ?? 0);
  await pool.delete(second ?? 0);
  await pool.delete(third ?? 0, { now: true });
  await pool.advance(5_000);
  expect(pool.cloud().callsOf('deleteServer')).toHaveLength(2);
  await pool.rest();
  pool.checkAtRest();
});

test('a node that has been ready for longer than max-ready-age is replaced, and one whose job starts meanwhile is not', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2, maxReadyAgeMs: 600_000 }] });
  await pool.rest();
  const old = pool.in('ready').map(({ id }) => id);
  const offline = () => [...pool.master().slaves].find(([, slave]) => slave.offlineReason?.includes('max-ready-age'));
  await pool.until(() => offline() !== undefined, 900_000);
  const [name] = offline() ?? [];
  if (name === undefined) throw new Error('one is taken offline');
  pool.jobs.start(name);
  await pool.advance(30_000);
  expect(pool.one('used')).toMatchObject({ nodename: name });
  pool.jobs.finish(name);
  await pool.until(() => pool.rows().every(({ id }) => !old.includes(id)), 900_000);
  await pool.rest();
  pool.checkAtRest();
});
