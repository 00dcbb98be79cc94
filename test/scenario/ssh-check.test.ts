import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { startPool, type Pool } from '../support/pool.js';

const quarterMs = 15 * 60_000;
const label = (minReady: number) => ({ labels: [{ name: 'bare', minReady }] });

async function startReady(minReady: number): Promise<Pool> {
  const pool = await startPool(label(minReady));
  await pool.rest();
  return pool;
}

/** The one ready node, which nobody can log in to, while it is checked. */
async function underCheck(pool: Pool): Promise<{ readonly id: number }> {
  const { id, ip } = pool.one('ready');
  pool.sshAnswer = ({ host }) => (host === ip ? 'ssh.unreachable' : null);
  await pool.until(() => isAnyAt('check', pool), quarterMs * 2);
  return { id: Number(id) };
}

function isAnyAt(work: string, pool: Pool): boolean {
  return pool.actors().some(({ kind, task }) => kind === 'node' && task?.name === work);
}

function startJob(pool: Pool, id: number): void {
  const name = pool.row(id)?.nodename ?? null;
  if (name !== null) pool.jobs.start(name);
}

test('a ready node that nobody can log in to any more is replaced at the next check, lesson 134', async () => {
  const pool = await startReady(2);
  const dead = pool.one('ready');
  pool.sshAnswer = ({ host }) => (host === dead.ip ? 'ssh.protocol' : null);
  await pool.advance(quarterMs + 70_000);
  expect(pool.row(dead.id)).toBeNull();
  await pool.rest();
  expect(pool.log.map(({ message }) => message).join()).toContain(`node ${dead.id}: the check could not log in`);
  pool.checkAtRest();
});

test('nodes that answer are left as they are, however often they are checked', async () => {
  const pool = await startReady(2);
  const before = pool.rows();
  await pool.advance(4 * quarterMs);
  expect(pool.rows()).toEqual(before);
  pool.checkAtRest();
});

test('a node whose job starts while it is checked is not deleted under it, lesson 82', async () => {
  const pool = await startReady(1);
  const { id } = await underCheck(pool);
  startJob(pool, id);
  await pool.advance(70_000);
  expect(pool.row(id)?.state).toBe('used');
});

test('a job that was given to a node before its check failed runs to its end, heard of or not', async () => {
  const pool = await startReady(1);
  const { id, ip, nodename } = pool.one('ready');
  if (nodename === null) throw new Error('it is in Jenkins');
  pool.sshAnswer = ({ host }) => (host === ip ? 'ssh.unreachable' : null);
  await pool.until(
    () => pool.master().slaves.get(nodename)?.offlineReason?.includes('could not log in') ?? false,
    quarterMs * 2,
  );
  pool.jobs.start(nodename, { isHeard: false });
  await pool.advance(70_000);
  expect(pool.row(id)?.state).toBe('used');
  pool.jobs.finish(nodename);
  await pool.until(() => pool.row(id) === null, 120_000);
  expect(pool.master().killed).toEqual([]);
});

test('a node that was to go, and was held meanwhile, goes once it is released: no job can find it any more', async () => {
  const pool = await startReady(1);
  const { id, ip, nodename } = pool.one('ready');
  if (nodename === null) throw new Error('it is in Jenkins');
  const isOffline = (): boolean => (pool.master().slaves.get(nodename)?.offlineReason ?? null) !== null;
  pool.sshAnswer = ({ host }) => (host === ip ? 'ssh.unreachable' : null);
  await pool.until(isOffline, quarterMs * 2);
  await pool.hold(id);
  pool.sshAnswer = () => null;
  await pool.advance(60_000);
  expect(pool.row(id)?.state).toBe('hold');
  await pool.release(id);
  await pool.until(() => pool.row(id) === null, 120_000);
  await pool.rest();
  pool.checkAtRest();
});

