import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import type { ServerSpec } from '../../src/ports/cloud.js';
import { startPool } from '../support/pool.js';

const one = { labels: [{ name: 'bare', minReady: 1 }] };
const two = {
  providers: [{ name: 'alpha' }, { name: 'beta' }],
  targets: [{ name: 'jenkins01' }, { name: 'jenkins02' }],
};

test('a change that is written after its daemon was killed is found by the next one', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  await pool.rest();
  const { id, nodename } = pool.one('ready');
  if (nodename === null) throw new Error('the node has no name');
  pool.store.whim = method => (method === 'changeNode' ? { stallMs: 20_000 } : null);
  pool.jobs.start(nodename);
  await pool.advance(100);
  pool.crash();
  pool.store.whim = () => null;
  pool.jobs.finish(nodename, { isHeard: false });
  const slave = pool.master().slaves.get(nodename);
  if (slave) slave.offline = true;
  await pool.restart();
  await pool.until(() => pool.row(id) === null, 1_800_000);
  await pool.rest();
  pool.checkAtRest();
});

test('a crash between a create and its answer leaks nothing: the server is found by its tag and adopted', async () => {
  const pool = await startPool(one);
  pool.cloud().next('createServer', { delayMs: 3_000 });
  await pool.until(() => pool.cloud().callsOf('createServer').length === 1);
  await pool.advance(1_000);
  pool.crash();
  await pool.restart();
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(1);
  expect(pool.servers()).toEqual([pool.one('ready').serverId]);
  pool.checkAtRest();
});

test('a crash before the create reached the cloud: it is asked anew, once it is sure that there is no server', async () => {
  const pool = await startPool(one);
  pool.cloud().next('createServer', 'hang');
  await pool.until(() => pool.cloud().callsOf('createServer').length === 1);
  pool.crash();
  await pool.restart();
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(2);
  expect(pool.servers()).toHaveLength(1);
  pool.checkAtRest();
});

test('a create that takes effect long after the crash is not asked twice', async () => {
  const pool = await startPool(one);
  pool.cloud().next('createServer', { delayMs: 50_000 });
  await pool.until(() => pool.cloud().callsOf('createServer').length === 1);
  pool.crash();
  await pool.restart();
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(1);
  pool.checkAtRest();
});

test('a create whose reply is lost is found by its tag', async () => {
  const pool = await startPool(one);
  pool.cloud().next('createServer', { loseReply: new Fault('cloud.unreachable', 'connection reset') });
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(1);
  pool.checkAtRest();
});

test('a create that comes to nothing in time is asked anew', async () => {
  const pool = await startPool(one);
  pool.cloud().next('createServer', 'hang');
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(2);
  pool.checkAtRest();
});

test('a node in doubt that is deleted takes the server that was made all the same with it', async () => {
  const pool = await startPool(one);
  pool.cloud().next('createServer', { delayMs: 55_000 });
  await pool.until(() => pool.cloud().callsOf('createServer').length === 1);
  const id = Number(pool.one('building').id);
  pool.crash();
  await pool.restart();
  await pool.advance(2_000);
  await pool.delete(id);
  await pool.until(() => pool.row(id) === null);
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 89: a launch goes on where the crash met it, at whatever moment', async () => {
  for (let n = 0; n < 60; n++) {
    const pool = await startPool({ ...two, labels: [{ name: 'bare', minReady: 4 }], seed: n });
    await pool.advance(n < 40 ? n * 25 : 1_000 + (n - 40) * 1_200);
    pool.crash();
    await pool.advance(n * 10);
    await pool.restart();
    await pool.rest();
    expect(pool.rows(), `crashed at ${n}`).toHaveLength(4);
    expect(pool.log.filter(line => line.message.includes('launch failed'))).toEqual([]);
    pool.checkAtRest();
  }
});

test('a full pool launches nothing after a crash, though one master answers later than the other', async () => {
  const pool = await startPool({ ...two, labels: [{ name: 'bare', minReady: 6 }] });
  await pool.rest();
  pool.crash();
  pool.master('jenkins02').latencyMs = 2_000;
  await pool.restart();
  await pool.advance(60_000);
  expect(pool.rows()).toHaveLength(6);
  pool.checkAtRest();
});

test('a crash in the middle of a delete is no obstacle to it', async () => {
  for (let n = 0; n < 30; n++) {
    const pool = await startPool(one);
    await pool.rest();
    const id = Number(pool.one('ready').id);
    await pool.delete(id);
    await pool.advance(n * 300);
    pool.crash();
    await pool.restart();
    await pool.until(() => pool.row(id) === null);
    await pool.rest();
    pool.checkAtRest();
  }
});

