import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { publisher } from '../support/pool-config.js';
import { startPool } from '../support/pool.js';

const two = {
  labels: [{ name: 'bare', minReady: 4 }],
  targets: [{ name: 'jenkins01' }, { name: 'jenkins02' }],
};

test('lesson 56: with Jenkins down a server is deleted all the same, and its slave when Jenkins is back', async () => {
  const pool = await startPool();
  await pool.rest();
  const { id, nodename, serverId } = pool.one('ready');
  pool.master().down();
  await pool.delete(id);
  await pool.advance(30_000);
  expect(pool.servers()).not.toContain(serverId);
  expect(pool.row(id)).toMatchObject({ state: 'delete', step: 'unregister' });
  expect(pool.slaves()).toContain(nodename);
  await pool.advance(3_600_000);
  expect(pool.row(id)).toMatchObject({ state: 'delete', step: 'unregister' });
  pool.master().down(null);
  await pool.rest(900_000);
  expect(pool.slaves()).not.toContain(nodename);
  pool.checkAtRest();
});

test('a pending unregistration survives a crash', async () => {
  const pool = await startPool();
  await pool.rest();
  const { id, nodename } = pool.one('ready');
  pool.master().down();
  await pool.delete(id);
  await pool.advance(60_000);
  pool.crash();
  await pool.restart();
  await pool.advance(60_000);
  expect(pool.row(id)).toMatchObject({ state: 'delete', step: 'unregister' });
  pool.master().down(null);
  await pool.rest(900_000);
  expect(pool.slaves()).not.toContain(nodename);
  pool.checkAtRest();
});

test('stock of a master that is away does not count, and the other one gets nodes', async () => {
  const pool = await startPool(two);
  await pool.rest();
  expect(pool.slaves('jenkins02')).toHaveLength(2);
  pool.master('jenkins02').down();
  await pool.until(() => pool.slaves('jenkins01').length === 4);
  await pool.advance(60_000);
  expect(pool.in('ready')).toHaveLength(6);
  pool.checkAtRest({ ready: { bare: 6 } });
});

test('lesson 61: a master that is quieting down gets no nodes, and events from it still count', async () => {
  const pool = await startPool(two);
  await pool.rest();
  pool.master('jenkins02').quietingDown = true;
  await pool.until(() => pool.slaves('jenkins01').length === 4);
  const [name] = pool.slaves('jenkins02');
  if (name === undefined) throw new Error('it has slaves');
  pool.jobs.start(name);
  await pool.advance(1_000);
  expect(pool.in('used').map(row => row.nodename)).toEqual([name]);
});

test('with all masters away nothing is launched, and the launches under way wait for one', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }] });
  await pool.until(() => pool.servers().length === 2);
  pool.master().down();
  await pool.advance(600_000);
  expect(pool.in('building').map(row => row.step)).toEqual(['register', 'register']);
  expect(pool.rows()).toHaveLength(2);
  pool.master().down(null);
  await pool.rest();
  expect(pool.cloud().serversPeak).toBe(2);
  pool.checkAtRest();
});

test('a master that hangs costs a deadline, and its nodes are registered when it answers', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  pool.master().next('createNode', 'hang');
  await pool.rest();
  pool.checkAtRest();
});

test('a registration that succeeded without a reply is not taken for a failure', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  const { Fault } = await import('../../src/domain/fault.js');
  pool.master().next('createNode', { loseReply: new Fault('jenkins.unreachable', 'connection reset') });
  await pool.rest();
  expect(pool.slaves()).toHaveLength(1);
  expect(pool.cloud().callsOf('createServer')).toHaveLength(1);
  pool.checkAtRest();
});

test('a node that is deleted while it is being registered leaves no slave', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  pool.master().next('createNode', { delayMs: 20_000 });
  await pool.until(() => pool.master().callsOf('createNode').length === 1);
  const { id } = pool.one('building');
  await pool.delete(id);
  await pool.rest();
  expect(pool.row(id)).toBeNull();
  pool.checkAtRest();
});

test('a registration that takes effect after its deadline leaves no slave of a node that is deleted then', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  pool.master().next('createNode', { delayMs: 90_000 });
  await pool.until(() => pool.master().callsOf('createNode').length === 1);
  await pool.rest();
  await pool.advance(100_000);
  pool.checkAtRest();
});

test('a publisher that is lost is told of, and its events count again when it is back', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  await pool.rest();
  const { id, nodename } = pool.one('ready');
  if (nodename === null) throw new Error('it is in Jenkins');
  pool.events.publisher(publisher).disconnect();
  await pool.advance(1_000);
  const readiness = await pool.answer(pool.api.readiness());
  expect(readiness.dependencies.find(each => each.name.startsWith('events/'))).toMatchObject({ ok: false });
  pool.events.publisher(publisher).reconnect();
  pool.jobs.start(nodename);
  await pool.advance(1_000);
  expect(pool.row(id)?.state).toBe('used');
});