test('a master that does not say what runs on a node that has failed is waited for, and not for ever', async () => {
  const pool = await startReady(1);
  const { id } = await underCheck(pool);
  pool.master().always(['listNodes', 'setOffline'], new Fault('jenkins.error', 'HTTP 503'));
  await pool.until(() => isAnyAt('leave', pool));
  await pool.advance(500_000);
  expect(pool.row(id)?.state).toBe('ready');
  await pool.until(() => pool.row(id) === null, 300_000);
});

test('a master that lets nobody take a node offline is asked what runs on it all the same', async () => {
  const pool = await startReady(1);
  const { id, ip, nodename } = pool.one('ready');
  if (nodename === null) throw new Error('it is in Jenkins');
  pool.sshAnswer = ({ host }) => (host === ip ? 'ssh.unreachable' : null);
  pool.master().always('setOffline', new Fault('jenkins.refused', 'no right to take it offline'));
  await pool.until(() => pool.master().callsOf('setOffline').length > 0, quarterMs * 2);
  pool.jobs.start(nodename, { isHeard: false });
  await pool.advance(70_000);
  expect(pool.row(id)?.state).toBe('used');
  expect(pool.master().killed).toEqual([]);
});

test('only ready nodes are checked, and a held one least of all', async () => {
  const pool = await startReady(2);
  const [held, used] = pool.in('ready');
  if (held) await pool.hold(held.id);
  startJob(pool, Number(used?.id));
  await pool.rest();
  const ips = [held?.ip, used?.ip];
  pool.sshAnswer = ({ host }) => (ips.includes(host) ? 'ssh.unreachable' : null);
  await pool.advance(2 * quarterMs);
  expect(pool.row(Number(held?.id))?.state).toBe('hold');
  expect(pool.row(Number(used?.id))?.state).toBe('used');
  expect(pool.in('ready')).toHaveLength(2);
});

test('a rack that has failed is found out in minutes and not in hours, some at once, lesson 135', async () => {
  const pool = await startPool({ ...label(50), providers: [{ name: 'alpha', maxServers: 60 }] });
  await pool.rest();
  const dead = new Set(pool.in('ready').map(({ ip }) => ip));
  const checks = (): number => pool.actors().filter(({ task }) => task?.name === 'check').length;
  pool.sshAnswer = ({ host }) => (dead.has(host) ? 'ssh.timeout' : null);
  await pool.until(() => checks() > 0, quarterMs);
  let most = 0;
  for (let n = 0; n < 40; n++) {
    most = Math.max(most, checks());
    await pool.advance(5_000);
  }
  expect(most).toBe(20);
  await pool.until(() => !pool.in('ready').some(({ ip }) => dead.has(ip)));
  await pool.rest();
  pool.checkAtRest();
});

test('a key file that cannot be read here is no fault of the machines', async () => {
  const pool = await startReady(2);
  const before = pool.in('ready').map(({ id }) => id);
  pool.sshAnswer = () => 'ssh.key-exposed';
  await pool.advance(2 * quarterMs);
  expect(pool.in('ready').map(({ id }) => id)).toEqual(before);
  expect(pool.log.some(({ fault, next }) => fault === 'ssh.key-exposed' && String(next).includes('chmod 600'))).toBe(
    true,
  );
});

test('a machine that answers with another host key than before is not the one that was launched', async () => {
  const pool = await startReady(1);
  const { id, ip } = pool.one('ready');
  pool.sshAnswer = ({ host }) => (host === ip ? 'ssh.host-key' : null);
  await pool.advance(quarterMs + 70_000);
  expect(pool.row(id)).toBeNull();
});

test('where host-key-checking is off no host key is recorded, nor given to Jenkins', async () => {
  const pool = await startPool({ ...label(1), providers: [{ name: 'alpha', hostKeyChecking: false }] });
  await pool.rest();
  expect(pool.one('ready').hostKey).toBeNull();
  expect([...pool.master().slaves.values()].map(({ spec }) => spec.hostKey)).toEqual([null]);
  const checked = await startReady(1);
  expect(checked.one('ready').hostKey).not.toBeNull();
  expect([...checked.master().slaves.values()].map(({ spec }) => spec.hostKey)).toEqual([checked.one('ready').hostKey]);
});
