import { expect, test } from 'vitest';
import type { PoolConfig } from '../../src/domain/pool-config.js';
import type { ServerSpec } from '../../src/ports/cloud.js';
import { gearman, poolConfig, publisher, type ConfigWish } from '../support/pool-config.js';
import { startPool, type Pool } from '../support/pool.js';

const two = {
  labels: [{ name: 'bare', minReady: 4 }],
  providers: [{ name: 'alpha' }, { name: 'beta' }],
} satisfies ConfigWish;
const alphaAlone = { ...two, providers: [{ name: 'alpha' }] } satisfies ConfigWish;

/** Long enough for two reports of what rows name. */
const twoCleanupsMs = 150_000;

const provider = (pool: Pool, name: string) => {
  const found = pool.config.providers.find(each => each.name === name);
  if (!found) throw new Error(`there is no provider ${name}`);
  return found;
};

/** The same configuration, with one provider changed. */
function withProvider(config: PoolConfig, name: string, patch: Partial<PoolConfig['providers'][number]>): PoolConfig {
  return { ...config, providers: config.providers.map(each => (each.name === name ? { ...each, ...patch } : each)) };
}

async function isOk(pool: Pool, name: string): Promise<boolean | null> {
  const { dependencies } = await pool.answer(pool.api.readiness());
  return dependencies.find(each => each.name === name)?.ok ?? null;
}

// ── What comes, goes and changes ─────────────────────────────────────────────────────────────────────────────────

test('a new provider gets nodes, and the others are told nothing', async () => {
  const pool = await startPool(alphaAlone);
  await pool.rest();
  const before = pool
    .actors()
    .filter(({ path }) => path.startsWith('/providers/alpha') || path === '/targets/jenkins01');
  const outcome = await pool.reload(poolConfig({ ...two, labels: [{ name: 'bare', minReady: 6 }] }));
  expect(outcome).toMatchObject({
    kind: 'done',
    changes: ['provider beta added', 'label bare: min-ready 4 → 6, providers.beta added'],
  });
  await pool.rest();
  expect(pool.in('ready').filter(row => row.provider === 'beta').length).toBeGreaterThan(0);
  for (const { path, restarts } of before) expect(pool.system.inspect(path)?.restarts, path).toBe(restarts);
  pool.checkAtRest();
});

test('lesson 143: a removed provider that has no rows leaves the tree, and nothing asks it any more', async () => {
  const pool = await startPool({ ...two, labels: [{ name: 'bare', minReady: 2, providers: ['alpha'] }] });
  await pool.rest();
  await pool.reload(poolConfig({ ...alphaAlone, labels: [{ name: 'bare', minReady: 2 }] }));
  await pool.advance(twoCleanupsMs);
  expect(pool.system.inspect('/providers/beta')).toBeNull();
  expect(await isOk(pool, 'providers/beta/cloud')).toBeNull();
  expect(pool.failures).toEqual([]);
});

test('a removed provider drains: what is launched there finishes and works, what is there can be deleted', async () => {
  const pool = await startPool(two);
  await pool.until(() => pool.rows().filter(row => row.provider === 'beta' && row.step === 'boot').length === 2);
  const ids = pool
    .rows()
    .filter(row => row.provider === 'beta')
    .map(({ id }) => id);
  await pool.reload(poolConfig(alphaAlone));
  await pool.rest();
  expect(ids.map(id => pool.row(id)?.state)).toEqual(['ready', 'ready']);
  expect(pool.state('/providers/beta/cloud')).toMatch(/^not in configuration, draining; well/);
  expect(await isOk(pool, 'providers/beta/cloud')).toBe(false);
  const [first, second] = ids;
  const nodename = pool.row(first ?? 0)?.nodename;
  if (!nodename) throw new Error('it has a name');
  pool.jobs.start(nodename);
  pool.jobs.finish(nodename);
  await pool.delete(second ?? 0);
  await pool.advance(twoCleanupsMs + 120_000);
  expect(pool.rows().map(row => row.provider)).toEqual(['alpha', 'alpha', 'alpha', 'alpha']);
  expect(pool.servers('beta')).toEqual([]);
  expect(pool.system.inspect('/providers/beta')).toBeNull();
  pool.checkAtRest();
});