test('lesson 62: a target without Jenkins gets nodes that are ready when SSH answers', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }], targets: [{ name: 'none', jenkins: null }] });
  await pool.rest();
  expect(pool.slaves()).toEqual([]);
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 57: a node that never got a name is deleted, and Jenkins is not asked for a slave without one', async () => {
  const concurrency = { workers: 1, calls: 8, launches: 1, deletes: 40, imageBuilds: 2 };
  const pool = await startPool({ providers: [{ name: 'alpha', concurrency }] });
  await pool.until(() => pool.servers().length === 1);
  const waiting = pool.in('building').find(({ nodename }) => nodename === null);
  if (!waiting) throw new Error('one waits for its turn');
  await pool.delete(Number(waiting.id));
  await pool.rest();
  expect(pool.row(Number(waiting.id))).toBeNull();
  expect(pool.master().callsOf('deleteNode')).toEqual([]);
  pool.checkAtRest();
});

test('lesson 60: hundreds of waiting calls do not make a master look dead', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 20 }],
    providers: [{ name: 'alpha', maxServers: 40 }],
    targets: [{ name: 'jenkins01', rateMs: 30_000 }],
  });
  await pool.until(() => pool.master().callsOf('createNode').length > 1);
  const probes = pool.master().callsOf('status').length;
  await pool.advance(100_000);
  expect(pool.state('/targets/jenkins01')).toMatch(/^online; \d calls, 1\d queued$/);
  expect(pool.master().callsOf('status').length - probes).toBe(10);
  expect(pool.jobs.free().length).toBeLessThan(8);
});

test('where slaves that are wanted and slaves that are done with wait for a master, two are made for one that is deleted', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 12 }],
    providers: [{ name: 'alpha', maxServers: 40 }],
    targets: [{ name: 'jenkins01', rateMs: 30_000 }],
  });
  await pool.rest();
  const told = pool.master().calls.length;
  for (const { id } of pool.in('ready')) void pool.api.delete(Number(id), { now: true });
  await pool.until(() => pool.master().callsOf('deleteNode').length === 6, 3_600_000);
  const kinds = pool
    .master()
    .calls.slice(told)
    .map(({ op }) => op)
    .filter(op => op === 'createNode' || op === 'deleteNode');
  expect(kinds.slice(-9).filter(op => op === 'createNode')).toHaveLength(6);
});

test('nodes are taken offline at once, whatever the pace of a master is and however many calls wait for it', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 20 }],
    providers: [{ name: 'alpha', maxServers: 40 }],
    targets: [{ name: 'jenkins01', rateMs: 30_000 }],
  });
  await pool.until(() => pool.jobs.free().length === 2);
  for (const name of pool.jobs.free()) pool.jobs.start(name);
  await pool.advance(1_000);
  expect(pool.master().callsOf('setOffline')).toHaveLength(2);
  expect(pool.state('/targets/jenkins01')).toMatch(/ [1-9]\d* queued$/);
});

test('lesson 60: a probe that hangs stops nobody but its master', async () => {
  const pool = await startPool(two);
  await pool.rest();
  pool.master('jenkins02').always('status', 'hang');
  await pool.until(() => pool.slaves('jenkins01').length === 4, 120_000);
  expect(pool.state('/targets/jenkins02')).toMatch(/^offline: status: no answer within 60000 ms/);
});

test('lesson 65: the remote root is the home of the image’s user', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  await pool.rest();
  expect([...pool.master().slaves.values()].map(({ spec }) => spec.remoteRoot)).toEqual(['/home/jenkins']);
});

test.each([
  ['an HTML page', 'jenkins.bad-answer'],
  ['a 403', 'jenkins.auth'],
  ['a 503 while it starts', 'jenkins.unreachable'],
] as const)('a master that answers %s is named with its reason, gets no nodes, and comes back', async (_, kind) => {
  const pool = await startPool({ ...two, before: world => world.master('jenkins02').down(kind) });
  await pool.until(() => pool.slaves('jenkins01').length === 4);
  expect(pool.state('/targets/jenkins02')).toMatch(/^offline: the fake master is down/);
  const { ready, dependencies } = await pool.answer(pool.api.readiness());
  expect(ready).toBe(true);
  expect(dependencies.find(({ name }) => name === 'targets/jenkins02')).toMatchObject({
    ok: false,
    reason: 'the fake master is down',
  });
  pool.master('jenkins02').down(null);
  await pool.until(() => pool.state('/targets/jenkins02')?.startsWith('online') === true);
});

test('a node that may be in its master, which then refuses it, goes when its job has ended', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  pool
    .master()
    .next(
      'createNode',
      { loseReply: new Fault('jenkins.timeout', 'no answer') },
      new Fault('jenkins.refused', 'HTTP 403'),
    );
  await pool.until(() => pool.slaves().length === 1);
  const { id, nodename } = pool.one('building');
  if (nodename === null) throw new Error('it has a name');
  pool.jobs.start(nodename, { isHeard: false });
  await pool.until(() => pool.row(id)?.state === 'used', 60_000);
  await pool.advance(120_000);
  expect(pool.row(id)?.state).toBe('used');
  pool.jobs.finish(nodename, { isHeard: false });
  await pool.until(() => pool.row(id) === null, 120_000);
  expect(pool.master().killed).toEqual([]);
});

test('a node that its master has refused for certain makes room at once', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  pool.master().next('createNode', new Fault('jenkins.refused', 'HTTP 403'));
  await pool.until(() => pool.happened.some(({ type }) => type === 'node.launch-failed'));
  expect(pool.one('delete').lastError).toContain('HTTP 403');
  await pool.rest();
  pool.checkAtRest();
});
