import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { portId, serverId, tag, type Tag } from '../../src/domain/ids.js';
import { poolConfig, snapshotImage } from '../support/pool-config.js';
import { startPool, type Pool } from '../support/pool.js';

const minuteMs = 60_000;
const one = { labels: [{ name: 'bare', minReady: 1 }] };
/** Of this installation, and of no row. */
const leaked = tag('np-fake-leaked');
/** Of another daemon in the same project. */
const foreign = tag('np-other-1');

function addMarked(pool: Pool, mark: Tag): ReturnType<typeof serverId> {
  return pool.cloud().addForeign(`marked-${mark}`, { nodepool_tag: mark });
}

/** To this moment of a minute, as cleanups begin with each, or of a longer time. */
function advanceTo(ms: number, pool: Pool, ofMs = minuteMs): Promise<void> {
  return pool.advance((ms - (pool.clock.now() % ofMs) + ofMs) % ofMs);
}

function warnings(pool: Pool): readonly string[] {
  return pool.log.filter(({ level }) => level === 'warn').map(({ message }) => message);
}

// ── What has no row ──────────────────────────────────────────────────────────────────────────────────────────────

test('a server with our mark and without a row is deleted at its second sighting, and said so, lesson 1', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const id = addMarked(pool, leaked);
  await pool.advance(minuteMs);
  expect(pool.servers()).toContain(id);
  expect(pool.state('/janitor')).toContain('alpha: 1 without a row');
  await pool.advance(minuteMs + 5_000);
  expect(pool.servers()).not.toContain(id);
  expect(warnings(pool).join()).toContain(`server marked-np-fake-leaked (${id}) carries our mark and has no row`);
  expect(pool.happened.filter(({ type }) => type === 'leak.deleted')).toHaveLength(1);
  expect(pool.state('/janitor')).toContain('1 leaks deleted');
  pool.checkAtRest();
});

test('what belongs to a row that nobody understands is no leak, neither in the cloud nor in Jenkins', async () => {
  const pool = await startPool(one);
  await pool.rest();
  pool.store.unreadTags.add(leaked);
  const id = addMarked(pool, leaked);
  pool.master().addForeign('left-alone', '198.51.100.1', `Dynamic single use bare node (${leaked})`);
  await pool.advance(10 * minuteMs);
  expect(pool.servers()).toContain(id);
  expect(pool.slaves()).toContain('left-alone');
  expect(pool.happened.filter(({ type }) => type === 'leak.deleted')).toEqual([]);
});

test('what does not carry our mark is never touched, whatever its name, lessons 9 and 13', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const cloud = pool.cloud();
  const servers = [addMarked(pool, foreign), cloud.addForeign('bare-alpha-1.slave.example.org')];
  // The original's own mark is no proof either: another daemon may have written it.
  const nodepool = JSON.stringify({ provider_name: 'alpha', node_id: 4711 });
  servers.push(cloud.addForeign('template-img-1', { nodepool }));
  const addresses = [cloud.addAddress(), cloud.addAddress(foreign)];
  cloud.keypairs.set('np-other-1', 'ssh-ed25519 AAAA');
  cloud.keypairs.set('template-img-1', 'ssh-ed25519 AAAA');
  cloud.strayPorts.push(strayPort('port-1', null, foreign), strayPort('port-2', 'server-unheard-of', null));
  cloud.images.push(markedImage(foreign, 'theirs', 'theirs'));
  await pool.advance(30 * minuteMs);
  expect(pool.servers()).toEqual(expect.arrayContaining(servers));
  expect(cloud.addresses.map(({ id }) => id)).toEqual(addresses);
  expect([...cloud.keypairs.keys()]).toEqual(['np-other-1', 'template-img-1']);
  expect(cloud.strayPorts).toHaveLength(2);
  expect(cloud.images.map(({ name }) => name)).toContain('theirs');
  expect(pool.happened.filter(({ type }) => type === 'leak.deleted')).toEqual([]);
});

test('servers without a row count against max-servers until they are gone, lesson 13', async () => {
  const providers = [{ name: 'alpha', maxServers: 5 }];
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 3 }], providers });
  await pool.rest();
  addMarked(pool, leaked);
  addMarked(pool, tag('np-fake-leaked-too'));
  pool.cloud().always('deleteServer', new Fault('cloud.conflict', 'the server is locked'));
  await pool.advance(minuteMs + 5_000);
  await pool.reload(poolConfig({ labels: [{ name: 'bare', minReady: 5 }], providers }));
  await pool.advance(5 * minuteMs);
  expect(pool.cloud().serversPeak).toBe(5);
  const explained = await pool.answer(pool.api.explain({ provider: 'alpha' }));
  expect(explained?.providers[0]?.verdict).toContain('3 of 5 servers in use, and 2 that have no row');
  pool.cloud().always('deleteServer', null);
  await pool.rest();
  expect(pool.in('ready')).toHaveLength(5);
  pool.checkAtRest();
});

