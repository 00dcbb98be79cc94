import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { startPool, type Pool } from '../support/pool.js';

const one = { labels: [{ name: 'bare', minReady: 1 }] };

function nameOf(pool: Pool, id: number) {
  const name = pool.row(id)?.nodename;
  if (!name) throw new Error(`node ${id} has no name`);
  return name;
}

test('a database that is away at the start is waited for', async () => {
  const pool = await startPool({ before: world => world.store.away() });
  await pool.advance(300_000);
  expect(pool.state('/store')).toContain('away');
  expect(pool.rows()).toEqual([]);
  pool.store.back();
  await pool.rest();
  pool.checkAtRest();
});

test('a database that was away for minutes is found again within two seconds, and everybody goes on at once', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 8 }], connectionsAllowed: 19 });
  await pool.until(() => pool.servers().length >= 2);
  pool.store.away();
  await pool.advance(300_000);
  const opened = (): number => pool.store.calls.filter(method => method === 'openSlot').length;
  const before = opened();
  pool.store.back();
  await pool.advance(2_000);
  expect(pool.state('/store')).toContain('ready');
  expect(pool.rows().every(({ lastError }) => lastError === null)).toBe(true);
  // Four are allowed, beside the five of the daemon and the ten that are left to others.
  expect(opened() - before).toBe(4);
  expect(pool.store.database.slots.size).toBe(4);
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(8);
  pool.checkAtRest();
});

test('a database that goes away at any moment of a launch costs no second server', async () => {
  for (let n = 0; n < 60; n++) {
    const pool = await startPool({ labels: [{ name: 'bare', minReady: 3 }], seed: n });
    await pool.advance(n < 40 ? n * 20 : 800 + (n - 40) * 1_200);
    pool.store.away();
    await pool.advance(45_000);
    pool.store.back();
    await pool.advance(20_000);
    await pool.rest();
    expect(pool.cloud().callsOf('createServer'), `away at ${n}`).toHaveLength(3);
    pool.checkAtRest();
  }
});

test('what is learned of jobs while the database is away is written when it is back', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }] });
  await pool.rest();
  const [first, second] = pool.in('ready').map(row => Number(row.id));
  if (first === undefined || second === undefined) throw new Error('two are ready');
  const names = [nameOf(pool, first), nameOf(pool, second)] as const;
  pool.store.away();
  pool.jobs.start(names[0]);
  await pool.advance(20_000);
  pool.jobs.finish(names[0]);
  pool.jobs.start(names[1]);
  await pool.advance(120_000);
  expect(pool.in('ready')).toHaveLength(2);
  pool.store.back();
  await pool.advance(20_000);
  expect(pool.row(first)).toMatchObject({ state: 'used' });
  expect(pool.row(first)?.deleteAt).not.toBeNull();
  expect(pool.row(second)).toMatchObject({ state: 'used', deleteAt: null });
  await pool.advance(120_000);
  expect(pool.row(first)).toBeNull();
  pool.jobs.finish(names[1]);
  await pool.advance(120_000);
  pool.checkAtRest();
});

test('a delete goes on when the database is back', async () => {
  for (let n = 0; n < 30; n++) {
    const pool = await startPool(one);
    await pool.rest();
    const { id } = pool.one('ready');
    await pool.delete(id);
    await pool.advance(n * 250);
    pool.store.away();
    await pool.advance(30_000);
    pool.store.back();
    await pool.until(() => pool.row(id) === null);
    await pool.rest();
    pool.checkAtRest();
  }
});

test('a round whose commit was answered by nobody is not written twice', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 3 }] });
  pool.store.loseReply('insertNodes');
  await pool.until(() => pool.rows().length > 0);
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(3);
  pool.checkAtRest();
});

test('a round that is written late, after its actor was given up, grants nothing twice', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 3 }],
    providers: [{ name: 'alpha', maxServers: 3 }],
  });
  let asked = 0;
  pool.store.whim = method => (method === 'insertNodes' && asked++ === 0 ? { stallMs: 40_000 } : null);
  await pool.until(() => asked === 2);
  await pool.rest();
  await pool.advance(120_000);
  expect(pool.cloud().serversPeak).toBe(3);
  pool.checkAtRest({ failures: pool.failures.length });
});

test('a round that the database refuses is made again', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 3 }] });
  pool.store.next('insertNodes', new Fault('store.refused', 'disk full'));
  await pool.rest();
  pool.checkAtRest();
});

test('a change whose reply is lost is not taken for a refusal', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  for (let n = 0; n < 12; n++) {
    pool.store.loseReply('changeNode');
    await pool.advance(2_500);
  }
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(1);
  pool.checkAtRest();
});

