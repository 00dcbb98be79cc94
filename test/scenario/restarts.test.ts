import { expect, test } from 'vitest';
import { seededRandom } from '../../src/runtime/random.js';
import { publisher } from '../support/pool-config.js';
import { startPool, type Pool } from '../support/pool.js';

const two = {
  labels: [{ name: 'bare', minReady: 4 }],
  providers: [{ name: 'alpha' }, { name: 'beta' }],
  targets: [{ name: 'jenkins01' }, { name: 'jenkins02' }],
};

/** Of one pool at work: every actor that an operator may restart. */
const paths = [
  '/store',
  '/stats',
  '/history',
  '/config',
  '/targets',
  '/targets/jenkins01',
  '/providers',
  '/providers/alpha',
  '/providers/alpha/cloud',
  '/providers/alpha/images',
  '/providers/alpha/images/img',
  '/providers/alpha/nodes',
  '/providers/alpha/nodes/1',
  '/demand',
  '/demand/zuul_4730',
  '/pool',
  '/events',
  '/events/tcp:jenkins01:8888',
  '/janitor',
  '/control',
  '/',
];

async function restart(pool: Pool, path: string): Promise<void> {
  expect(await pool.answer(pool.api.restart(path)), path).toMatchObject({ kind: 'done' });
}

test.each(paths)('a restart of %s in the middle of launches loses nothing', async path => {
  for (let n = 0; n < 8; n++) {
    const pool = await startPool({ ...two, seed: n });
    await pool.advance(350 + n * 60 + (n > 4 ? n * 2_000 : 0));
    await restart(pool, path);
    await pool.rest();
    expect(pool.rows(), `restarted at ${n}`).toHaveLength(4);
    const creates = [...pool.clouds.values()].flatMap(cloud => cloud.callsOf('createServer'));
    expect(creates).toHaveLength(4);
    expect(pool.slaves()).toHaveLength(4);
    pool.checkAtRest();
  }
});

test.each(paths)('a pool at rest works on as before after a restart of %s', async path => {
  const pool = await startPool(two);
  await pool.rest();
  const at = pool.clock.now();
  await restart(pool, path);
  await pool.advance(30_000);
  expect(pool.rows()).toHaveLength(4);
  pool.checkAtRest();
  expect(await pool.answer(pool.api.readiness())).toMatchObject({ ready: true });
  expect(pool.isServed).toBe(true);
  // Events are heard, once each; demand is asked; nodes are launched and deleted.
  const [row] = pool.in('ready');
  if (!row?.nodename) throw new Error('one is ready');
  const before = pool.happened.length;
  pool.jobs.start(row.nodename);
  await pool.advance(1_000);
  expect(pool.row(row.id)?.state).toBe('used');
  expect(pool.stats.counts.get('nodepool.event.node.used')).toBe(1);
  if (path !== '/') expect(pool.happened.length).toBeGreaterThan(before);
  expect(pool.events.publisher(publisher).subscribers).toBe(1);
  pool.jobs.finish(row.nodename);
  pool.jobsWait('bare', 3);
  await pool.until(() => pool.in('ready').length === 7);
  await pool.advance(100_000);
  pool.checkAtRest({ ready: { bare: 7 } });
  expect(pool.clock.now()).toBeGreaterThan(at);
});

test.each(paths)('a restart of %s in the middle of deletes loses nothing', async path => {
  for (let n = 0; n < 5; n++) {
    const pool = await startPool({ ...two, seed: n });
    await pool.rest();
    for (const { id } of pool.in('ready')) void pool.api.delete(id, { now: false });
    await pool.advance(n * 170);
    await restart(pool, path);
    await pool.advance(5_000);
    for (const { id } of pool.in('ready').filter(row => row.id <= 4)) await pool.delete(id);
    await pool.until(() => pool.rows().every(row => row.id > 4));
    await pool.rest();
    pool.checkAtRest();
  }
});

test('restarts of all actors at random times lose nothing', async () => {
  for (let seed = 0; seed < 12; seed++) {
    const random = seededRandom(seed);
    const pool = await startPool({ ...two, seed });
    for (let n = 0; n < 40; n++) {
      await pool.advance(Math.floor(random() * 3_000));
      const actors = pool.actors().map(actor => actor.path);
      const path = actors[Math.floor(random() * actors.length)] ?? '/';
      pool.system.restart(path);
      const [name] = pool.jobs.free('bare');
      if (name !== undefined && random() < 0.2) {
        await pool.advance(3_000);
        pool.jobs.start(name);
        await pool.advance(1_000);
        pool.jobs.finish(name);
        await pool.advance(1_000);
      }
      pool.check();
    }
    await pool.advance(120_000);
    await pool.rest(1_200_000);
    await pool.advance(120_000);
    pool.checkAtRest();
  }
});

test('the database goes away and the store is restarted meanwhile: everybody hears when it is back', async () => {
  const pool = await startPool(two);
  await pool.advance(2_000);
  pool.store.away();
  await pool.advance(20_000);
  await restart(pool, '/store');
  await pool.advance(20_000);
  pool.store.back();
  await pool.advance(20_000);
  await pool.rest();
  pool.checkAtRest();
});
