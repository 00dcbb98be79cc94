import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { startPool, type Pool } from '../support/pool.js';

const crowd = { workers: 1, calls: 8, launches: 1_000, deletes: 1_000, imageBuilds: 2 };
const many = (count: number) => ({
  labels: [{ name: 'bare', minReady: count }],
  providers: [{ name: 'alpha', maxServers: count, concurrency: crowd }],
  connectionsAllowed: 3_000,
});

/** The calls of one kind between two moments. */
function calls(
  pool: Pool,
  op: 'listServers' | 'getServer' | 'deleteServer' | 'createServer',
  from: number,
  to: number,
): number {
  return pool
    .cloud()
    .callsOf(op)
    .filter(({ atMs }) => atMs >= from && atMs < to).length;
}

test('lesson 18: a thousand launches that wait cause one list in each interval, and no question for each server', async () => {
  const pool = await startPool(many(1_000));
  pool.cloud().bootMs = 60_000;
  await pool.until(() => pool.servers().length === 1_000);
  const from = pool.clock.now();
  await pool.advance(40_000);
  expect(calls(pool, 'listServers', from, from + 40_000)).toBeLessThanOrEqual(8);
  expect(calls(pool, 'getServer', from, from + 40_000)).toBe(0);
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 18: lists that lag behind do not make many launches ask for their servers one by one', async () => {
  const pool = await startPool(many(200));
  pool.cloud().bootMs = 60_000;
  pool.cloud().listLagMs = 30_000;
  await pool.until(() => pool.servers().length === 200);
  const from = pool.clock.now();
  await pool.advance(30_000);
  expect(calls(pool, 'listServers', from, from + 30_000)).toBeLessThanOrEqual(6);
  expect(calls(pool, 'getServer', from, from + 30_000)).toBeLessThanOrEqual(6 * 10);
  await pool.rest();
  expect(calls(pool, 'createServer', 0, Infinity)).toBe(200);
  pool.checkAtRest();
});

test('lesson 19: while a list is slow nobody asks for another', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 20 }],
    providers: [{ name: 'alpha', maxServers: 20 }],
  });
  pool.cloud().bootMs = 300_000;
  await pool.until(() => pool.servers().length === 20);
  pool.cloud().always('listServers', { delayMs: 25_000 });
  await pool.advance(30_000);
  const from = pool.clock.now();
  await pool.advance(120_000);
  expect(calls(pool, 'listServers', from, from + 120_000)).toBeLessThanOrEqual(5);
  pool.cloud().always('listServers', null);
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 20: deletes are not kept waiting by a crowd of launches', async () => {
  const pool = await startPool({
    labels: [
      { name: 'old', minReady: 10 },
      { name: 'new', minReady: 0 },
    ],
    providers: [{ name: 'alpha', maxServers: 300, rateMs: 1_000, concurrency: { ...crowd, calls: 1 } }],
    connectionsAllowed: 3_000,
  });
  await pool.rest();
  pool.jobsWait('new', 200);
  await pool.until(() => pool.in('building', 'new').length === 200);
  await pool.advance(5_000);
  const from = pool.clock.now();
  for (const { id } of pool.in('ready', 'old')) await pool.delete(id);
  await pool.until(() => calls(pool, 'deleteServer', from, Infinity) === 10, 120_000);
  // Launches go on meanwhile, and take their turns.
  expect(calls(pool, 'createServer', from, Infinity)).toBeGreaterThanOrEqual(8);
  expect(pool.clock.now() - from).toBeLessThan(60_000);
});

test('a hundred servers that go between two lists are known to be gone after the second list, and few are asked for alone', async () => {
  const pool = await startPool(many(100));
  await pool.rest();
  pool.cloud().deleteMs = 1_000;
  const from = pool.clock.now();
  const ids = pool.in('ready').map(({ id }) => id);
  for (const id of ids) void pool.api.delete(id, { now: false });
  await pool.until(() => ids.every(id => pool.row(id) === null));
  const lists = 3 * pool.config.timings.serverList;
  expect(pool.clock.now() - from).toBeLessThan(lists);
  expect(calls(pool, 'getServer', from, Infinity)).toBeLessThanOrEqual(5);
});

test('a cloud that asks for fewer calls is asked more slowly, says so in the tree, and gets its pace back', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 40 }],
    providers: [{ name: 'alpha', maxServers: 60 }],
  });
  const slow = new Fault('cloud.rate-limited', 'too many requests', { retryAfterMs: 2_000 });
  pool.cloud().next('createServer', slow, slow, slow, slow, slow, slow, slow, slow);
  await pool.advance(500);
  expect(pool.state('/providers/alpha/cloud')).toMatch(
    /slowed 2\.0 times, pauses \d s: cloud\.rate-limited: too many requests/,
  );
  expect(calls(pool, 'createServer', 0, Infinity)).toBeLessThanOrEqual(8);
  await pool.rest();
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.rest();
  expect(pool.state('/providers/alpha/cloud')).toMatch(/^well;/);
  pool.checkAtRest();
});

test('a cloud that refuses every call politely gets no more launches until it does not', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 4 }],
    providers: [{ name: 'alpha' }, { name: 'beta' }],
  });
  const everything = ['createServer', 'listServers', 'getServer', 'deleteServer', 'listFlavors', 'listImages'] as const;
  pool.cloud('alpha').always(everything, new Fault('cloud.rate-limited', 'not now'));
  await pool.advance(900_000);
  expect(pool.servers('alpha')).toEqual([]);
  expect(pool.state('/providers/alpha/cloud')).toMatch(
    /^slowed [\d.]+ times, pauses \d+ s: cloud\.rate-limited: not now -> .*;/,
  );
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.until(() => pool.in('ready').length >= 2);
  expect(pool.servers('alpha')).toEqual([]);
  pool.cloud('alpha').always(everything, null);
  await pool.rest(1_200_000);
  pool.checkAtRest();
});

test('the breaker shows whether it is open, and that one call finds out', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 8 }] });
  await pool.rest();
  pool.cloud().down();
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.advance(60_000);
  expect(pool.state('/providers/alpha/cloud')).toMatch(
    /in trouble: cloud\.unreachable: the fake cloud is down -> .* \(asked again in \d+ s\)/,
  );
  pool.cloud().always('listFlavors', 'hang');
  pool.cloud().always(['deleteServer', 'listServers'], 'hang');
  await pool.until(() => (pool.state('/providers/alpha/cloud') ?? '').includes('one call finds out'));
  await pool.advance(5_000);
  expect(pool.state('/providers/alpha/cloud')).toMatch(/one call finds out\).*; 1 calls, [1-9]\d* queued/);
  pool.cloud().down(null);
  await pool.rest(1_200_000);
  expect(pool.state('/providers/alpha/cloud')).toMatch(/^well;/);
  pool.checkAtRest();
});
