import { expect, test } from 'vitest';
import { openServiceManager } from '../../../src/cli/service-manager.js';

function open(env: Record<string, string>, timers: { ms: number; work: () => void }[] = []) {
  const said: string[][] = [];
  const manager = openServiceManager({
    env,
    pid: 42,
    notify: (socket, assignments) => void said.push([socket, ...assignments]),
    every: (ms, work) => {
      timers.push({ ms, work });
      return () => void timers.splice(0);
    },
  });
  return { manager, said };
}

test('systemd hears when we are ready and when we stop', () => {
  const { manager, said } = open({ NOTIFY_SOCKET: '/run/systemd/notify' });
  manager.ready();
  manager.stopping();
  expect(said.map(([socket, what]) => [socket, what])).toEqual([
    ['/run/systemd/notify', 'READY=1'],
    ['/run/systemd/notify', 'STOPPING=1'],
  ]);
});

test('without systemd nothing is said', () => {
  const { manager, said } = open({});
  manager.ready();
  manager.watch(async () => true);
  expect(said).toEqual([]);
});

test('the watchdog is fed three times in its time, and only while the actors take their turns', async () => {
  const timers: { ms: number; work: () => void }[] = [];
  const { manager, said } = open({ NOTIFY_SOCKET: '/s', WATCHDOG_USEC: '60000000', WATCHDOG_PID: '42' }, timers);
  let isAlive = true;
  manager.watch(async () => isAlive);
  await Promise.resolve();
  await Promise.resolve();
  expect([timers.length, timers[0]?.ms]).toEqual([1, 20_000]);
  isAlive = false;
  timers[0]?.work();
  await Promise.resolve();
  await Promise.resolve();
  expect(said).toEqual([['/s', 'WATCHDOG=1']]);
  manager.close();
  expect(timers).toEqual([]);
});

test.each<[env: Record<string, string>, why: string]>([
  [{ WATCHDOG_USEC: '60000000', WATCHDOG_PID: '41' }, 'is for another process'],
  [{ WATCHDOG_USEC: 'soon' }, 'has no time'],
  [{}, 'is not wanted'],
])('a watchdog is not fed: %j %s', async (env, why) => {
  const { manager, said } = open({ NOTIFY_SOCKET: '/s', ...env });
  manager.watch(async () => true);
  await Promise.resolve();
  expect(said, why).toEqual([]);
});
