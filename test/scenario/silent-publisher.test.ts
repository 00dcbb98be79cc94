/** A publisher that is connected and says nothing (jenkins.md 10): Jenkins is the second witness. */
import { expect, test } from 'vitest';
import type { NodeName } from '../../src/domain/ids.js';
import { publisher } from '../support/pool-config.js';
import { startPool, type Pool } from '../support/pool.js';

const path = '/events/tcp:jenkins01:8888';

async function quietPool(): Promise<Pool> {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }] });
  await pool.rest();
  await pool.advance(60_000);
  return pool;
}

function free(pool: Pool): NodeName {
  const [name] = pool.jobs.free();
  if (name === undefined) throw new Error('no slave is free');
  return name;
}

async function dependency(pool: Pool): Promise<{ ok: boolean; reason: string | null } | undefined> {
  const { dependencies } = await pool.answer(pool.api.readiness());
  return dependencies.find(({ name }) => name.startsWith('events/'));
}

test('a publisher that is silent while jobs start is subscribed to anew, and heard', async () => {
  const pool = await quietPool();
  pool.events.publisher(publisher).silence();
  const first = free(pool);
  pool.jobs.start(first);
  await pool.until(() => pool.state(path)?.includes('silent: jobs start on jenkins01') === true, 30_000);
  expect(await dependency(pool)).toMatchObject({ ok: false });
  expect(pool.stats.counts.get('nodepool.events.renewed')).toBe(1);
  await pool.rest();
  pool.jobs.start(free(pool));
  await pool.advance(1_000);
  expect(pool.in('used')).toHaveLength(2);
  expect(pool.state(path)).toBe('connected; 1 events');
  expect(await dependency(pool)).toMatchObject({ ok: true });
});

test('one that stays silent is shown, and not disturbed with each job', async () => {
  const pool = await quietPool();
  pool.events.publisher(publisher).silence({ isForGood: true });
  for (let n = 0; n < 20; n++) {
    const name = free(pool);
    pool.jobs.start(name);
    await pool.advance(60_000);
    pool.jobs.finish(name);
    await pool.advance(60_000);
  }
  expect(pool.stats.counts.get('nodepool.events.renewed')).toBeLessThan(8);
  expect(pool.state(path)).toContain('silent');
  pool.events.publisher(publisher).speak();
  pool.jobs.start(free(pool));
  await pool.advance(1_000);
  expect(pool.state(path)).toMatch(/^connected; \d+ events$/);
});

test('one that tells of other jobs is not silent: the plugin may be off for a job', async () => {
  const pool = await quietPool();
  const [one, other] = pool.jobs.free();
  if (one === undefined || other === undefined) throw new Error('two are free');
  pool.jobs.start(one, { isHeard: false });
  pool.jobs.start(other);
  await pool.advance(60_000);
  expect(pool.in('used')).toHaveLength(2);
  expect(pool.stats.counts.get('nodepool.events.renewed')).toBeUndefined();
});

test('what started while nobody was connected is no reason to doubt a publisher', async () => {
  const pool = await quietPool();
  pool.events.publisher(publisher).disconnect();
  pool.jobs.start(free(pool));
  await pool.advance(5_000);
  pool.events.publisher(publisher).reconnect();
  await pool.advance(60_000);
  expect(pool.in('used')).toHaveLength(1);
  expect(pool.stats.counts.get('nodepool.events.renewed')).toBeUndefined();
});

test('a job that started while no daemon ran is no reason to doubt a publisher', async () => {
  const pool = await quietPool();
  pool.crash();
  pool.jobs.start(free(pool));
  await pool.restart();
  await pool.advance(60_000);
  expect(pool.in('used')).toHaveLength(1);
  expect(pool.stats.counts.get('nodepool.events.renewed')).toBeUndefined();
});
