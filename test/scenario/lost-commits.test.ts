/** A database that has lost what it committed last, as after a failover: the actors know better, and it learns it from them. */
import { expect, test } from 'vitest';
import { startPool, type Pool } from '../support/pool.js';
import { expectClean, imagesWish, untilReady } from '../support/pool-images.js';

/** Everything that was committed since `lose` was made. */
async function failOver(pool: Pool, lose: () => void): Promise<void> {
  pool.store.away();
  lose();
  await pool.advance(5_000);
  pool.store.back();
}

const three = { labels: [{ name: 'bare', minReady: 3 }], providers: [{ name: 'alpha', maxServers: 3 }] };

test('launches go on where they were, whenever it happens, and nothing is made twice', async () => {
  for (let n = 0; n < 40; n++) {
    const pool = await startPool({ ...three, seed: n });
    await pool.advance(n < 20 ? n * 20 : 800 + (n - 20) * 1_200);
    const lose = pool.store.database.mark();
    await pool.advance(5_000);
    await failOver(pool, lose);
    await pool.advance(20_000);
    await pool.rest();
    expect(pool.cloud().callsOf('createServer'), `lost at ${n}`).toHaveLength(3);
    pool.checkAtRest();
  }
});

test('a group keeps its machines', async () => {
  for (let n = 0; n < 30; n++) {
    const pool = await startPool({ labels: [{ name: 'multi', subnodes: 2, minReady: 1 }], seed: n });
    await pool.advance(2_000 + n * 1_500);
    const lose = pool.store.database.mark();
    await pool.advance(6_000);
    await failOver(pool, lose);
    await pool.advance(20_000);
    await pool.rest();
    expect(pool.cloud().callsOf('createServer'), `lost at ${n}`).toHaveLength(3);
    expect(pool.one('ready').subnodes).toHaveLength(2);
    pool.checkAtRest();
  }
});

test('a node whose job has started runs no second one, and one that is held stays held', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }] });
  await pool.rest();
  const [used, held] = pool.in('ready');
  if (!used?.nodename || !held) throw new Error('two are ready');
  const lose = pool.store.database.mark();
  pool.jobs.start(used.nodename);
  await pool.answer(pool.api.hold(Number(held.id), { reason: 'looked at', forMs: null }));
  await failOver(pool, lose);
  await pool.advance(5_000);
  expect(pool.row(Number(used.id))).toMatchObject({ state: 'used' });
  expect(pool.row(Number(held.id))).toMatchObject({ state: 'hold', reason: 'looked at' });
  pool.jobs.finish(used.nodename);
  await pool.until(() => pool.row(Number(used.id)) === null);
  expect(pool.jobs.second).toEqual([]);
});

test('a row that comes back after its deletion is deleted again, and nobody takes its id', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  await pool.rest();
  const { id } = pool.one('ready');
  const lose = pool.store.database.mark();
  await pool.delete(id);
  await pool.until(() => pool.row(Number(id)) === null);
  await pool.rest();
  const { id: next } = pool.one('ready');
  await failOver(pool, lose);
  await pool.advance(120_000);
  expect(pool.row(Number(id))).toBeNull();
  expect(pool.one('ready').id).toBe(next);
  expect(pool.cloud().callsOf('createServer')).toHaveLength(2);
  pool.checkAtRest();
});

test('rows that were lost with those who knew of them are granted anew', async () => {
  const pool = await startPool(three);
  const lose = pool.store.database.mark();
  await pool.until(() => pool.rows().length === 3);
  pool.store.away();
  lose();
  // Nobody has begun anything for them yet.
  await pool.answer(pool.api.restart('/providers/alpha/nodes'));
  await pool.advance(5_000);
  pool.store.back();
  await pool.rest();
  expect(pool.in('ready')).toHaveLength(3);
  pool.checkAtRest();
});

test('rows that were lost with those who knew of them are no stock, and what they had made is deleted', async () => {
  for (const ms of [200, 2_000, 20_000]) {
    // What is not known to be there takes no room until a sweep has seen it.
    const pool = await startPool({ ...three, providers: [{ name: 'alpha', maxServers: 6 }] });
    const lose = pool.store.database.mark();
    await pool.advance(ms);
    pool.store.away();
    lose();
    await pool.answer(pool.api.restart('/providers/alpha/nodes'));
    await pool.advance(5_000);
    pool.store.back();
    await pool.until(() => pool.in('ready').length === 3 && pool.servers().length === 3, 600_000);
    await pool.rest();
    pool.checkAtRest();
  }
});

test('an image that was built is built once', async () => {
  for (let n = 0; n < 12; n++) {
    const pool = await startPool({ ...imagesWish(), seed: n });
    await pool.advance(1_000 + n * 20_000);
    const lose = pool.store.database.mark();
    await pool.advance(10_000);
    await failOver(pool, lose);
    await untilReady(pool);
    await pool.rest();
    expect(pool.snapshots(), `lost at ${n}`).toHaveLength(1);
    expectClean(pool);
    pool.checkAtRest();
  }
});
