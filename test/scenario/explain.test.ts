/** Why is nothing launching? One story for each reason that there is. */
import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { poolConfig } from '../support/pool-config.js';
import { startPool, type Pool, type PoolWish } from '../support/pool.js';
import type { ExplainQuery, ExplainView } from '../../src/ports/control.js';

async function explain(pool: Pool, about: ExplainQuery = { label: 'bare' }): Promise<ExplainView> {
  const view = await pool.answer(pool.api.explain(about));
  if (view === null) throw new Error(`nothing is known of ${JSON.stringify(about)}`);
  return view;
}

async function labelIn(wish: PoolWish, after = 60_000) {
  const pool = await startPool(wish);
  await pool.advance(after);
  const [label] = (await explain(pool)).labels;
  if (label === undefined) throw new Error('the label is not explained');
  return { pool, label };
}

test('a label that has what it needs says so', async () => {
  const { label } = await labelIn({});
  expect(label.verdict).toBe('nothing more is wanted: 2 ready or on their way, min-ready 2, 0 jobs waiting');
  expect(label.refusals).toEqual([]);
});

test('max-servers: the provider is full, and what it has is told', async () => {
  const { label } = await labelIn({
    labels: [{ name: 'bare', minReady: 5 }],
    providers: [{ name: 'alpha', maxServers: 3 }],
  });
  expect(label.refusals).toMatchObject([
    { reason: 'max-servers', provider: 'alpha', detail: 'alpha has room for 0 of 3 servers; a node takes 1' },
  ]);
  expect(label.refusals[0]?.next).toContain('nodepool tune alpha max-servers=N');
});

test('launches that fail say why until one works, though their nodes are gone and others are on their way', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  pool.sshAnswer = () => 'ssh.auth';
  await pool.until(() => pool.happened.filter(({ type }) => type === 'node.launch-failed').length === 2, 3_600_000);
  const failure = {
    label: 'bare',
    provider: 'alpha',
    inARow: 2,
    detail: expect.stringMatching(/^ssh\.auth: /) as string,
    next: 'check username and private-key of the image',
  };
  expect((await explain(pool)).labels).toMatchObject([{ failures: [failure] }]);
  expect((await explain(pool, { provider: 'alpha' })).providers).toMatchObject([{ failures: [failure] }]);
  pool.sshAnswer = () => null;
  await pool.until(() => pool.in('ready').length === 1, 3_600_000);
  await pool.rest();
  expect((await explain(pool)).labels).toMatchObject([{ failures: [] }]);
});

test('quota: it is told apart from max-servers', async () => {
  const { label } = await labelIn(
    { labels: [{ name: 'bare', minReady: 5 }], before: world => (world.cloud().serversMax = 2) },
    300_000,
  );
  expect(label.refusals).toMatchObject([
    {
      reason: 'quota',
      provider: 'alpha',
      detail: expect.stringContaining('its quota leaves 2 of max-servers 10') as string,
    },
  ]);
});

test('max-cores: machines of these cores do not fit any more, and what may be raised is told', async () => {
  const { pool, label } = await labelIn(
    { labels: [{ name: 'bare', minReady: 4 }], providers: [{ name: 'alpha', maxServers: 20, maxCores: 8 }] },
    300_000,
  );
  expect(pool.in('ready')).toHaveLength(2);
  expect(label.refusals).toMatchObject([
    { reason: 'max-cores-or-ram', provider: 'alpha', next: expect.stringContaining('raise max-cores') as string },
  ]);
});

test('breaker: a cloud that does not answer, and when it is asked again', async () => {
  const pool = await startPool();
  await pool.rest();
  pool.cloud().down('cloud.unreachable');
  await pool.advance(180_000);
  await pool.reload(poolConfig({ labels: [{ name: 'bare', minReady: 5 }] }));
  await pool.advance(1_000);
  const [label] = (await explain(pool)).labels;
  expect(label?.refusals).toMatchObject([
    { reason: 'provider-closed', detail: 'alpha launches nothing for now: cloud.unreachable: the fake cloud is down' },
  ]);
  expect(label?.refusals[0]?.until).toBeGreaterThan(pool.clock.now());
  const [provider] = (await explain(pool, { provider: 'alpha' })).providers;
  expect(provider?.verdict).toBe(
    'alpha launches nothing for now: cloud.unreachable: the fake cloud is down; 2 of 10 servers in use',
  );
});

test('breaker: nodes that were granted before are told to be waiting for it', async () => {
  const { label } = await labelIn({
    before: world => world.cloud().always('createServer', new Fault('cloud.error', 'HTTP 503 from nova')),
  });
  expect(label.underWay).toMatchObject([{ count: 2, provider: 'alpha', step: 'create' }]);
});

test('no image: the reason of the image is the reason of the label', async () => {
  const { label } = await labelIn({
    before: world => world.cloud().always('listImages', new Fault('cloud.auth', 'the password is wrong')),
  });
  expect(label.refusals).toMatchObject([
    { provider: 'alpha', detail: expect.stringContaining('the password is wrong') as string },
  ]);
});

test('target offline: with what the master said', async () => {
  const { label } = await labelIn({
    before: world => world.master().always('status', new Fault('jenkins.unreachable', 'connect ECONNREFUSED')),
  });
  expect(label.refusals).toMatchObject([
    { reason: 'no-online-target', detail: 'none of 1 targets is online; jenkins01: connect ECONNREFUSED' },
  ]);
});

