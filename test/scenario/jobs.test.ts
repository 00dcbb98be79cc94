import { expect, test } from 'vitest';
import type { NodeName } from '../../src/domain/ids.js';
import { publisher } from '../support/pool-config.js';
import { frame, startPool, type Pool } from '../support/pool.js';

async function readyPool(): Promise<{ pool: Pool; name: NodeName; id: number }> {
  const pool = await startPool();
  await pool.rest();
  const { nodename, id } = pool.one('ready');
  if (nodename === null) throw new Error('a ready node has a name');
  return { pool, name: nodename, id: Number(id) };
}

test('a node whose job starts is used, taken offline in Jenkins, and replaced at once', async () => {
  const { pool, name, id } = await readyPool();
  pool.jobs.start(name);
  await pool.advance(1_000);
  expect(pool.row(id)?.state).toBe('used');
  expect(pool.master().slaves.get(name)?.offlineReason).not.toBeNull();
  expect(pool.in('building')).toHaveLength(1);
});

test('a node whose job ended is deleted after the delay', async () => {
  const { pool, name, id } = await readyPool();
  pool.jobs.start(name);
  await pool.advance(300_000);
  pool.jobs.finish(name);
  await pool.advance(59_000);
  expect(pool.row(id)?.state).toBe('used');
  await pool.advance(10_000);
  expect(pool.row(id)).toBeNull();
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 71: the delete delay survives a crash', async () => {
  const { pool, name, id } = await readyPool();
  pool.jobs.start(name);
  await pool.advance(1_000);
  pool.jobs.finish(name);
  await pool.advance(30_000);
  pool.crash();
  await pool.advance(5_000);
  await pool.restart();
  await pool.advance(23_000);
  expect(pool.row(id)?.state).toBe('used');
  await pool.advance(10_000);
  expect(pool.row(id)).toBeNull();
  await pool.rest();
  pool.checkAtRest();
});

test('a delete delay that ended while no daemon ran is over at the next start', async () => {
  const { pool, name, id } = await readyPool();
  pool.jobs.start(name);
  pool.jobs.finish(name);
  await pool.advance(1_000);
  pool.crash();
  await pool.advance(3_600_000);
  await pool.restart();
  await pool.advance(10_000);
  expect(pool.row(id)).toBeNull();
});

test('a job whose start was not heard is known by its end, also before Jenkins is asked', async () => {
  const { pool, name, id } = await readyPool();
  pool.master().always('listNodes', 'hang');
  pool.jobs.start(name, { isHeard: false });
  await pool.advance(60_000);
  expect(pool.row(id)?.state).toBe('ready');
  pool.jobs.finish(name);
  await pool.advance(1_000);
  expect(pool.row(id)?.state).toBe('used');
  expect(pool.row(id)?.deleteAt).not.toBeNull();
  // It has had its job, so Jenkins may give it no other.
  expect(pool.jobs.free()).not.toContain(name);
  await pool.rest();
  await pool.advance(60_000);
  pool.checkAtRest();
});

test('frames that are no events, and events of strangers, are counted and stop nothing', async () => {
  const { pool, name, id } = await readyPool();
  const jenkins = pool.events.publisher(publisher);
  for (const text of ['', 'onStarted', 'onStarted {', 'onStarted []', 'onDeleted {"build":{}}', '\u0000\u0001']) {
    jenkins.publish(text);
  }
  jenkins.publish(frame('onStarted', 'stranger'));
  jenkins.publish(frame('onFinalized', 'stranger'));
  await pool.settle();
  expect(pool.stats.counts.get('nodepool.events.malformed')).toBe(6);
  expect(pool.system.deadLetterCounts.get('unknown')).toBeGreaterThanOrEqual(2);
  pool.jobs.start(name);
  await pool.advance(1_000);
  expect(pool.row(id)?.state).toBe('used');
});

test('a job that starts before its node is known to be registered makes it used, and nothing is written over that', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  pool.master().next('createNode', { answerAfterMs: 5_000 });
  await pool.until(() => pool.jobs.free().length === 1);
  const { id, nodename, step, revision } = pool.one('building');
  expect(step).toBe('register');
  if (nodename === null) throw new Error('it is in Jenkins');
  pool.jobs.start(nodename);
  await pool.advance(10_000);
  expect(pool.row(Number(id))).toMatchObject({ state: 'used', step: null, revision: revision + 1 });
  pool.jobs.finish(nodename);
  await pool.advance(200_000);
  pool.checkAtRest();
});

test('a job that starts while the node is being written ready makes it used after that', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }], storeMs: 500 });
  await pool.until(() => pool.jobs.free().length === 1);
  const { id, nodename } = pool.one('building');
  if (nodename === null) throw new Error('it is in Jenkins');
  pool.jobs.start(nodename);
  await pool.until(() => pool.row(Number(id))?.state === 'used');
  await pool.advance(10_000);
  expect(pool.row(Number(id))).toMatchObject({ state: 'used', step: null });
  pool.jobs.finish(nodename);
  await pool.advance(200_000);
  pool.checkAtRest();
});

test('the end of a job is heard twice and counts once', async () => {
  const { pool, name, id } = await readyPool();
  pool.jobs.start(name);
  pool.jobs.finish(name);
  await pool.advance(30_000);
  pool.jobs.finish(name);
  await pool.advance(45_000);
  expect(pool.row(id)).toBeNull();
  expect(pool.stats.counts.get('nodepool.job.job.builds')).toBe(1);
});

test('lesson 67: no job starts on a node whose job has started or ended, however often jobs come', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 4 }], seed: 7 });
  await pool.rest();
  for (let n = 0; n < 60; n++) {
    const [name] = pool.jobs.free();
    if (name !== undefined) {
      pool.jobs.start(name);
      await pool.advance(2_000);
      pool.jobs.finish(name);
    }
    await pool.advance(1_500);
    pool.check();
  }
  await pool.advance(100_000);
  await pool.rest();
  pool.checkAtRest();
});

test('a node is taken offline at the end of its job where that failed at the start', async () => {
  const { pool, name } = await readyPool();
  pool.master().down();
  pool.jobs.start(name);
  await pool.advance(5_000);
  pool.master().down(null);
  await pool.advance(20_000);
  pool.jobs.finish(name);
  await pool.advance(2_000);
  expect(pool.jobs.free()).not.toContain(name);
});