test('a server that is deleted after its cloud was seen takes no room any more, although its row is gone', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 3, providers: ['alpha'] }],
    providers: [{ name: 'alpha', maxServers: 3 }, { name: 'beta' }],
  });
  await pool.rest();
  pool.cloud('alpha').deleteMs = 8_000;
  // The cleanup waits for this one, and reads the rows then.
  pool.cloud('beta').always('listServers', 'hang');
  await advanceTo(59_000, pool);
  const [first] = pool.in('ready');
  await pool.delete(first?.id ?? 0);
  await advanceTo(14_000, pool);
  expect(pool.row(first?.id ?? 0)).toBeNull();
  expect(pool.state('/janitor')).not.toContain('without a row');
  await advanceTo(16_000, pool);
  expect(pool.state('/janitor')).toContain('without a row');
  await advanceTo(30_000, pool);
  const explained = await pool.answer(pool.api.explain({ provider: 'alpha' }));
  expect(explained?.providers[0]?.room).toMatchObject({ servers: 3, leaked: 0 });
});

test('addresses, key pairs, ports and images with our mark and without a row go as well', async () => {
  const pool = await startPool({
    ...one,
    before(world) {
      const cloud = world.cloud();
      cloud.addAddress(leaked);
      cloud.keypairs.set(leaked, 'ssh-ed25519 AAAA');
      cloud.strayPorts.push(strayPort('port-1', null, leaked));
      cloud.images.push(markedImage(leaked, 'template-snap-1', 'template-snap-1'));
    },
  });
  await pool.advance(3 * minuteMs);
  const cloud = pool.cloud();
  expect(cloud.addresses).toEqual([]);
  expect([...cloud.keypairs]).toEqual([]);
  expect(cloud.strayPorts).toEqual([]);
  expect(cloud.images.map(({ name }) => name)).toEqual(['img']);
  pool.checkAtRest();
});

test('a snapshot that somebody takes of our machines inherits our mark, and is theirs', async () => {
  const pool = await startPool({
    ...one,
    before: world => world.cloud().images.push(markedImage(leaked, 'held-for-debugging', 'template-snap-1')),
  });
  await pool.advance(5 * minuteMs);
  expect(pool.cloud().images.map(({ name }) => name)).toContain('held-for-debugging');
});

test('what a build has under way is no leak, however long it takes', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', image: 'snap', minReady: 1 }],
    providers: [{ name: 'alpha', images: [snapshotImage()] }],
    before: world => (world.cloud().snapshotMs = 30 * minuteMs),
  });
  await pool.until(() => pool.snapshots().some(({ step }) => step === 'save'));
  expect(pool.cloud().keypairs.size).toBe(1);
  await pool.advance(10 * minuteMs);
  await pool.rest(3 * 60 * minuteMs);
  expect(pool.snapshot('ready').imageId).toBe(pool.cloud().ownImages[0]?.id);
  expect(pool.happened.filter(({ type }) => type === 'leak.deleted')).toEqual([]);
  pool.checkAtRest();
});

test('the template server of an image that is ready is a leak, lesson 15', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', image: 'snap', minReady: 0 }],
    providers: [{ name: 'alpha', images: [snapshotImage()] }],
  });
  await pool.until(() => pool.snapshots().some(({ state, step }) => state === 'ready' && step === null), 60 * minuteMs);
  const { tag: mark } = pool.snapshot('ready');
  if (mark !== null) addMarked(pool, mark);
  await pool.advance(3 * minuteMs);
  expect(pool.servers()).toEqual([]);
  expect(pool.cloud().ownImages).toHaveLength(1);
});

test('a second server with the mark of a node that has another is a leak, and the node’s own is not', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const { serverId: own, tag: mark } = pool.one('ready');
  if (mark !== null) addMarked(pool, mark);
  await pool.advance(3 * minuteMs);
  expect(pool.servers()).toEqual([own]);
  pool.checkAtRest();
});

test('a port that is left of a server of ours goes, once the server has gone', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const { id, serverId: own } = pool.one('ready');
  await pool.advance(minuteMs);
  pool.cloud().strayPorts.push(strayPort('port-1', String(own), null));
  await pool.advance(12 * minuteMs);
  expect(pool.cloud().strayPorts).toHaveLength(1);
  await pool.delete(id);
  await pool.advance(25 * minuteMs);
  expect(pool.cloud().strayPorts).toEqual([]);
});