test('concurrency: nodes that were granted wait for a permit', async () => {
  const concurrency = { workers: 1, calls: 8, launches: 1, deletes: 40, imageBuilds: 2 };
  const { label } = await labelIn(
    { labels: [{ name: 'bare', minReady: 3 }], providers: [{ name: 'alpha', concurrency }] },
    10_000,
  );
  expect(label.underWay).toMatchObject([
    { count: 1, waitsFor: 'step' },
    { count: 2, step: 'queued', waitsFor: 'launch-permit' },
  ]);
  expect(label.verdict).toContain('2 of those on their way wait: launch-permit in alpha');
});

test('connections: nodes that were granted wait for the database', async () => {
  const labels = [{ name: 'bare', minReady: 8 }];
  const { label } = await labelIn({ labels, maxConnections: 6, storeMs: 300 }, 6_000);
  expect(label.underWay.find(({ waitsFor }) => waitsFor === 'connection')).toMatchObject({
    next: expect.stringContaining('database.max-connections') as string,
  });
});

test('disabled: min-ready is negative', async () => {
  const { label } = await labelIn({ labels: [{ name: 'bare', minReady: -1 }] });
  expect(label.verdict).toBe('nothing is launched, it is disabled: min-ready is -1; 0 jobs wait');
});

test('disabled: the configuration file is wrong about it', async () => {
  const pool = await startPool();
  const config = poolConfig({ labels: [] });
  const reason = 'nodepool.yaml:3:5: label bare names the image img, which no provider has';
  await pool.reload({ ...config, disabled: [{ kind: 'label', name: 'bare', reason }] });
  expect((await explain(pool)).labels).toMatchObject([
    { label: 'bare', verdict: expect.stringContaining(reason) as string },
  ]);
});

test('capacity: a cloud without a host for it, and when it is tried again', async () => {
  const { label } = await labelIn({ before: world => world.cloud().fullZones.add('nova') }, 30_000);
  expect(label.refusals).toMatchObject([
    { reason: 'no-capacity', detail: expect.stringContaining('No valid host') as string },
  ]);
  expect(label.refusals[0]?.until).not.toBeNull();
});

test('the database is away: no round is decided, and that is the answer', async () => {
  const pool = await startPool();
  await pool.rest();
  pool.store.away();
  await pool.advance(60_000);
  const [label] = (await explain(pool)).labels;
  expect(label?.verdict).toMatch(/^no allocation rounds are decided \(store: .*ECONNREFUSED/);
});

test('what nobody has is not explained', async () => {
  const pool = await startPool();
  await pool.rest();
  expect(await pool.answer(pool.api.explain({ label: 'other' }))).toBeNull();
  expect(await pool.answer(pool.api.explain({ provider: 'other' }))).toBeNull();
  expect(await pool.answer(pool.api.explain({ node: 999 }))).toBeNull();
});

test('a node: its step, since when, what it waits for, its last error, and what comes next', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  pool.sshAnswer = () => 'ssh.unreachable';
  await pool.until(() => pool.rows()[0]?.step === 'ssh');
  const id = Number(pool.rows()[0]?.id);
  expect((await explain(pool, { node: id })).node).toMatchObject({
    id,
    state: 'building',
    step: 'ssh',
    waitsFor: 'step',
    lastError: null,
    next: 'group, files, ready-script, register, ready',
  });
  pool.sshAnswer = () => null;
  await pool.rest();
  await pool.hold(Number(pool.one('ready').id), { reason: 'to look at it' });
  expect((await explain(pool, { node: Number(pool.one('hold').id) })).node).toMatchObject({
    waitsFor: 'release',
    detail: 'it is held: to look at it',
  });
});

test('a node whose step failed says when it is tried again, and why', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  pool.master().always('createNode', new Fault('jenkins.error', 'HTTP 500 from jenkins01'));
  await pool.until(() => pool.rows()[0]?.step === 'register' && pool.rows()[0]?.lastError !== null);
  const { node } = await explain(pool, { node: Number(pool.rows()[0]?.id) });
  expect(node).toMatchObject({ waitsFor: 'rest', lastError: 'jenkins.error: HTTP 500 from jenkins01' });
  expect(node?.until).toBeGreaterThan(pool.clock.now());
});

test('the ledger: rounds that differ are kept, those that do not are one entry, also over a kill -9', async () => {
  const pool = await startPool({ providers: [{ name: 'alpha', maxServers: 1 }] });
  await pool.advance(120_000);
  const before = (await explain(pool, { label: 'bare', since: 0 })).rounds;
  expect(before.at(-1)).toMatchObject({ refusals: [{ reason: 'max-servers' }] });
  expect(before.at(-1)?.rounds).toBeGreaterThan(5);
  expect(before.length).toBeLessThan(6);
  pool.crash();
  await pool.restart();
  await pool.advance(60_000);
  const after = (await explain(pool, { label: 'bare', since: 0 })).rounds;
  expect(after.slice(0, before.length - 1)).toEqual(before.slice(0, -1));
  expect(after.length).toBeGreaterThan(before.length);
});

test('a ledger that cannot be written is written later, and the pool goes on', async () => {
  const pool = await startPool();
  pool.store.next('writeLedger', new Fault('store.refused', 'disk full'));
  await pool.rest();
  await pool.advance(30_000);
  expect(pool.store.database.ledger.size).toBeGreaterThan(0);
  pool.checkAtRest();
});