test('a provider that comes back while it drains is as it was', async () => {
  const pool = await startPool(two);
  await pool.rest();
  await pool.reload(poolConfig(alphaAlone));
  await pool.advance(5_000);
  await pool.reload(poolConfig(two));
  await pool.advance(twoCleanupsMs);
  expect(pool.state('/providers/beta/cloud')).toMatch(/^well/);
  expect(await isOk(pool, 'providers/beta/cloud')).toBe(true);
  pool.checkAtRest();
});

test('a node that waits for its launch when its provider goes is given up without a server', async () => {
  const pool = await startPool({
    ...two,
    providers: [
      { name: 'alpha' },
      { name: 'beta', concurrency: { workers: 1, calls: 8, launches: 1, deletes: 40, imageBuilds: 2 } },
    ],
  });
  await pool.until(() => pool.rows().some(row => row.provider === 'beta' && row.step === 'boot'));
  expect(pool.rows().filter(row => row.provider === 'beta' && row.step === 'queued')).toHaveLength(1);
  await pool.reload(poolConfig(alphaAlone));
  await pool.rest();
  expect(
    pool
      .rows()
      .filter(row => row.provider === 'beta')
      .map(row => row.state),
  ).toEqual(['ready']);
  expect(pool.cloud('beta').callsOf('createServer')).toHaveLength(1);
  pool.checkAtRest();
});

test('a removed label launches nothing more, and what is launched for it finishes', async () => {
  const labels = [
    { name: 'bare', minReady: 2 },
    { name: 'big', minReady: 2 },
  ];
  const pool = await startPool({ labels });
  await pool.until(() => pool.rows().filter(row => row.label === 'big' && row.step === 'boot').length === 2);
  await pool.reload(poolConfig({ labels: [{ name: 'bare', minReady: 2 }] }));
  pool.jobsWait('big', 5);
  await pool.rest();
  const big = pool.in('ready', 'big');
  expect(big).toHaveLength(2);
  for (const { id } of big) await pool.delete(id);
  await pool.rest();
  expect(pool.rows().map(row => row.label)).toEqual(['bare', 'bare']);
  pool.checkAtRest();
});

test('a new label is launched and a raised min-ready is filled up, at once', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  await pool.rest();
  await pool.reload(
    poolConfig({
      labels: [
        { name: 'bare', minReady: 2 },
        { name: 'big', minReady: 1 },
      ],
    }),
  );
  await pool.advance(200);
  expect(pool.rows()).toHaveLength(3);
  await pool.rest();
  pool.checkAtRest();
});

test('a removed target gets no nodes, its slaves are taken out of it, and it leaves the tree with the last of them', async () => {
  const targets = [{ name: 'jenkins01' }, { name: 'jenkins02' }];
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 4 }], targets });
  await pool.rest();
  const there = pool.rows().filter(row => row.target === 'jenkins02');
  expect(there).toHaveLength(2);
  await pool.reload(poolConfig({ labels: [{ name: 'bare', minReady: 4 }] }));
  await pool.advance(200);
  expect(pool.state('/targets/jenkins02')).toBe('offline: not in configuration; 0 calls, 0 queued');
  // They are no stock of the master that is left.
  await pool.until(() => pool.in('ready').filter(row => row.target === 'jenkins01').length === 4);
  for (const { id } of there) await pool.delete(id);
  await pool.advance(twoCleanupsMs);
  expect(pool.slaves('jenkins02')).toEqual([]);
  expect(pool.system.inspect('/targets/jenkins02')).toBeNull();
  expect(await isOk(pool, 'targets/jenkins02')).toBeNull();
  pool.checkAtRest();
});

test('a target whose password changes is asked with the new one, and what was under way is done again', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }] });
  await pool.until(() => pool.rows().some(row => row.step === 'register'));
  const [target] = pool.config.targets;
  if (!target?.jenkins) throw new Error('it has a master');
  await pool.reload({ ...pool.config, targets: [{ ...target, jenkins: { ...target.jenkins, apikey: 'new' } }] });
  await pool.rest();
  expect(pool.slaves()).toHaveLength(2);
  pool.checkAtRest();
});

test('lesson 74: publishers come and go singly, and the others keep their subscription', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  await pool.rest();
  const restarts = pool.system.inspect('/events/tcp:jenkins01:8888')?.handled;
  await pool.reload({ ...pool.config, zmqPublishers: [publisher, 'tcp://jenkins02:8888'] });
  await pool.advance(100);
  expect(pool.events.opened).toEqual([publisher, 'tcp://jenkins02:8888']);
  expect(pool.system.inspect('/events/tcp:jenkins01:8888')?.handled).toBe(restarts);
  await pool.reload({ ...pool.config, zmqPublishers: ['tcp://jenkins02:8888'] });
  await pool.advance(100);
  expect(pool.events.opened).toEqual(['tcp://jenkins02:8888']);
  expect(await isOk(pool, 'events/tcp:jenkins01:8888')).toBeNull();
  pool.checkAtRest();
});

