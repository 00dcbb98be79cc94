/**
 * The pool's main job on a real OpenStack: two providers in two zones of it, one of them behind floating IPs, filled,
 * used, killed in the middle of a fill, and emptied. What the cloud had before is as it was.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { nothing } from './belongings.js';
import { findRealCloud, makeHiddenNetwork, type HiddenNetwork } from './real-cloud.js';
import { RealPool } from './real-pool.js';

const real = await findRealCloud();
const stock = 6;

describe.runIf(real.isPlayable)('the daemon on a real OpenStack', () => {
  let hidden: HiddenNetwork;
  let pool: RealPool;

  beforeAll(async () => {
    hidden = await makeHiddenNetwork(real, 'nodepool-contract');
    const [first, second = first] = real.zones;
    pool = await RealPool.open(real, {
      labels: [
        { name: 'small', image: 'base', 'min-ready': stock, providers: [{ name: 'plain' }, { name: 'hidden' }] },
      ],
      providers: login => {
        const images = [{ name: 'base', 'image-name': real.image, 'min-ram': 1, ...login }];
        return [
          {
            name: 'plain',
            'max-servers': 5,
            'availability-zones': [first],
            networks: [{ name: real.networks.inner, public: true }],
            'cloud-images': images,
          },
          {
            name: 'hidden',
            'max-servers': 5,
            'availability-zones': [second],
            networks: [{ 'net-id': hidden.id }],
            pool: real.networks.external,
            'cloud-images': images,
          },
        ];
      },
    });
  });

  afterAll(async () => {
    await pool.close();
    await hidden.remove();
  });

  it('finishes a fill that kill -9 has cut in two, and makes no server twice', async () => {
    await pool.start();
    await pool.untilNodes(nodes => {
      const known = nodes.filter(({ serverId }) => serverId !== null).length;
      return known >= 2 && nodes.some(({ state, step }) => state === 'building' && step !== 'ssh');
    });
    await pool.kill();
    const { servers: made } = await pool.left();
    await pool.start();
    const nodes = await pool.untilReady(stock);

    const ready = nodes.map(({ serverId }) => serverId);
    expect(made.filter(id => !ready.includes(id))).toEqual([]);
    const left = await pool.left();
    expect([...left.servers].sort()).toEqual([...ready].sort());
    const inHidden = nodes.filter(({ provider }) => provider === 'hidden');
    expect(inHidden.length).toBeGreaterThan(0);
    expect(left.addresses).toHaveLength(inHidden.length);
    expect(new Set(nodes.map(({ az }) => az))).toEqual(new Set(real.zones.slice(0, 2)));
  });

  it('gives each node one job, and replaces it', async () => {
    await pool.until(() => pool.world.judge().slaves.filter(({ isOnline }) => isOnline).length >= stock);
    pool.world.jobs.submit({ job: 'demo-job', label: 'small', durationMs: 1_000, count: stock });
    await pool.until(() => pool.finished.length === stock);
    const nodes = await pool.untilNodes(
      all => all.length >= stock && all.every(({ state, nodename }) => state === 'ready' && !isUsed(nodename)),
    );
    expect(pool.world.judge()).toMatchObject({ secondJobs: 0, killedJobs: 0 });
    expect(nodes.filter(({ nodename }) => isUsed(nodename))).toEqual([]);
  });

  it('leaves nothing behind when the last node is deleted', async () => {
    await pool.reload({ labels: [{ name: 'small', image: 'base', 'min-ready': -1 }] });
    await pool.empty();
    await pool.until(async () => {
      const { servers, ports } = await pool.left();
      return servers.length === 0 && ports.length === 0;
    });
    expect(await pool.left()).toEqual(nothing);
    expect(pool.world.judge().slaves).toEqual([]);
  });

  const isUsed = (nodename: string | null): boolean => pool.finished.includes(nodename ?? '');
});
