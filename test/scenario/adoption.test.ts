import { expect, test } from 'vitest';
import { nodeId, nodeName, serverId, tag } from '../../src/domain/ids.js';
import type { NodeRow } from '../../src/domain/node-row.js';
import { startPool, type Pool } from '../support/pool.js';

const one = { labels: [{ name: 'bare', minReady: 1 }] };

/** A node as the original left it: no tag, no step, no revision to speak of. */
function leave(world: Pool, row: Partial<NodeRow> & Pick<NodeRow, 'state'>): NodeRow {
  const id = nodeId(world.store.database.nextId());
  const name = `bare-alpha-${id}`;
  const hasServer = row.serverId !== null;
  const server = hasServer && world.clouds.has(row.provider ?? 'alpha') ? world.cloud().addForeign(name) : null;
  return world.store.database.addNode({
    id,
    provider: 'alpha',
    label: 'bare',
    target: 'jenkins01',
    stateTime: Math.floor(world.clock.now() / 1000) - 600,
    hostname: `${name}.slave.example.org`,
    nodename: nodeName(name),
    serverId: server,
    ip: '192.0.2.77',
    ...row,
  });
}

async function addSlave(world: Pool, row: NodeRow): Promise<void> {
  world.master().addForeign(row.nodename ?? '', row.ip ?? '');
}

/** Its job runs. */
function addBusySlave(world: Pool, row: NodeRow): void {
  void addSlave(world, row);
  if (row.nodename !== null) world.master().setBusy(row.nodename);
}

test('a ready node of the original is stock, has its job, and goes', async () => {
  let row: NodeRow | null = null;
  const pool = await startPool({
    ...one,
    before: world => {
      row = leave(world, { state: 'ready' });
      return addSlave(world, row);
    },
  });
  await pool.advance(60_000);
  expect(pool.rows()).toHaveLength(1);
  pool.checkAtRest();
  const { nodename, id } = pool.one('ready');
  if (nodename === null) throw new Error('it has a name');
  pool.jobs.start(nodename);
  pool.jobs.finish(nodename);
  await pool.advance(120_000);
  expect(pool.row(id)).toBeNull();
  pool.checkAtRest();
});

test('a used node of the original waits for the end of its job', async () => {
  const pool = await startPool({ ...one, before: world => addBusySlave(world, leave(world, { state: 'used' })) });
  await pool.rest();
  await pool.advance(600_000);
  const { nodename, id } = pool.one('used');
  if (nodename === null) throw new Error('it has a name');
  pool.jobs.finish(nodename);
  await pool.advance(120_000);
  expect(pool.row(id)).toBeNull();
  pool.checkAtRest();
});

test('a used node whose job never ends goes when it is too old', async () => {
  const pool = await startPool({ ...one, before: world => addBusySlave(world, leave(world, { state: 'used' })) });
  await pool.advance(29_000_000);
  expect(pool.in('used')).toEqual([]);
  await pool.rest();
  pool.checkAtRest();
});

test('a delete that the original began is finished', async () => {
  const pool = await startPool({ ...one, before: world => addSlave(world, leave(world, { state: 'delete' })) });
  await pool.rest();
  expect(pool.rows()).toHaveLength(1);
  expect(pool.servers()).toHaveLength(1);
  pool.checkAtRest();
});

test('a held node of the original stays held, and one without a server can be deleted', async () => {
  const pool = await startPool({
    ...one,
    before: world => {
      leave(world, { state: 'hold' });
      leave(world, { state: 'hold', serverId: null });
    },
  });
  await pool.advance(36_000_000);
  expect(pool.in('hold')).toHaveLength(2);
  for (const { id } of pool.in('hold')) await pool.delete(id);
  await pool.rest();
  expect(pool.rows()).toHaveLength(1);
  pool.checkAtRest();
});

test('a building node of the original, with a server, is not forgotten: it is deleted and replaced', async () => {
  const pool = await startPool({ ...one, before: world => leave(world, { state: 'building', ip: null }) });
  await pool.rest();
  expect(pool.rows()).toHaveLength(1);
  expect(pool.servers()).toHaveLength(1);
  pool.checkAtRest();
});

test('a building node of the original, without a server, is deleted and replaced', async () => {
  const pool = await startPool({
    ...one,
    before: world => leave(world, { state: 'building', serverId: null, nodename: null, hostname: null, ip: null }),
  });
  await pool.rest();
  expect(pool.rows()).toHaveLength(1);
  pool.checkAtRest();
});