test('the demand of a Gearman server that has gone is forgotten, and a new one is asked', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 0 }] });
  pool.jobsWait('bare', 1);
  await pool.until(() => pool.in('ready').length === 1);
  const other = { host: 'zuul02', port: 4730 };
  await pool.reload({ ...pool.config, gearmanServers: [other] });
  await pool.advance(100);
  expect(pool.system.inspect(`/demand/${gearman.host}_4730`)).toBeNull();
  pool.demand.set(other, [{ name: 'build:job:bare', total: 3 }]);
  await pool.until(() => pool.in('ready').length === 3);
  await pool.advance(60_000);
  expect(pool.rows()).toHaveLength(3);
});

// ── Lessons ──────────────────────────────────────────────────────────────────────────────────────────────────────

test('lesson 138: a label that names what is not there is disabled alone, and said so', async () => {
  const pool = await startPool({
    labels: [
      { name: 'bare', minReady: 1 },
      { name: 'big', minReady: 1 },
    ],
  });
  await pool.rest();
  const reason = 'nodepool.yaml:9:15: label big: there is no provider gamma';
  const config = poolConfig({ labels: [{ name: 'bare', minReady: 3 }] });
  await pool.reload({ ...config, disabled: [{ kind: 'label', name: 'big', reason }] });
  await pool.until(() => pool.in('ready', 'bare').length === 3);
  expect(pool.in('ready', 'big')).toHaveLength(1);
  expect(pool.state('/config')).toContain(`disabled: ${reason}`);
  expect(await isOk(pool, 'config')).toBe(false);
  expect((await pool.answer(pool.api.readiness())).ready).toBe(true);
  expect(pool.log.filter(({ message }) => message === `label big is disabled: ${reason}`)).toHaveLength(1);
  await pool.reload(
    poolConfig({
      labels: [
        { name: 'bare', minReady: 3 },
        { name: 'big', minReady: 1 },
      ],
    }),
  );
  expect(await isOk(pool, 'config')).toBe(true);
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 139: a file that is empty or gone leaves the old one in force, says so, and is read when it is back', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }], isWatched: true });
  await pool.rest();
  pool.spoil('nodepool.yaml: there is no such file');
  await pool.advance(5_000);
  expect(pool.state('/config')).toContain('stays in force: nodepool.yaml: there is no such file');
  expect(await isOk(pool, 'config')).toBe(false);
  const { id } = pool.one('ready');
  await pool.delete(id);
  await pool.rest();
  expect(pool.in('ready')).toHaveLength(1);
  pool.write(poolConfig({ labels: [{ name: 'bare', minReady: 2 }] }));
  await pool.until(() => pool.rows().length === 2, 5_000);
  expect(await isOk(pool, 'config')).toBe(true);
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 139: a file is read once it stands still', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }], isWatched: true });
  await pool.rest();
  const half = poolConfig({ labels: [] });
  for (let n = 0; n < 5; n++) {
    pool.write(half);
    await pool.advance(900);
  }
  pool.write(poolConfig({ labels: [{ name: 'bare', minReady: 2 }] }));
  await pool.advance(10_000);
  expect(pool.happened.filter(({ type }) => type === 'config.reloaded').map(({ message }) => message)).toEqual([
    'the configuration was read again: label bare: min-ready 1 → 2',
  ]);
});

test('lesson 139: a file without its end is not believed, unless somebody asks for it', async () => {
  const pool = await startPool({ ...two, isWatched: true });
  await pool.rest();
  pool.write(poolConfig(alphaAlone), { isCutShort: true });
  await pool.advance(10_000);
  expect(pool.state('/providers/beta/cloud')).toMatch(/^well/);
  expect(pool.state('/config')).toContain('the file has lost its end');
  expect(await isOk(pool, 'config')).toBe(false);
  await pool.delete(pool.one('ready').id);
  await pool.rest();
  expect(await pool.answer(pool.api.reload())).toMatchObject({ kind: 'done' });
  expect(pool.state('/providers/beta/cloud')).toMatch(/^not in configuration/);
  expect(await isOk(pool, 'config')).toBe(true);
});

