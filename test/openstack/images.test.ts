/**
 * Snapshot images on a real OpenStack: built twice, nodes and a group from the newer one, rolled back by its deletion, nodes from
 * the older one; at the end there is nothing of ours but the image that is kept, and then not even that.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { idText, jsonObject } from '../../src/adapters/openstack/decode.js';
import type { ImageView, NodeView } from '../../src/ports/control.js';
import { nothing } from './belongings.js';
import { findRealCloud, withService } from './real-cloud.js';
import { RealPool } from './real-pool.js';

const real = await findRealCloud();
/** Single nodes, and one group of three machines. */
const singles = 4;
const stock = singles + 1;
const servers = singles + 3;
const tricky = `it's "$HOME" \`id\`\nand more`;

describe.runIf(real.isPlayable)('snapshot images on a real OpenStack', () => {
  let pool: RealPool;

  beforeAll(async () => {
    pool = await RealPool.open(real, {
      labels: labels(singles, 1),
      scripts: { 'prepare.sh': '#!/bin/sh\n' },
      variables: { NODEPOOL_TRICKY: tricky },
      providers: login => [
        {
          name: 'plain',
          'max-servers': servers + 2,
          networks: [{ name: real.networks.inner, public: true }],
          images: [{ name: 'trusty', 'base-image': real.image, 'min-ram': 1, setup: 'prepare.sh', ...login }],
        },
      ],
    });
    await pool.start();
  });

  afterAll(() => pool.close());

  it('are built with a setup script, and nodes boot from them', async () => {
    const nodes = await pool.untilReady(stock);
    const [image] = await pool.client.images();
    expect(image).toMatchObject({ provider: 'plain', image: 'trusty', state: 'ready' });
    expect(await imagesOf(nodes)).toEqual(new Set([image?.imageId]));
    const runs = pool.world.ssh.scripts.filter(({ name }) => name === 'prepare.sh');
    expect(runs).toHaveLength(1);
    expect(runs[0]?.environment['NODEPOOL_TRICKY']).toBe(tricky);
    // The template server is gone, and with it its key pair.
    await pool.until(async () => (await pool.left()).servers.length === servers);
    expect((await pool.left()).keypairs).toEqual([]);
  });

  it('are replaced by a newer one, and rolled back by its deletion', async () => {
    expect(await pool.cli('image-update', 'plain', 'trusty')).toMatchObject({ code: 0 });
    const [older, newer] = await builtImages();
    expect(await imagesOf(await refilled())).toEqual(new Set([newer?.imageId]));

    expect(await pool.cli('image-delete', String(newer?.id))).toMatchObject({ code: 0 });
    expect(await imagesOf(await refilled())).toEqual(new Set([older?.imageId]));
    await pool.until(async () => (await pool.client.images()).length === 1);
    await pool.until(async () => (await pool.left()).images.length === 1);
    expect((await pool.left()).images).toEqual([older?.imageId]);
  });

  it('are all that is left when the nodes are gone, and go when they are deleted', async () => {
    const [kept] = await builtImages();
    await pool.reload({ labels: labels(-1, -1) });
    await pool.empty();
    await pool.until(async () => (await pool.left()).ports.length === 0);
    expect(await pool.left()).toEqual({ ...nothing, images: [kept?.imageId] });
    expect(await pool.cli('image-delete', String(kept?.id))).toMatchObject({ code: 0 });
    await pool.until(async () => (await pool.left()).images.length === 0);
    expect(await pool.left()).toEqual(nothing);
  });

  function labels(ofSingles: number, ofGroups: number): object[] {
    const common = { image: 'trusty', providers: [{ name: 'plain' }] };
    return [
      { name: 'small', 'min-ready': ofSingles, ...common },
      { name: 'three', 'min-ready': ofGroups, subnodes: 2, ...common },
    ];
  }

  /** Every node is exchanged for a new one. */
  async function refilled(): Promise<readonly NodeView[]> {
    const old = (await pool.client.nodes()).map(({ id }) => id);
    for (const id of old) await pool.client.delete(id, { now: true });
    return pool.untilNodes(
      nodes => nodes.length === stock && nodes.every(({ id, state }) => state === 'ready' && !old.includes(id)),
    );
  }

  /** By age, the oldest first. */
  async function builtImages(): Promise<readonly ImageView[]> {
    return (await pool.client.images()).filter(({ state }) => state === 'ready').sort((a, b) => a.id - b.id);
  }

  async function imagesOf(nodes: readonly NodeView[]): Promise<Set<string>> {
    const ids = nodes.map(({ serverId }) =>
      withService(real.provider, 'compute', async (compute, deadline) => {
        const { server } = await compute.object('GET', `/servers/${serverId}`, deadline);
        return idText(jsonObject(jsonObject(server, 'server')['image'], 'image')['id'], 'image.id');
      }),
    );
    return new Set(await Promise.all(ids));
  }
});
