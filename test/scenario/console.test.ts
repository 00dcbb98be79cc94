import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { startPool } from '../support/pool.js';

const one = { labels: [{ name: 'bare', minReady: 1 }] };
const panic = 'Booting Linux\n\u001b[31mKernel panic\u001b[0m - not syncing: no init found\n';

test('the console of a machine that SSH never reached is on its node, and nowhere else', async () => {
  const pool = await startPool(one);
  pool.sshAnswer = ({ host }) => (host === '192.0.2.1' ? 'ssh.unreachable' : null);
  await pool.until(() => pool.servers().length === 1);
  const [server] = pool.servers();
  if (server) pool.cloud().writeConsole(server, panic);
  await pool.until(() => pool.in('delete').length === 1);
  const { id } = pool.one('delete');
  const found = await pool.answer(pool.api.node(id));
  expect(found?.node?.console).toBe('Booting Linux\nKernel panic - not syncing: no init found');
  expect(found?.node?.reason).toContain('ssh.unreachable');
  await pool.rest();
  expect(pool.one('ready').console).toBeNull();
  // The story outlives the row.
  const gone = await pool.answer(pool.api.node(id));
  expect(gone?.node).toBeNull();
  expect(gone?.story.map(({ what }) => what).join()).toContain('console Booting Linux\nKernel panic');
  expect(pool.cloud().callsOf('consoleLog')).toHaveLength(1);
  expect(pool.log.filter(line => line.message.includes('Kernel panic'))).toEqual([]);
  pool.checkAtRest();
});

test('a label that asks for it has the console in the log', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1, consoleLog: true }] });
  pool.sshAnswer = ({ host }) => (host === '192.0.2.1' ? 'ssh.unreachable' : null);
  await pool.until(() => pool.servers().length === 1);
  const [server] = pool.servers();
  if (server) pool.cloud().writeConsole(server, panic);
  await pool.rest();
  expect(pool.log.filter(line => line.message.includes('Kernel panic'))).toMatchObject([
    { level: 'warn', node: 1, provider: 'alpha' },
  ]);
});

test('a cloud that has no consoles, refuses, or hangs, delays no deletion and is not distrusted for it', async () => {
  const pool = await startPool(one);
  const dead = new Set(['192.0.2.1', '192.0.2.2', '192.0.2.3']);
  pool.sshAnswer = ({ host }) => (dead.has(host) ? 'ssh.unreachable' : null);
  pool.cloud().next('consoleLog', new Fault('cloud.error', 'no VNC'), new Fault('cloud.refused', 'policy'), 'hang');
  await pool.rest(3_600_000);
  expect(pool.cloud().callsOf('consoleLog')).toHaveLength(3);
  expect(pool.servers()).toEqual(['server-4']);
  pool.checkAtRest();
});

test('no console is asked for where the machine has no part in the failure', async () => {
  const pool = await startPool(one);
  pool.sshAnswer = ({ host }) => (host === '192.0.2.1' ? 'ssh.key-exposed' : null);
  await pool.advance(120_000);
  await pool.until(() => pool.servers().length === 1);
  const [server] = pool.servers();
  if (server) pool.cloud().vanish(server);
  await pool.rest(3_600_000);
  expect(pool.cloud().callsOf('consoleLog')).toEqual([]);
});