test('a reload of a file that says the same tells nobody', async () => {
  const pool = await startPool(two);
  await pool.rest();
  const handled = () => Object.fromEntries(pool.actors().map(each => [each.path, each.handled]));
  await pool.settle();
  const before = handled();
  pool.write(poolConfig(two));
  let isDone = false;
  void pool.api.reload().then(() => (isDone = true));
  await pool.settle();
  expect(isDone).toBe(true);
  const after = handled();
  const told = Object.keys(after).filter(path => after[path] !== before[path]);
  expect(told.sort()).toEqual(['/config', '/stats']);
});

test('lesson 140: cleanups run although the file is gone when they first come due', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 1 }],
    isWatched: true,
    before: world => world.spoil('nodepool.yaml: there is no such file'),
  });
  await pool.rest();
  expect(pool.state('/janitor')).not.toBe('0 cleanups');
  pool.checkAtRest();
});

test('lesson 90: what an earlier life left building is finished, whatever has become of the file meanwhile', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }], isWatched: true });
  await pool.until(() => pool.rows().some(({ step }) => step === 'boot'));
  pool.crash();
  pool.spoil('nodepool.yaml:1:1: the file is empty');
  await pool.restart();
  await pool.rest();
  expect(pool.state('/config')).toContain('the file is empty');
  expect(pool.cloud().callsOf('createServer')).toHaveLength(2);
  pool.checkAtRest();
});

test('lesson 141: a changed region makes new nodes there, and those of the old one are deleted where they are', async () => {
  const region = (regionName: string) =>
    poolConfig({ labels: [{ name: 'bare', minReady: 2 }], providers: [{ name: 'alpha', regionName }] });
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 2 }],
    providers: [{ name: 'alpha', regionName: 'DFW' }],
  });
  await pool.rest();
  await pool.reload(region('ORD'));
  expect(pool.state('/providers/alpha/cloud')).toContain('earlier places are asked as well: 1');
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.rest();
  expect(pool.servers('alpha/DFW')).toEqual([]);
  expect(pool.servers('alpha/ORD')).toHaveLength(2);
  expect(pool.failures).toEqual([]);
});

test('lesson 141: servers in a region that does not answer any more are not believed gone', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 1 }],
    providers: [{ name: 'alpha', regionName: 'DFW' }],
  });
  await pool.rest();
  const { id } = pool.one('ready');
  pool.cloud('alpha/DFW').down();
  await pool.reload(
    poolConfig({ labels: [{ name: 'bare', minReady: 1 }], providers: [{ name: 'alpha', regionName: 'ORD' }] }),
  );
  await pool.delete(id);
  await pool.until(() => pool.in('ready').length === 1);
  await pool.advance(60_000);
  expect(pool.row(id)?.state).toBe('delete');
  pool.cloud('alpha/DFW').down(null);
  await pool.until(() => pool.row(id) === null, 3_600_000);
  expect(pool.servers('alpha/DFW')).toEqual([]);
});

test('lesson 141: a changed password is used at once, also where the old one was refused', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 1 }],
    before: world => world.cloud().down('cloud.auth'),
  });
  await pool.advance(300_000);
  expect(pool.rows()).toEqual([]);
  pool.cloud().down(null);
  const { credentials } = provider(pool, 'alpha');
  await pool.reload(withProvider(pool.config, 'alpha', { credentials: { ...credentials, password: 'new' } }));
  await pool.until(() => pool.in('ready').length === 1, 60_000);
  await pool.rest();
  pool.checkAtRest();
});

test("lesson 141: a target's rate is noticed", async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 0 }],
    targets: [{ name: 'jenkins01', rateMs: 1 }],
  });
  const [target] = pool.config.targets;
  if (!target) throw new Error('there is a target');
  await pool.reload({ ...pool.config, targets: [{ ...target, rateMs: 30_000 }] });
  pool.jobsWait('bare', 3);
  await pool.until(() => pool.in('ready').length === 3);
  const times = pool
    .master()
    .callsOf('createNode')
    .map(({ atMs }) => atMs);
  const pauses = times.slice(1).map((at, index) => at - (times[index] ?? 0));
  for (const pause of pauses) expect(pause).toBeGreaterThanOrEqual(30_000);
});

