import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { networkId } from '../../src/domain/ids.js';
import { startPool, type Pool } from '../support/pool.js';

async function storyOf(pool: Pool, id: number): Promise<string[]> {
  const found = await pool.answer(pool.api.node(id));
  return (found?.story ?? []).flatMap(({ kind, what }) => (kind === 'call' ? [] : [`${kind} ${what}`]));
}

test('a node tells its whole story, also when it is gone', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  await pool.rest();
  const { id, nodename } = pool.one('ready');
  if (nodename === null) throw new Error('it has no name');
  pool.jobs.start(nodename);
  await pool.advance(1_000);
  pool.jobs.finish(nodename);
  await pool.until(() => pool.row(id) === null);
  const found = await pool.answer(pool.api.node(id));
  expect(found?.node).toBeNull();
  expect(await storyOf(pool, id)).toEqual([
    'step queued',
    'fact name bare-alpha-1',
    'step create',
    'fact server server-1',
    'step boot',
    expect.stringMatching(/^fact zone /),
    expect.stringMatching(/^fact address /),
    'step ssh',
    'step register',
    'state ready',
    'fact job started',
    'state used',
    'fact job ended',
    'state delete',
    'step unregister+servers',
    expect.stringMatching(/^step (servers|unregister)$/),
    'gone deleted',
  ]);
  const times = (found?.story ?? []).map(({ at }) => at);
  expect(times).toEqual([...times].sort((a, b) => a - b));
});

test('a launch that failed says at which step and why, before what came of it', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  pool.sshAnswer = () => 'ssh.auth';
  await pool.until(() => pool.in('delete').length > 0);
  pool.sshAnswer = () => null;
  const story = await storyOf(pool, 1);
  expect(story.slice(story.indexOf('step ssh'))).toEqual([
    'step ssh',
    expect.stringMatching(/^fault .*ssh\.auth/),
    expect.stringMatching(/^fact console .*login:/),
    'state delete',
    'step servers',
  ]);
});

test('a node that was there when the daemon started is found in its state', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  await pool.rest();
  pool.crash();
  await pool.restart();
  await pool.rest();
  expect(await storyOf(pool, pool.one('ready').id)).toEqual(['found ready']);
});

test('the last hours are marked every ten seconds, and a restart of their actor loses none of them', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }] });
  pool.jobsWait('bare', 3);
  await pool.advance(100_000);
  await pool.answer(pool.api.restart('/history'));
  await pool.advance(20_000);
  const view = await pool.answer(pool.api.history(null));
  expect(view.at.length).toBeGreaterThanOrEqual(11);
  expect(view.nodes.ready.at(-1)).toBe(5);
  expect(view.waiting['bare']?.at(-1)).toBe(3);
  expect(view.launched.reduce((sum, each) => sum + each, 0)).toBe(5);
  expect(view.launchP50Seconds.at(-1)).toBeGreaterThan(20);
  const last = view.at.at(-1) ?? 0;
  expect((await pool.answer(pool.api.history(last))).at.every(at => at > last)).toBe(true);
});

test('a provider shows what it is used for, and why nothing is launched there', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 3 }], providers: [{ name: 'alpha' }] });
  await pool.rest();
  await pool.hold(pool.one('ready').id);
  await pool.rest();
  expect(await pool.answer(pool.api.providers())).toMatchObject([
    {
      name: 'alpha',
      servers: 4,
      held: 1,
      limit: 10,
      maxServers: 10,
      closedBecause: null,
      launches: { underWay: 0, waiting: 0, limit: 40 },
      calls: { underWay: 0, waiting: 0, limit: 8 },
      breaker: { phase: 'closed' },
    },
  ]);
  pool.cloud().down();
  await pool.delete(pool.one('ready').id);
  await pool.advance(60_000);
  const [alpha] = await pool.answer(pool.api.providers());
  expect(alpha?.breaker?.phase).not.toBe('closed');
  expect(alpha?.breaker?.trouble).toBeTruthy();
  expect(alpha?.closedBecause).toBe(alpha?.breaker?.trouble);
});

test('the story of a group says of each call for which of its machines it was made', async () => {
  const pool = await startPool({ labels: [{ name: 'multi', subnodes: 2, minReady: 1 }] });
  await pool.rest();
  const { id, subnodes } = pool.one('ready');
  const machines = [null, ...subnodes.map(subnode => Number(subnode.id))];
  const madeFor = async (what: string): Promise<(number | null)[]> => {
    const { story } = (await pool.answer(pool.api.node(id))) ?? { story: [] };
    return story.flatMap(entry => (entry.kind === 'call' && entry.what === what ? [entry.subnode] : []));
  };
  expect(await madeFor('cloud.createServer')).toEqual(machines);
  expect(await madeFor('ssh.login')).toEqual(machines);
  expect(await madeFor('ssh.files')).toEqual([...machines.slice(1), null]);
  expect(await madeFor('jenkins.createNode')).toEqual([null]);
  await pool.answer(pool.api.delete(id, { now: true }));
  await pool.until(() => pool.row(id) === null);
  expect((await madeFor('cloud.deleteServer')).toSorted()).toEqual(machines.toSorted());
});

test('the story of a node has each call that was made for it: when, how long, and what came of it', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 1 }],
    providers: [{ name: 'alpha', rateMs: 2_000 }],
    before(world) {
      const cloud = world.cloud();
      cloud.isPrivate = true;
      cloud.networks.splice(0, 1, { id: networkId('inner'), name: 'inner', isExternal: false });
      cloud.latencyMs = 300;
      cloud.next('createServer', new Fault('cloud.error', 'HTTP 500'));
    },
  });
  await pool.rest();
  const { id, nodename } = pool.one('ready');
  if (nodename === null) throw new Error('it has no name');
  pool.jobs.start(nodename);
  await pool.advance(1_000);
  pool.jobs.finish(nodename);
  await pool.until(() => pool.row(id) === null);
  const { story } = (await pool.answer(pool.api.node(id))) ?? { story: [] };
  const calls = story.flatMap(entry => (entry.kind === 'call' ? [entry] : []));
  expect(calls.map(({ what, result }) => [what, result])).toEqual([
    ['cloud.createServer', 'cloud.error: HTTP 500'],
    ['cloud.createServer', null],
    ['waiting for a list of servers', null],
    ['cloud.createAddress', null],
    ['ssh.login', null],
    ['jenkins.createNode', null],
    ['jenkins.setOffline', null],
    ['jenkins.setOffline', null],
    ['jenkins.deleteNode', null],
    ['cloud.deleteServer', null],
    ['waiting for a list of servers', null],
    ['cloud.deleteAddress', null],
  ]);
  expect(calls.map(({ isOk }) => isOk).indexOf(false)).toBe(0);
  const asked = pool.cloud().callsOf('createServer');
  expect(calls.slice(0, 2)).toMatchObject(asked.slice(0, 2).map(({ atMs }) => ({ at: atMs, ms: 300 })));
  // What the cloud offers and what it has left was asked before, at one call in two seconds.
  expect(calls[0]?.waitedMs).toBeGreaterThan(2_000);
});