test('unattached addresses go where the operator says that they may, and nowhere else, lesson 7', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 0 }],
    providers: [{ name: 'alpha', cleanFloatingIps: true }, { name: 'beta' }],
  });
  pool.cloud('alpha').addAddress();
  pool.cloud('beta').addAddress();
  await pool.advance(3 * minuteMs);
  expect(pool.cloud('alpha').addresses).toEqual([]);
  expect(pool.cloud('beta').addresses).toHaveLength(1);
});

test('a leak that cannot be deleted is tried again at each sweep, and keeps no other, lesson 12', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const locked = addMarked(pool, leaked);
  const other = addMarked(pool, tag('np-fake-leaked-too'));
  const conflict = new Fault('cloud.conflict', 'the server is locked');
  pool.cloud().next('deleteServer', conflict, conflict);
  await pool.advance(2 * minuteMs + 5_000);
  expect(pool.servers()).toEqual(expect.arrayContaining([locked, other]));
  expect(warnings(pool).join()).toContain('is yet to be deleted: the server is locked');
  await pool.advance(2 * minuteMs);
  expect(pool.servers()).toHaveLength(1);
  pool.checkAtRest();
});

test('a list that fails says nothing, and hides no other list', async () => {
  const pool = await startPool(one);
  pool.cloud().always(['listPorts', 'listKeypairs'], new Fault('cloud.refused', 'policy does not allow this'));
  await pool.rest();
  const id = addMarked(pool, leaked);
  await pool.advance(3 * minuteMs);
  expect(pool.servers()).not.toContain(id);
  pool.checkAtRest();
});

test('a cloud that is away keeps no other unclean, lesson 13', async () => {
  const pool = await startPool({ ...one, providers: [{ name: 'alpha' }, { name: 'beta' }] });
  await pool.rest();
  pool.cloud('alpha').down();
  const id = pool.cloud('beta').addForeign('marked', { nodepool_tag: leaked });
  await pool.advance(3 * minuteMs);
  expect(pool.servers('beta')).not.toContain(id);
  pool.cloud('alpha').down(null);
  const late = addMarked(pool, leaked);
  await pool.advance(20 * minuteMs);
  expect(pool.servers('alpha')).not.toContain(late);
});

test('launches and deletes under sweeps lose no server, whatever a list lags behind, lesson 11', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 5 }] });
  pool.cloud().listLagMs = 40_000;
  pool.cloud().bootMs = 100_000;
  for (let n = 0; n < 6; n++) {
    await pool.advance(90_000);
    for (const { id } of pool.in('ready').slice(0, 2)) await pool.delete(id);
  }
  await pool.rest(3_600_000);
  expect(pool.happened.filter(({ type }) => type === 'leak.deleted' || type === 'node.launch-failed')).toEqual([]);
  pool.checkAtRest();
});

test('a provider that needs neither images nor addresses is not asked for them at each sweep, lesson 20', async () => {
  const pool = await startPool(one);
  await pool.rest();
  await pool.advance(60 * minuteMs);
  expect(pool.cloud().callsOf('listAddresses')).toHaveLength(2);
  expect(pool.cloud().callsOf('listKeypairs')).toHaveLength(2);
  expect(pool.cloud().callsOf('listPorts').length).toBeLessThan(10);
});

test('a cleanup reads what changed of the nodes once and the images once, for however many providers and nodes', async () => {
  const providers = Array.from({ length: 12 }, (_, n) => ({ name: `cloud-${n}` }));
  // Without a master, whose slaves are compared with the rows more often.
  const targets = [{ name: 'jenkins01', jenkins: null }];
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 30 }], providers, targets });
  await pool.rest();
  // In the quarter of an hour between two checks of the ready nodes.
  await advanceTo(30_000, pool, 15 * minuteMs);
  const before = pool.store.calls.length;
  const id = pool.cloud('cloud-7').addForeign('marked', { nodepool_tag: leaked });
  pool.cloud('cloud-3').always('listServers', 'hang');
  await pool.advance(10 * minuteMs);
  const asked = pool.store.calls.slice(before).filter(method => !method.includes('Ledger') && method !== 'watchedJobs');
  expect(asked).toEqual(Array.from({ length: 10 }, () => ['nodesSince', 'snapshots']).flat());
  expect(pool.servers('cloud-7')).not.toContain(id);
});