test('lesson 97: a graceful stop leaves launches building, and the next start finishes them', async () => {
  const pool = await startPool({ ...two, labels: [{ name: 'bare', minReady: 4 }] });
  await pool.advance(5_000);
  expect(await pool.stop()).toEqual([]);
  expect(pool.in('building')).toHaveLength(4);
  await pool.advance(60_000);
  await pool.restart();
  await pool.rest();
  expect(pool.servers()).toHaveLength(4);
  pool.checkAtRest();
});

test('a stop waits for the create that is in flight and for none that waits for its turn, and the next start makes these once', async () => {
  const concurrency = { workers: 1, calls: 1, launches: 40, deletes: 40, imageBuilds: 2 };
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 6 }],
    providers: [{ name: 'alpha', concurrency }],
  });
  pool.cloud().always('createServer', { delayMs: 8_000 });
  await pool.until(() => pool.cloud().callsOf('createServer').length === 1);
  const before = pool.clock.now();
  expect(await pool.stop()).toEqual([]);
  expect(pool.clock.now() - before).toBeLessThan(9_000);
  expect(pool.servers()).toHaveLength(1);
  expect(pool.in('building').filter(({ sentAt }) => sentAt !== null)).toHaveLength(1);
  pool.cloud().always('createServer', null);
  await pool.restart();
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(6);
  pool.checkAtRest();
});

test('a stop while a cloud is down waits for no list that would tell whether a create took effect', async () => {
  const pool = await startPool({ ...one, labels: [{ name: 'bare', minReady: 4 }] });
  await pool.until(() => pool.cloud().callsOf('createServer').length === 3);
  pool.crash();
  pool.cloud().down('cloud.timeout');
  await pool.restart();
  await pool.advance(5_000);
  const before = pool.clock.now();
  expect(await pool.stop()).toEqual([]);
  expect(pool.clock.now() - before).toBeLessThan(1_000);
  pool.cloud().down(null);
  await pool.restart();
  await pool.rest();
  expect(pool.servers()).toHaveLength(4);
  pool.checkAtRest();
});

test('a stop waits for a create that is in flight', async () => {
  const pool = await startPool(one);
  pool.cloud().next('createServer', { delayMs: 3_000 });
  await pool.until(() => pool.cloud().callsOf('createServer').length === 1);
  expect(await pool.stop()).toEqual([]);
  expect(pool.servers()).toHaveLength(1);
  await pool.restart();
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(1);
  pool.checkAtRest();
});

test('two daemons do not share a database: the second one gives up', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const { lock } = pool.store.database;
  pool.crash();
  pool.store.database.lock = lock && { ...lock, owner: Object.create(lock.owner) as typeof lock.owner };
  await pool.restart();
  await pool.advance(10_000);
  expect(pool.gaveUp).toContain('in use by the daemon on here');
});

const slow = {
  ...one,
  labels: [{ name: 'bare', minReady: 2 }],
  providers: [
    {
      name: 'alpha',
      rateMs: 1_000,
      concurrency: { workers: 1, calls: 1, launches: 40, deletes: 40, imageBuilds: 2 },
    },
  ],
};

test('a create that was sent long after it was recorded, and just before the crash, is not sent twice', async () => {
  const pool = await startPool(slow);
  // The second one waits for its turn behind this one, with the time at which it was to be sent on its row already.
  pool.cloud().next('createServer', { delayMs: 59_000 }, { delayMs: 50_000 });
  await pool.until(() => pool.cloud().callsOf('createServer').length === 2, 200_000);
  await pool.advance(1_000);
  pool.crash();
  await pool.restart();
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(2);
  expect(pool.servers()).toHaveLength(2);
  pool.checkAtRest();
});

test('a create that was sent just before its cloud actor was restarted is not sent twice', async () => {
  const pool = await startPool(slow);
  pool.cloud().next('createServer', { delayMs: 59_000 }, { delayMs: 50_000 });
  await pool.until(() => pool.cloud().callsOf('createServer').length === 2, 200_000);
  await pool.advance(1_000);
  await pool.answer(pool.api.restart('/providers/alpha/cloud'));
  await pool.advance(60_000);
  await pool.rest();
  pool.checkAtRest();
});

test('a create that waits for its turn longer than anybody waits for it is not sent any more', async () => {
  const [alpha] = slow.providers;
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 3 }],
    providers: [{ ...alpha, name: 'alpha', launchTimeoutMs: 100_000 }],
  });
  // The third one's turn is after them, when its launch is over.
  pool.cloud().next('createServer', { delayMs: 59_000 }, { delayMs: 59_000 });
  const creates = (): string[] =>
    pool
      .cloud()
      .callsOf('createServer')
      .map(call => (call.subject as ServerSpec).name);
  await pool.until(() => creates().length === 1 && pool.rows().every(row => row.hostname !== null));
  const [, , last] = pool.rows();
  await pool.delete(Number(last?.id));
  await pool.advance(400_000);
  await pool.rest();
  expect(creates()).not.toContain(last?.hostname);
  pool.checkAtRest();
});