test('a launch whose beginning was written and not answered goes on, though it is written anew at another time', async () => {
  const pool = await startPool(one);
  const troubles = ['lose-reply' as const, new Fault('store.away', 'Connection terminated unexpectedly')];
  pool.store.whim = method => (method === 'changeNode' ? (troubles.shift() ?? null) : null);
  await pool.advance(150_000);
  expect(pool.in('ready')).toHaveLength(1);
  expect(troubles).toEqual([]);
  expect(pool.cloud().callsOf('createServer')).toHaveLength(1);
  pool.checkAtRest();
});

test('a delete of a row whose reply is lost is over all the same', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const { id } = pool.one('ready');
  pool.store.loseReply('deleteNode');
  await pool.delete(id);
  await pool.rest();
  await pool.advance(60_000);
  expect(pool.row(id)).toBeNull();
  pool.checkAtRest();
});

test('what is asked while the database is away is done in the order in which it was asked', async () => {
  const pool = await startPool(one);
  await pool.until(() => pool.system.inspect('/providers/alpha/nodes/1')?.connection?.state === 'held');
  await pool.hold(1);
  pool.store.away();
  void pool.api.release(1);
  await pool.advance(5_000);
  void pool.api.hold(1, { reason: 'again', forMs: null });
  await pool.advance(30_000);
  pool.store.back();
  await pool.advance(60_000);
  expect(pool.row(1)).toMatchObject({ state: 'hold', reason: 'again' });
});

test('one broken connection costs its node a moment, and nobody else anything', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 3 }] });
  await pool.until(() => pool.servers().length === 3);
  pool.store.killConnection('1');
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(3);
  expect(pool.log.filter(line => line.message.startsWith('store:'))).toEqual([]);
  pool.checkAtRest();
});

test('a slot that cannot be opened is tried again', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 3 }] });
  pool.store.next('openSlot', new Fault('store.away', 'too many connections'));
  await pool.rest();
  pool.checkAtRest();
});

test('a server that gives no more connections than some is not away: those are shared until it gives more', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 9 }] });
  const given = (): number => pool.store.calls.filter(method => method === 'openSlot').length;
  pool.store.whim = method =>
    method === 'openSlot' && given() > 3 ? new Fault('store.away', 'Too many connections') : null;
  const seen = new Set<string>();
  await pool.until(() => {
    const state = pool.state('/store') ?? '';
    seen.add(state.split(':')[0] ?? '');
    return pool.in('ready').length === 9;
  });
  expect([...seen]).toEqual(['starting', 'ready']);
  expect(pool.log.filter(line => line.level === 'warn' && line.message.includes('Too many connections'))).toHaveLength(
    1,
  );
  await pool.rest();
  const refused = given();
  pool.store.whim = () => null;
  for (const { id } of pool.in('ready')) void pool.api.delete(id, { now: false });
  await pool.advance(60_000);
  expect(given() - refused).toBeGreaterThan(5);
  await pool.rest();
  pool.checkAtRest();
});

test('that the server gave no more connections is not said any more once nobody wants one', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }] });
  const given = (): number => pool.store.calls.filter(method => method === 'openSlot').length;
  pool.store.whim = method =>
    method === 'openSlot' && given() > 1 ? new Fault('store.away', 'Too many connections') : null;
  await pool.until(() => pool.state('/store')?.includes('gives no more') === true);
  await pool.rest();
  await pool.advance(30_000);
  expect(pool.state('/store')).not.toContain('gives no more');
});

test('lesson 79: with fewer connections than launches everything is finished: connections are handed on by those that wait', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 8 }], maxConnections: 7 });
  pool.cloud().bootMs = 120_000;
  await pool.advance(30_000);
  // All boot side by side, though only two have a connection at a time.
  expect(pool.servers()).toHaveLength(8);
  await pool.rest();
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.rest();
  pool.checkAtRest();
});

test('all connections of the daemon are counted against max-connections, its own five among them', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 8 }], maxConnections: 8 });
  let peak = 0;
  await pool.until(() => {
    peak = Math.max(peak, pool.store.database.slots.size);
    return pool.in('ready').length === 8;
  });
  expect(peak).toBe(3);
});

test('with one connection everything is finished', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 5 }], maxConnections: 6 });
  pool.cloud().bootMs = 120_000;
  await pool.advance(60_000);
  expect(pool.servers()).toHaveLength(5);
  await pool.rest();
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.rest();
  pool.checkAtRest();
});

test('a lock that is lost is taken again', async () => {
  const pool = await startPool(one);
  await pool.rest();
  pool.store.loseLock();
  await pool.advance(30_000);
  expect(pool.store.database.lock).not.toBeNull();
  pool.checkAtRest();
});

test('a statement that takes too long fails its actor, which looks at the row again', async () => {
  for (let n = 0; n < 12; n++) {
    const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
    await pool.advance(200 + n * 30);
    pool.store.stall(40_000);
    await pool.advance(60_000);
    await pool.rest();
    expect(pool.cloud().callsOf('createServer')).toHaveLength(1);
    pool.checkAtRest({ failures: pool.failures.length });
  }
});

