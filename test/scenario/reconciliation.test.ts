/** What Jenkins knows and no event has told (lessons 55, 58, 59 and 69). */
import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import type { NodeName } from '../../src/domain/ids.js';
import { startPool, type Pool, type PoolWish } from '../support/pool.js';

async function readyPool(wish: PoolWish = {}): Promise<{ pool: Pool; name: NodeName; id: number }> {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }], ...wish });
  await pool.rest();
  const { nodename, id } = pool.one('ready');
  if (nodename === null) throw new Error('a ready node has a name');
  return { pool, name: nodename, id: Number(id) };
}

const gone = (pool: Pool, id: number) => (): boolean => pool.row(id) === null;

test('lesson 69: a node whose job ended unheard is not kept for eight hours', async () => {
  const { pool, name, id } = await readyPool();
  pool.jobs.start(name);
  await pool.advance(600_000);
  expect(pool.row(id)?.state).toBe('used');
  pool.jobs.finish(name, { isHeard: false });
  await pool.until(gone(pool, id), 120_000);
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 69: a job that starts unheard makes its node used, and no second one can follow', async () => {
  const { pool, name, id } = await readyPool();
  pool.jobs.start(name, { isHeard: false });
  await pool.advance(12_000);
  expect(pool.row(id)?.state).toBe('used');
  expect(pool.master().slaves.get(name)?.offlineReason).toBe('its one job has started');
  pool.jobs.finish(name, { isHeard: false });
  await pool.until(gone(pool, id), 120_000);
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 69: jobs that started and ended while no daemon ran are known before the first round', async () => {
  const { pool } = await readyPool({ labels: [{ name: 'bare', minReady: 3 }] });
  const [running, ended, idle] = pool.in('ready');
  if (!running?.nodename || !ended?.nodename || !idle) throw new Error('three are ready');
  pool.crash();
  pool.jobs.start(running.nodename, { isHeard: false });
  pool.jobs.start(ended.nodename, { isHeard: false });
  pool.jobs.finish(ended.nodename, { isHeard: false });
  const slave = pool.master().slaves.get(ended.nodename);
  if (slave) slave.offlineReason = 'Offline due to Gearman request';
  await pool.advance(3_600_000);
  pool.happened.length = 0;
  await pool.restart();
  await pool.until(() => pool.happened.some(({ type }) => type === 'pool.granted'));
  const kinds = pool.happened.map(({ type }) => type);
  expect(kinds.indexOf('node.used')).toBeGreaterThanOrEqual(0);
  expect(kinds.indexOf('node.used')).toBeLessThan(kinds.indexOf('pool.granted'));
  await pool.until(gone(pool, Number(ended.id)), 120_000);
  expect(pool.row(Number(running.id))?.state).toBe('used');
  expect(pool.row(Number(idle.id))?.state).toBe('ready');
  pool.jobs.finish(running.nodename);
  await pool.until(gone(pool, Number(running.id)), 120_000);
  await pool.rest();
  pool.checkAtRest();
});

test('a master whose slaves and nodes are as they were is listed at each pass, and its rows are not read again', async () => {
  const { pool } = await readyPool();
  await pool.advance(20_000);
  const [lists, reads] = [pool.master().callsOf('listNodes').length, readsOfNodes(pool)];
  await pool.advance(120_000);
  expect(pool.master().callsOf('listNodes').length - lists).toBe(12);
  expect(readsOfNodes(pool)).toBe(reads);
  await pool.delete(pool.one('ready').id);
  await pool.advance(20_000);
  expect(readsOfNodes(pool)).toBeGreaterThan(reads);
});

test('a job that started and ended between two lists, its end unheard, ends for us, too: the list alone shows nothing', async () => {
  const { pool, name, id } = await readyPool({ providers: [{ name: 'alpha', maxServers: 1 }] });
  await pool.advance(20_000);
  pool.master().always('setOffline', new Fault('jenkins.refused', 'no right to take it offline'));
  pool.jobs.start(name);
  await pool.until(() => pool.row(id)?.state === 'used');
  pool.jobs.finish(name, { isHeard: false });
  await pool.until(gone(pool, id), 120_000);
});

const readsOfNodes = (pool: Pool): number => pool.store.targetsRead.length;

test('lesson 67: a slave that was not taken offline when its job started is so before that has ended', async () => {
  const { pool, name, id } = await readyPool();
  await pool.advance(20_000);
  pool.master().next('setOffline', new Fault('jenkins.error', 'HTTP 503'));
  pool.jobs.start(name);
  await pool.until(() => pool.row(id)?.state === 'used');
  expect(pool.master().slaves.get(name)?.offlineReason).toBeNull();
  await pool.until(() => pool.master().slaves.get(name)?.offlineReason === 'its one job has started', 60_000);
  expect(pool.master().callsOf('setOffline')).toHaveLength(2);
});

test('lesson 67: so is one whose daemon was killed when it had written that the job has ended', async () => {
  const { pool, name, id } = await readyPool({ timings: { deleteDelay: 60_000 } });
  await pool.advance(20_000);
  pool.master().always('setOffline', 'hang');
  pool.jobs.start(name);
  pool.jobs.finish(name);
  await pool.until(() => (pool.row(id)?.jobEndedAt ?? null) !== null);
  pool.crash();
  pool.master().always('setOffline', null);
  await pool.restart();
  await pool.until(() => pool.master().slaves.get(name)?.offlineReason === 'its one job has ended', 30_000);
});

