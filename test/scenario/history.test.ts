import { expect, test } from 'vitest';
import { startPool, type Pool } from '../support/pool.js';

async function storyOf(pool: Pool, id: number): Promise<string[]> {
  const found = await pool.answer(pool.api.node(id));
  return (found?.story ?? []).map(({ kind, what }) => `${kind} ${what}`);
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
