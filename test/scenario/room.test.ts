/** Who gets the room there is (lessons 32 to 46). */
import { describe, expect, test } from 'vitest';
import { poolConfig, snapshotImage } from '../support/pool-config.js';
import { startPool, type Pool } from '../support/pool.js';

test('lesson 32: a limit lowered below what runs gives no other provider more than it has room for', async () => {
  const providers = [
    { name: 'alpha', maxServers: 6 },
    { name: 'beta', maxServers: 6 },
  ];
  const pool = await startPool({ providers, labels: [{ name: 'bare', minReady: 8 }] });
  await pool.rest();
  const lowered = [{ name: 'alpha', maxServers: 1 }, ...providers.slice(1)];
  await pool.reload(poolConfig({ providers: lowered, labels: [{ name: 'bare', minReady: 12 }] }));
  await pool.advance(120_000);
  expect(pool.servers('beta')).toHaveLength(6);
  expect(pool.rows()).toHaveLength(4 + 6);
  pool.check();
});

test('lesson 33: three free servers are room for one group of three, and not for three of them', async () => {
  const pool = await startPool({
    labels: [{ name: 'multi', subnodes: 2, minReady: 3 }],
    providers: [{ name: 'alpha', maxServers: 5 }],
  });
  await pool.until(() => pool.in('ready', 'multi').length === 1);
  await pool.advance(120_000);
  expect(pool.rows()).toHaveLength(1);
  expect(pool.servers()).toHaveLength(3);
  pool.check();
});

test('lesson 34: the places of a group are taken when it is granted, before there is a row for each of them', async () => {
  const pool = await startPool({
    labels: [
      { name: 'multi', subnodes: 2, minReady: 1 },
      { name: 'bare', minReady: 0 },
    ],
    providers: [{ name: 'alpha', maxServers: 4 }],
  });
  await pool.until(() => pool.rows().length === 1);
  expect(pool.one('building', 'multi').subnodes).toEqual([]);
  pool.jobsWait('bare', 9);
  await pool.until(() => pool.in('ready', 'multi').length === 1);
  expect(pool.rows().filter(({ label }) => label === 'bare')).toHaveLength(1);
  pool.check();
});

test('lesson 35: a subnode that is replaced takes the place that it had, and nobody else’s', async () => {
  const pool = await startPool({
    labels: [
      { name: 'multi', subnodes: 2, minReady: 1 },
      { name: 'bare', minReady: 0 },
    ],
    providers: [{ name: 'alpha', maxServers: 4 }],
  });
  await pool.until(() => pool.rows().length === 1);
  pool.jobsWait('bare', 9);
  const lost = new Set<string>();
  pool.sshAnswer = ({ host }) => {
    const isSubnode = pool.rows().some(row => row.subnodes.some(({ ip }) => ip === host));
    if (isSubnode && lost.size < 2) lost.add(host);
    return lost.has(host) ? 'ssh.host-key' : null;
  };
  await pool.until(() => pool.in('ready', 'multi').length === 1);
  expect(lost.size).toBe(2);
  expect(pool.one('ready', 'multi').subnodes).toHaveLength(2);
  expect(pool.rows().filter(({ label }) => label === 'bare')).toHaveLength(1);
  pool.check();
});

test('lesson 36: a small label is served beside one that could take everything', async () => {
  const pool = await startPool({
    labels: [
      { name: 'large', minReady: 0 },
      { name: 'small', minReady: 0 },
    ],
    providers: [{ name: 'alpha', maxServers: 5 }],
  });
  pool.demand.set({ host: 'zuul', port: 4730 }, [
    { name: 'build:a:large', total: 500 },
    { name: 'build:b:small', total: 1 },
  ]);
  for (let n = 0; n < 30 && pool.in('ready', 'small').length === 0; n++) {
    await pool.advance(60_000);
    for (const name of pool.jobs.free('large')) {
      pool.jobs.start(name);
      pool.jobs.finish(name);
    }
  }
  expect(pool.rows().some(({ label }) => label === 'small')).toBe(true);
  pool.check();
});

test('lesson 38: the reserve gives way to jobs that wait when room is short', async () => {
  const labels = [
    { name: 'idle', minReady: 4 },
    { name: 'busy', minReady: 0 },
  ];
  const pool = await startPool({ labels, providers: [{ name: 'alpha', maxServers: 0 }] });
  pool.jobsWait('busy', 4);
  await pool.advance(20_000);
  await pool.reload(poolConfig({ labels, providers: [{ name: 'alpha', maxServers: 4 }] }));
  await pool.until(() => pool.in('ready').length === 4);
  expect(pool.in('ready', 'busy')).toHaveLength(4);
});

test('lesson 39: a provider whose image is not usable takes no share', async () => {
  const pool = await startPool({
    providers: [{ name: 'alpha' }, { name: 'beta' }],
    labels: [{ name: 'bare', minReady: 6 }],
    before: world => world.cloud('beta').images.splice(0),
  });
  await pool.until(() => pool.servers('alpha').length === 6);
  await pool.rest();
  expect(pool.servers('beta')).toEqual([]);
});