test('a slave with our mark and without a row goes at its second sighting, and no other does', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const master = pool.master();
  master.addForeign('left-behind', '198.51.100.1', `Dynamic single use bare node (${leaked})`);
  master.addForeign('of-another-daemon', '198.51.100.2', `Dynamic single use bare node (${foreign})`);
  master.addForeign('bare-alpha-4711', '198.51.100.3', 'Dynamic single use bare node');
  await pool.advance(minuteMs);
  expect(pool.slaves()).toEqual([pool.one('ready').nodename, 'of-another-daemon', 'bare-alpha-4711']);
  expect(warnings(pool).join()).toContain('slave left-behind carries our mark and has no row; it is deleted');
  const asked = master.callsOf('nodeDescription').length;
  await pool.advance(5 * minuteMs);
  expect(master.callsOf('nodeDescription')).toHaveLength(asked);
});

test('two targets that share a master leave each other’s slaves alone', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 2 }],
    targets: [{ name: 'jenkins01' }, { name: 'jenkins02' }],
  });
  await pool.rest();
  const [first, second] = [pool.master('jenkins01'), pool.master('jenkins02')];
  for (const [name, slave] of second.slaves) first.slaves.set(name, slave);
  for (const [name, slave] of first.slaves) second.slaves.set(name, slave);
  await pool.advance(3 * minuteMs);
  expect(first.slaves.size).toBe(2);
  expect(second.slaves.size).toBe(2);
  expect(pool.in('ready')).toHaveLength(2);
});

// ── What has a row and is not there ──────────────────────────────────────────────────────────────────────────────

test('a ready node whose server somebody deleted is replaced, once a second list and the cloud itself say so', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }] });
  await pool.rest();
  const { id, serverId: own } = pool.one('ready');
  if (own !== null) pool.cloud().vanish(own);
  await pool.advance(minuteMs);
  expect(pool.row(id)?.state).toBe('ready');
  await pool.advance(2 * minuteMs);
  expect(pool.row(id)).toBeNull();
  await pool.rest();
  expect(pool.slaves()).not.toContain(`bare-alpha-${id}`);
  pool.checkAtRest();
});

test('a server that one list forgot is not gone', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  await pool.rest();
  const { id } = pool.one('ready');
  // The list shows the cloud as it was long before.
  pool.cloud().listLagMs = 3_600_000;
  await pool.advance(10 * minuteMs);
  expect(pool.row(id)?.state).toBe('ready');
  expect(pool.cloud().callsOf('getServer').length).toBeGreaterThan(0);
});

test('nodes that are deleted between two cleanups are not missing', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 4 }] });
  await pool.rest();
  for (let n = 0; n < 3; n++) {
    await advanceTo(30_000, pool);
    for (const { id } of pool.in('ready')) await pool.delete(id);
    await pool.advance(minuteMs);
    expect(pool.state('/janitor')).not.toContain('not to be seen');
  }
  expect(warnings(pool).filter(line => line.includes('not to be seen'))).toEqual([]);
});

test('a held node whose server is gone stays held, and says so', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const { id, serverId: own } = pool.one('ready');
  await pool.hold(id, { reason: 'looking at it' });
  if (own !== null) pool.cloud().vanish(own);
  await pool.advance(5 * minuteMs);
  const { state, lastError, revision } = pool.row(id) ?? {};
  expect(state).toBe('hold');
  expect(lastError).toContain('is gone from the cloud');
  await pool.advance(5 * minuteMs);
  expect(pool.row(id)?.revision).toBe(revision);
});

test('a cloud that has lost sight of most servers at once is doubted before its nodes are thrown away', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 4 }] });
  await pool.rest();
  const before = pool.rows().map(({ id }) => id);
  for (const id of pool.servers()) pool.cloud().vanish(id);
  await pool.advance(5 * minuteMs);
  expect(pool.in('ready').map(({ id }) => id)).toEqual(before);
  expect(pool.state('/janitor')).toContain('4 servers of ours are not to be seen');
  expect(warnings(pool).filter(line => line.includes('are not to be seen'))).toHaveLength(1);
  await pool.advance(10 * minuteMs);
  await pool.rest();
  expect(pool.in('ready')).toHaveLength(4);
  expect(pool.in('ready').map(({ id }) => id)).not.toEqual(before);
  pool.checkAtRest();
});

function strayPort(id: string, server: string | null, mark: Tag | null) {
  return { id: portId(id), serverId: server === null ? null : serverId(server), name: '', status: 'DOWN', tag: mark };
}

function markedImage(mark: Tag, name: string, markedName: string) {
  return {
    id: `image-${name}` as never,
    name,
    status: 'active',
    metadata: { nodepool_tag: mark, nodepool_name: markedName },
  };
}
