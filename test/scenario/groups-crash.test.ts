/** The daemon is killed at every boundary between what it does for the machines of a group and its record of it. */
import { expect, test } from 'vitest';
import { killingStore } from '../../src/db/crashing-store.js';
import { groupStepRecords, pointsOf, subnodeRecords, type CrashPoint } from '../../src/domain/crash-points.js';
import { networkId } from '../../src/domain/ids.js';
import { startPool, type Pool } from '../support/pool.js';

const points = [...subnodeRecords, ...groupStepRecords].flatMap(pointsOf);

/** A group of three with a script, whose machines need floating addresses; its first daemon dies at the point. */
function startGroup(point: CrashPoint): Promise<Pool> {
  let lives = 0;
  return startPool({
    labels: [{ name: 'multi', subnodes: 2, minReady: 1, readyScript: 'ready.sh' }],
    providers: [{ name: 'alpha', maxServers: 3 }],
    storeWay: (store, pool) => (lives++ === 0 ? killingStore(store, point, () => pool.crash()) : store),
    before(pool) {
      pool.cloud().isPrivate = true;
      pool.cloud().networks.shift();
      pool.cloud().networks.push({ id: networkId('inner'), name: 'inner', isExternal: false });
    },
  });
}

const isReady = (pool: Pool): boolean => pool.in('ready', 'multi').length > 0;

test.each(points)('%s: the group is finished, with three machines and three addresses', async point => {
  const pool = await startGroup(point);
  await pool.until(() => !pool.isRunning || isReady(pool), 3_600_000);
  // What is not on the way of a launch is on that of a delete.
  const isOfLaunch = !pool.isRunning;
  if (!isOfLaunch) {
    void pool.api.delete(Number(pool.one('ready').id), { now: false });
    await pool.until(() => !pool.isRunning, 3_600_000);
  }
  await pool.advance(1_000);
  await pool.restart();
  await pool.until(() => isReady(pool), 3_600_000);
  await pool.rest(3_600_000);
  const { calls, addresses } = pool.cloud();
  // No machine is made twice: one of those that a launch has made is none the less of use.
  expect(calls.filter(({ op }) => op === 'createServer')).toHaveLength(isOfLaunch ? 3 : 6);
  const row = pool.one('ready', 'multi');
  expect(addresses.map(({ id }) => id).sort()).toEqual([row, ...row.subnodes].map(each => each.addressId).sort());
  expect(pool.slaves()).toEqual([row.nodename]);
  pool.checkAtRest();
});

test('a group whose machines are written though the answer is lost has none of them twice', async () => {
  const pool = await startPool({ labels: [{ name: 'multi', subnodes: 2, minReady: 1 }] });
  pool.store.loseReply('insertSubnodes');
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(3);
  pool.checkAtRest();
});

test('a machine of a group whose change is written though the answer is lost goes on, without a failed actor', async () => {
  for (let n = 0; n < 8; n++) {
    const pool = await startPool({ labels: [{ name: 'multi', subnodes: 2, minReady: 1 }] });
    await pool.until(() => pool.store.calls.filter(method => method === 'changeSubnode').length >= n);
    pool.store.loseReply('changeSubnode');
    await pool.rest();
    expect(pool.cloud().callsOf('createServer')).toHaveLength(3);
    pool.checkAtRest();
  }
});

test('a group whose machines are written late, after they were asked for again, has none of them twice', async () => {
  const pool = await startPool({ labels: [{ name: 'multi', subnodes: 2, minReady: 1 }] });
  let asked = 0;
  pool.store.whim = method => (method === 'insertSubnodes' && asked++ === 0 ? { stallMs: 40_000 } : null);
  await pool.until(() => asked === 2);
  await pool.rest();
  await pool.advance(120_000);
  expect(pool.cloud().callsOf('createServer')).toHaveLength(3);
  expect(pool.one('ready').subnodes).toHaveLength(2);
  pool.checkAtRest({ failures: pool.failures.length });
});