test('lesson 43: the server on which an image is built is one of max-servers', async () => {
  const snapshot = snapshotImage();
  const pool = await startPool({
    labels: [
      { name: 'bare', minReady: 9 },
      { name: 'built', minReady: 1, image: snapshot.name },
    ],
    providers: [{ name: 'alpha', maxServers: 4, images: [snapshot] }],
  });
  await pool.until(() => pool.in('ready', 'bare').length === 3);
  expect(pool.servers()).toHaveLength(4);
  expect(pool.rows()).toHaveLength(3);
  await pool.until(() => pool.in('ready').length === 4);
  expect(pool.cloud().serversPeak).toBe(4);
});

describe('lesson 43: an image that is built while its provider is full', () => {
  const snapshot = snapshotImage();
  const full = {
    labels: [{ name: 'bare', minReady: 3, image: snapshot.name }],
    providers: [{ name: 'alpha', maxServers: 3, images: [snapshot] }],
  };
  const fullPool = async (): Promise<Pool> => {
    const pool = await startPool(full);
    await pool.rest();
    pool.cloud().serversPeak = 0;
    await pool.answer(pool.api.updateImage({ provider: 'alpha', image: snapshot.name }));
    return pool;
  };

  test('takes the room of an idle node where none comes free, and says what it waits for', async () => {
    const pool = await fullPool();
    await pool.advance(30_000);
    expect(pool.servers()).toHaveLength(3);
    expect(pool.in('ready')).toHaveLength(3);
    expect(pool.state(`/providers/alpha/images/snap/${pool.snapshot('building').id}`)).toContain(
      'waits for room in alpha',
    );
    await pool.until(() => pool.snapshots().filter(({ state }) => state === 'ready').length === 2);
    await pool.rest();
    expect(pool.cloud().serversPeak).toBe(3);
    expect(pool.rows()).toHaveLength(3);
    expect(pool.happened.filter(({ type }) => type === 'node.delete')).toHaveLength(1);
    pool.checkAtRest();
  });

  test('takes the room of a job that ends, and no idle node', async () => {
    const pool = await fullPool();
    const [name] = pool.jobs.free();
    if (name === undefined) throw new Error('no slave is free');
    pool.jobs.start(name);
    await pool.advance(1_000);
    pool.jobs.finish(name);
    await pool.until(() => pool.snapshots().filter(({ state }) => state === 'ready').length === 2);
    await pool.rest();
    expect(pool.cloud().serversPeak).toBe(3);
    expect(pool.happened.filter(({ type }) => type === 'node.delete')).toHaveLength(1);
    expect(pool.happened.filter(({ type }) => type === 'node.used')).toHaveLength(1);
    pool.checkAtRest();
  });

  test('is built after the pool was restarted while it waited', async () => {
    const pool = await fullPool();
    await pool.answer(pool.api.restart('/pool'));
    await pool.until(() => pool.snapshots().filter(({ state }) => state === 'ready').length === 2);
    await pool.rest();
    expect(pool.cloud().serversPeak).toBe(3);
    pool.checkAtRest();
  });
});

test('lesson 44: a disabled label gets nothing, whatever waits for it', async () => {
  const pool = await startPool({
    labels: [
      { name: 'off', minReady: -1 },
      { name: 'bare', minReady: 1 },
    ],
  });
  pool.jobsWait('off', 7);
  await pool.rest();
  await pool.advance(120_000);
  expect(pool.rows().filter(({ label }) => label === 'off')).toEqual([]);
});

test('lesson 45: nodes of a label that was removed can be deleted, and their room is free again', async () => {
  const providers = [{ name: 'alpha', maxServers: 3 }];
  const pool = await startPool({ providers, labels: [{ name: 'old', minReady: 3 }] });
  await pool.rest();
  await pool.reload(poolConfig({ providers, labels: [{ name: 'new', minReady: 3 }] }));
  await pool.advance(60_000);
  expect(pool.in('ready', 'old')).toHaveLength(3);
  for (const { id } of pool.in('ready', 'old')) await pool.delete(Number(id));
  await pool.rest();
  expect(pool.in('ready', 'new')).toHaveLength(3);
  pool.checkAtRest();
});

test('lesson 46: two runs of the same story grant the same', async () => {
  const story = async (): Promise<string[]> => {
    const pool = await startPool({
      providers: [{ name: 'alpha' }, { name: 'beta' }, { name: 'gamma' }],
      targets: [{ name: 'jenkins01' }, { name: 'jenkins02' }],
      labels: [
        { name: 'one', minReady: 5 },
        { name: 'two', minReady: 4 },
      ],
      seed: 3,
    });
    await pool.rest();
    return pool.rows().map(({ id, label, provider, target }) => `${id} ${label} ${provider} ${target}`);
  };
  expect(await story()).toEqual(await story());
});