test('commands that are given while the database is away are carried out when it is back', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const { id } = pool.one('ready');
  pool.store.away();
  const held = pool.api.hold(id, { reason: 'why', forMs: null });
  await pool.advance(10_000);
  pool.store.back();
  expect(await pool.answer(held)).toMatchObject({ kind: 'done', node: { state: 'hold', reason: 'why' } });
});

test('a node that waits for its turn to delete does not keep the only connection from the one whose turn it is', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 3 }],
    providers: [{ name: 'alpha', concurrency: { workers: 1, calls: 8, launches: 40, deletes: 1, imageBuilds: 2 } }],
    maxConnections: 6,
  });
  await pool.rest();
  // Those that wait are out of Jenkins, with the connection, long before the server of the first is gone.
  pool.cloud().deleteMs = 20_000;
  const ids = pool.in('ready').map(({ id }) => Number(id));
  for (const id of ids) await pool.delete(id);
  await pool.until(() => ids.every(id => pool.row(id) === null));
  await pool.rest();
  pool.checkAtRest();
});

test('a connection that is asked back after it broke costs nobody the next one', async () => {
  for (let n = 0; n < 40; n++) {
    const pool = await startPool({ labels: [{ name: 'bare', minReady: 4 }], maxConnections: 6, seed: n });
    await pool.advance(n * 15);
    pool.store.loseReply('changeNode');
    pool.store.loseReply('changeNode');
    await pool.rest();
    pool.checkAtRest();
  }
});

test('a node that fails after a write whose answer was lost goes on from the row as it is', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const id = Number(pool.one('ready').id);
  const troubles = ['lose-reply' as const, new Fault('store.refused', 'disk full')];
  pool.store.whim = method => (method === 'changeNode' ? (troubles.shift() ?? null) : null);
  await pool.delete(id);
  await pool.until(() => pool.row(id) === null);
  await pool.rest();
  pool.checkAtRest({ failures: 1 });
});

test('a node that fails and is held then gives back the connection that it does not know of', async () => {
  for (let n = 0; n < 8; n++) {
    const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }], maxConnections: 6, seed: n });
    let writes = 0;
    pool.store.whim = method =>
      method === 'changeNode' && writes++ === n ? new Fault('store.refused', 'disk full') : null;
    await pool.until(() => pool.failures.length === 1);
    const id = Number(pool.failures[0]?.path.split('/').at(-1));
    await pool.hold(id);
    await pool.rest();
    expect(pool.row(id)?.state).toBe('hold');
    await pool.delete(id);
    await pool.rest();
    pool.checkAtRest({ failures: 1 });
  }
});

test('a crowd that waits for connections asks each that has one for it once, and floods nobody', async () => {
  const concurrency = { workers: 1, calls: 8, launches: 200, deletes: 40, imageBuilds: 2 };
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 200 }],
    providers: [{ name: 'alpha', maxServers: 200, concurrency }],
    connectionsAllowed: 35,
  });
  await pool.rest();
  const nodes = pool.actors().filter(({ kind }) => kind === 'node');
  expect(Math.max(...nodes.map(({ handled }) => handled))).toBeLessThan(100);
  expect(Math.max(...nodes.map(({ highWater }) => highWater))).toBeLessThan(10);
  pool.checkAtRest();
});

test('connections that are being closed count: those that break are replaced within max-connections', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 8 }], maxConnections: 8 });
  pool.store.closeMs = 1_500;
  for (let connection = 1; connection < 40; connection += 2) pool.store.killConnection(String(connection));
  await pool.rest();
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.rest();
  expect(pool.store.slotsPeak).toBe(3);
  pool.checkAtRest();
});

test('connections that are being closed count: so they do when the database was away, and when the store has failed', async () => {
  for (const trouble of ['away', 'failed'] as const) {
    const pool = await startPool({ labels: [{ name: 'bare', minReady: 8 }], maxConnections: 8 });
    pool.store.closeMs = 20_000;
    for (let times = 0; times < 5; times++) {
      await pool.advance(1_700);
      if (trouble === 'failed') void pool.api.restart('/store');
      else pool.store.away();
      await pool.advance(2_500);
      pool.store.back();
    }
    await pool.rest();
    expect(pool.store.slotsPeak, trouble).toBe(3);
    pool.checkAtRest();
  }
});

test('a connection that was being closed when the store failed is replaced once it is closed', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }], maxConnections: 6 });
  pool.store.closeMs = 5_000;
  await pool.until(() => pool.store.slotsPeak === 1);
  pool.store.killConnection('1');
  await pool.until(() => /0 lent, 0 idle, 1 waiting/.test(pool.state('/store') ?? ''));
  void pool.api.restart('/store');
  await pool.until(() => pool.in('ready').length === 1, 60_000);
  expect(pool.store.slotsPeak).toBe(1);
});