test('a master that lets nobody take a node offline is not asked again and again', async () => {
  const { pool, name, id } = await readyPool();
  await pool.advance(20_000);
  pool.master().always('setOffline', new Fault('jenkins.refused', 'no right to take it offline'));
  pool.jobs.start(name);
  await pool.until(() => pool.row(id)?.state === 'used');
  await pool.advance(300_000);
  expect(pool.master().callsOf('setOffline')).toHaveLength(1);
});

test('lesson 69: builds that are lost with a restart of the master end', async () => {
  const { pool, name, id } = await readyPool();
  pool.jobs.start(name);
  await pool.advance(60_000);
  pool.master().restart();
  await pool.until(gone(pool, id), 120_000);
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 55: a ready node that Jenkins does not know is replaced', async () => {
  const { pool, name, id } = await readyPool({ labels: [{ name: 'bare', minReady: 2 }] });
  pool.master().slaves.delete(name);
  await pool.until(gone(pool, id), 60_000);
  await pool.rest();
  expect(pool.log.map(({ message }) => message)).toContain(
    `node ${id}: its slave is gone from Jenkins; whether a job ran on it is not known`,
  );
  pool.checkAtRest();
});

test('lesson 58: a stale slave of the same name, left from another database, is replaced', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 1 }],
    before: world => world.master().addForeign('bare-alpha-1', '198.51.100.99'),
  });
  await pool.rest();
  const { nodename, ip } = pool.one('ready');
  expect(nodename).toBe('bare-alpha-1');
  expect([...pool.master().slaves.values()].map(({ spec }) => spec.host)).toEqual([ip]);
  pool.checkAtRest();
});

test.each(['jenkins.auth', 'jenkins.error', 'jenkins.timeout', 'jenkins.bad-answer'] as const)(
  'lesson 59: a master that answers the list with %s has not lost its slaves',
  async kind => {
    const { pool, id } = await readyPool();
    pool.master().always('listNodes', new Fault(kind, 'GET computer/api/json: no list'));
    await pool.advance(600_000);
    expect(pool.row(id)?.state).toBe('ready');
    expect(pool.state('/targets/jenkins01')).toContain('its slaves are not compared: GET computer/api/json: no list');
    const { dependencies } = await pool.answer(pool.api.readiness());
    expect(dependencies.find(({ name }) => name === 'targets/jenkins01')).toMatchObject({ ok: false });
    pool.master().always('listNodes', null);
    await pool.advance(20_000);
    expect(pool.state('/targets/jenkins01')).toMatch(/^online; /);
    pool.checkAtRest();
  },
);

test('a master that cannot list its slaves gets nodes all the same', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 1 }],
    before: world => world.master().always('listNodes', new Fault('jenkins.auth', 'HTTP 403')),
  });
  await pool.rest();
  pool.checkAtRest();
});

test('all nodes of a master cost one request at each pass', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 8 }] });
  await pool.rest();
  const before = pool.master().calls.length;
  await pool.advance(100_000);
  const calls = pool.master().calls.slice(before);
  expect(calls.filter(({ op }) => op === 'listNodes')).toHaveLength(10);
  expect(calls.filter(({ op }) => op !== 'listNodes' && op !== 'status')).toEqual([]);
});

test('a master that has lost its slaves at once is doubted before its nodes are thrown away', async () => {
  const { pool } = await readyPool({ labels: [{ name: 'bare', minReady: 4 }] });
  const ids = pool.in('ready').map(({ id }) => Number(id));
  pool.master().slaves.clear();
  await pool.advance(300_000);
  expect(pool.in('ready').map(({ id }) => Number(id))).toEqual(ids);
  expect(pool.state('/targets/jenkins01')).toContain('4 nodes have no slave in it; is it the right master?');
  await pool.until(() => ids.every(id => pool.row(id) === null), 600_000);
  await pool.rest();
  pool.checkAtRest();
});

test('a job on a held node is seen, and the node is deleted when it is released', async () => {
  const { pool, name, id } = await readyPool();
  await pool.hold(id);
  pool.jobs.start(name, { isHeard: false });
  await pool.advance(60_000);
  pool.jobs.finish(name, { isHeard: false });
  await pool.advance(3_600_000);
  expect(pool.row(id)?.state).toBe('hold');
  expect(pool.row(id)?.jobEndedAt).not.toBeNull();
  await pool.release(id);
  await pool.rest();
  expect(pool.row(id)).toBeNull();
  pool.checkAtRest();
});

test('a ready node that an operator has taken offline in Jenkins is left alone', async () => {
  const { pool, name, id } = await readyPool();
  const slave = pool.master().slaves.get(name);
  if (slave) slave.offlineReason = 'disk is being replaced';
  await pool.advance(600_000);
  expect(pool.row(id)?.state).toBe('ready');
});

test('a database that is away at the start is waited for, and then compared', async () => {
  const { pool, name, id } = await readyPool();
  pool.crash();
  pool.jobs.start(name, { isHeard: false });
  pool.store.away();
  await pool.restart();
  await pool.advance(60_000);
  pool.store.back();
  await pool.until(() => pool.row(id)?.state === 'used', 60_000);
});
