/** A target with a test job: nodes prove themselves before jobs may have them (lessons 63 and 64). */
import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import type { NodeName } from '../../src/domain/ids.js';
import { startPool, type Pool } from '../support/pool.js';

const testJob = 'accept-node';
const jenkins = {
  url: 'https://jenkins01/',
  user: 'nodepool',
  apikey: 'secret',
  credentialsId: 'credentials',
  testJob,
};
const one = { labels: [{ name: 'bare', minReady: 1 }], targets: [{ name: 'jenkins01', jenkins }] };

/** Until Jenkins has been asked to test a node. */
async function underTest(pool: Pool, tests = 1): Promise<{ id: number; name: NodeName }> {
  await pool.until(() => pool.master().testJobs.length === tests);
  await pool.advance(1_000);
  const { id, nodename } = pool.one('test');
  if (nodename === null) throw new Error('it is in Jenkins');
  return { id: Number(id), name: nodename };
}

test('lesson 63: a successful test job relabels the node and makes it ready, and its time is no job’s', async () => {
  const pool = await startPool(one);
  const { id, name } = await underTest(pool);
  expect(pool.master().slaves.get(name)?.spec.labels).toBeNull();
  expect(pool.master().testJobs).toEqual([{ job: testJob, name }]);
  pool.jobs.start(name, { job: testJob });
  await pool.advance(30_000);
  expect(pool.row(id)?.state).toBe('test');
  pool.jobs.finish(name, { job: testJob });
  await pool.rest();
  expect(pool.row(id)).toMatchObject({ state: 'ready', jobStartedAt: null, jobEndedAt: null });
  expect(pool.master().slaves.get(name)).toMatchObject({ spec: { labels: 'bare' }, offlineReason: null });
  expect([...pool.stats.counts.keys()].filter(key => key.startsWith('nodepool.job.'))).toEqual([]);
  pool.checkAtRest();
});

test('a node that failed its test is deleted, and another one is tested', async () => {
  const pool = await startPool(one);
  const { id, name } = await underTest(pool);
  pool.jobs.start(name, { job: testJob });
  await pool.advance(30_000);
  pool.jobs.finish(name, { job: testJob, result: 'FAILURE' });
  await pool.until(() => pool.row(id) === null);
  const other = await underTest(pool, 2);
  pool.jobs.start(other.name, { job: testJob });
  pool.jobs.finish(other.name, { job: testJob });
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 64: the time limit of a test runs from its start, not from its place in the queue', async () => {
  const pool = await startPool(one);
  const { id, name } = await underTest(pool);
  await pool.advance(200_000);
  pool.jobs.start(name, { job: testJob });
  await pool.advance(240_000);
  expect(pool.row(id)?.state).toBe('test');
  pool.jobs.finish(name, { job: testJob });
  await pool.advance(5_000);
  expect(pool.row(id)?.state).toBe('ready');
});

test('a test that never ends is given up after its time limit', async () => {
  const pool = await startPool(one);
  const { id, name } = await underTest(pool);
  pool.jobs.start(name, { job: testJob });
  await pool.advance(290_000);
  expect(pool.row(id)?.state).toBe('test');
  await pool.until(() => pool.row(id) === null, 200_000);
});

test('a node that has passed its test is not too old while it gets its label: a job may have begun on it', async () => {
  const pool = await startPool(one);
  const { id, name } = await underTest(pool);
  pool.master().always('relabel', { answerAfterMs: 50_000 });
  pool.jobs.start(name, { job: testJob });
  await pool.advance(290_000);
  pool.jobs.finish(name, { job: testJob });
  await pool.until(() => pool.master().slaves.get(name)?.spec.labels === 'bare');
  pool.jobs.start(name, { isHeard: false });
  await pool.until(() => pool.row(id)?.state === 'used', 120_000);
  pool.jobs.finish(name);
  await pool.until(() => pool.row(id) === null, 120_000);
  expect(pool.master().killed).toEqual([]);
});

test('a node that could not be given its label back may have got it all the same, and a job with it', async () => {
  const pool = await startPool(one);
  const { id, name } = await underTest(pool);
  const lost = new Fault('jenkins.timeout', 'no answer to a relabelling');
  pool.master().next('relabel', { loseReply: lost }, new Fault('jenkins.refused', 'no right to relabel'));
  pool.jobs.start(name, { job: testJob });
  pool.jobs.finish(name, { job: testJob });
  await pool.until(() => pool.master().slaves.get(name)?.spec.labels === 'bare');
  pool.jobs.start(name, { isHeard: false });
  await pool.advance(120_000);
  expect(pool.row(id)?.state).toBe('used');
  pool.jobs.finish(name, { isHeard: false });
  await pool.until(() => pool.row(id) === null, 120_000);
  expect(pool.master().killed).toEqual([]);
});

test('a crash between the test and its relabelling is made good', async () => {
  const pool = await startPool(one);
  const { id, name } = await underTest(pool);
  pool.master().always('relabel', 'hang');
  pool.jobs.start(name, { job: testJob });
  pool.jobs.finish(name, { job: testJob });
  await pool.until(() => pool.master().callsOf('relabel').length === 1);
  pool.crash();
  pool.master().always('relabel', null);
  await pool.restart();
  await pool.rest();
  expect(pool.row(id)?.state).toBe('ready');
  expect(pool.master().slaves.get(name)?.spec.labels).toBe('bare');
  pool.checkAtRest();
});

test('a master that is away when the test is to start is waited for', async () => {
  const pool = await startPool(one);
  await pool.until(() => pool.master().callsOf('createNode').length === 1);
  pool.master().always('startTestJob', 'hang');
  await pool.until(() => pool.in('test').length === 1);
  await pool.advance(100_000);
  pool.master().always('startTestJob', null);
  const { name } = await underTest(pool);
  pool.jobs.start(name, { job: testJob });
  pool.jobs.finish(name, { job: testJob });
  await pool.rest();
  pool.checkAtRest();
});

test('a job that is not the test job uses the node up, tested or not', async () => {
  const pool = await startPool(one);
  const { id, name } = await underTest(pool);
  pool.jobs.start(name, { job: 'gate' });
  await pool.advance(1_000);
  expect(pool.row(id)?.state).toBe('used');
  expect(pool.master().slaves.get(name)?.offlineReason).toBe('its one job has started');
});