test('rows of a provider that is not configured get a subtree that says so, and block nobody', async () => {
  const pool = await startPool({
    ...one,
    before: world => {
      leave(world, { state: 'ready', provider: 'gone', serverId: serverId('gone-1') });
      leave(world, { state: 'delete', provider: 'gone', serverId: serverId('gone-2') });
      leave(world, {
        state: 'building',
        provider: 'gone',
        step: 'boot',
        tag: tag('np-1'),
        sentAt: world.clock.now() - 60_000,
        serverId: serverId('gone-3'),
      });
    },
  });
  await pool.advance(120_000);
  expect(pool.state('/providers/gone/cloud')).toBe('not in configuration');
  expect(pool.system.inspect('/providers/gone/nodes')?.children).toHaveLength(3);
  // The ready one counts as stock: it is in Jenkins, and jobs run on it.
  expect(pool.rows().filter(row => row.provider === 'gone')).toHaveLength(3);
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.until(() => pool.in('ready').length === 1);
  expect(pool.one('ready').provider).toBe('alpha');
  expect(pool.failures).toEqual([]);
});

test('rows whose label or target is not configured any more do no harm and can be deleted', async () => {
  const pool = await startPool({
    ...one,
    before: world => {
      leave(world, { state: 'ready', label: 'old' });
      leave(world, { state: 'ready', target: 'old' });
      leave(world, { state: 'building', label: 'old', step: 'create', tag: tag('np-2'), serverId: null });
    },
  });
  await pool.until(() =>
    pool.rows().some(row => row.state === 'ready' && row.label === 'bare' && row.target !== 'old'),
  );
  const strays = pool.rows().filter(row => row.label === 'old' || row.target === 'old');
  for (const { id } of strays) await pool.delete(id);
  await pool.advance(120_000);
  // Nobody knows the master that one of them was registered with: that stays pending, and its server is gone.
  expect(
    pool
      .rows()
      .filter(row => row.state === 'delete')
      .map(row => [row.target, row.step]),
  ).toEqual([['old', 'unregister']]);
  expect(pool.servers()).toHaveLength(1);
  expect(pool.failures).toEqual([]);
});

test('a row that somebody else inserts gets an actor at the next cleanup', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const row = leave(pool, { state: 'delete' });
  await pool.advance(90_000);
  expect(pool.row(row.id)).toBeNull();
  pool.checkAtRest();
});

test('a row that somebody else deletes takes its actor with it at the next change', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const { id, serverId: server } = pool.one('ready');
  pool.store.database.nodes.delete(id);
  if (server) pool.cloud().vanish(server);
  expect(await pool.delete(id)).toBeDefined();
  await pool.rest();
  expect(pool.system.inspect(`/providers/alpha/nodes/${id}`)).toBeNull();
});

test('a row that somebody else changes is taken as it is', async () => {
  const pool = await startPool(one);
  await pool.until(() => pool.rows().some(row => row.step === 'boot'));
  const row = pool.one('building');
  // The original's own tools, or the command line without a daemon.
  pool.store.database.nodes.set(row.id, { ...row, state: 'delete', step: null, revision: row.revision + 1 });
  await pool.rest();
  expect(pool.row(row.id)).toBeNull();
  pool.checkAtRest();
});

test('a node whose actor fails each time is parked and counted, and the others go on', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 3 }] });
  await pool.rest();
  const { id, nodename } = pool.one('ready');
  if (nodename === null) throw new Error('it has a name');
  pool.store.poison(id);
  pool.jobs.start(nodename);
  for (let n = 0; n < 8; n++) {
    void pool.api.delete(id, { now: false });
    await pool.advance(45_000);
  }
  const path = `/providers/alpha/nodes/${id}`;
  expect(pool.parked).toEqual([path]);
  expect(pool.state(path)).toBe('parked');
  const others = pool.in('ready').filter(row => row.id !== id);
  await pool.delete(others[0]?.id ?? 0);
  await pool.advance(120_000);
  expect(pool.rows()).toHaveLength(3);
  expect(pool.cloud().serversPeak).toBeLessThanOrEqual(4);
  pool.store.poison(null);
  await pool.answer(pool.api.restart(path));
  await pool.delete(id);
  await pool.rest();
  pool.checkAtRest({ failures: pool.failures.length });
});