test('lesson 142: an edit of an image and of a provider ends no launch', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 4 }] });
  await pool.until(() => pool.rows().filter(row => row.step === 'boot').length === 4);
  const made = pool.servers();
  const alpha = provider(pool, 'alpha');
  const cloudImages = alpha.cloudImages.map(image => ({ ...image, minRamMb: 4096, username: 'zuul' }));
  await pool.reload(withProvider(pool.config, 'alpha', { cloudImages, rateMs: 2, maxServers: 8, keypair: 'other' }));
  const users: string[] = [];
  pool.sshAnswer = login => {
    users.push(login.username);
    return null;
  };
  await pool.rest();
  expect(pool.servers()).toEqual(made);
  expect(new Set(users)).toEqual(new Set(['zuul']));
  expect(pool.actors().filter(({ restarts }) => restarts > 0)).toEqual([]);
  pool.checkAtRest();
});

test('lesson 144: a provider that has no networks any more asks for none', async () => {
  const network = { id: 'network-1', name: null, portId: null, fixedIp: null, isPublic: false };
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 1 }],
    providers: [{ name: 'alpha', networks: [network] }],
  });
  await pool.rest();
  await pool.reload(withProvider(pool.config, 'alpha', { networks: [] }));
  await pool.delete(pool.one('ready').id);
  await pool.rest();
  const specs = pool
    .cloud()
    .callsOf('createServer')
    .map(({ subject }) => (subject as ServerSpec).networks);
  expect(specs).toEqual([[{ id: 'network-1', portId: null, fixedIp: null }], []]);
  pool.checkAtRest();
});

test('an image that has gone from a provider is no longer launched from, and a new one is', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 1 }],
    before: world => world.cloud().images.push(...world.cloud().images.map(each => ({ ...each, name: 'new' }))),
  });
  await pool.rest();
  const alpha = provider(pool, 'alpha');
  const cloudImages = alpha.cloudImages.map(image => ({ ...image, name: 'new', imageName: 'new' }));
  const labels = pool.config.labels.map(label => ({ ...label, image: 'new', minReady: 2 }));
  await pool.reload({ ...withProvider(pool.config, 'alpha', { cloudImages }), labels });
  await pool.rest();
  expect(pool.system.inspect('/providers/alpha/images')?.children.map(({ path }) => path)).toEqual([
    '/providers/alpha/images/new',
  ]);
  expect(await isOk(pool, 'providers/alpha/images/img')).toBeNull();
  pool.checkAtRest();
});

// ── Tuning ───────────────────────────────────────────────────────────────────────────────────────────────────────

test('a tuned provider launches at another pace until the next reload', async () => {
  const concurrency = { workers: 1, calls: 8, launches: 1, deletes: 40, imageBuilds: 2 };
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 4 }],
    providers: [{ name: 'alpha', concurrency }],
  });
  await pool.until(() => pool.rows().some(row => row.step === 'boot'));
  expect(pool.servers()).toHaveLength(1);
  expect(await pool.answer(pool.api.tune('alpha', { key: 'launches', value: 3 }))).toEqual({
    kind: 'done',
    node: null,
  });
  await pool.advance(2_000);
  expect(pool.servers()).toHaveLength(3);
  expect(pool.state('/config')).toContain('tuned until the next reload: alpha launches=3');
  expect(await pool.answer(pool.api.reload())).toMatchObject({
    changes: ['provider alpha: concurrency.launches 3 → 1'],
  });
  expect(pool.state('/config')).not.toContain('tuned');
  await pool.rest();
  pool.checkAtRest();
});

test.each([
  [{ provider: 'gamma', key: 'rate', value: 1 }, 'not-found', 'there is no provider gamma'],
  [{ provider: 'alpha', key: 'colour', value: 1 }, 'refused', 'colour cannot be tuned'],
  [{ provider: 'alpha', key: 'launches', value: 1.5 }, 'refused', 'launches cannot be 1.5'],
])('what cannot be tuned is refused: %j', async ({ provider: name, key, value }, kind, message) => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 0 }] });
  const outcome = await pool.answer(pool.api.tune(name, { key, value }));
  expect(outcome.kind).toBe(kind);
  expect('message' in outcome && outcome.message).toContain(message);
});

test('lesson 87: another dburi waits for a restart, is said to, and opens nothing meanwhile', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 0 }] });
  await pool.reload({ ...pool.config, dburi: 'mysql://elsewhere/nodepool' });
  expect(pool.state('/config')).toContain('in force after a restart of the daemon: dburi');
  await pool.advance(60_000);
  expect(pool.store.calls.filter(call => call === 'start')).toHaveLength(1);
  await pool.reload({ ...pool.config, dburi: 'embedded:' });
  expect(pool.state('/config')).not.toContain('dburi');
});
