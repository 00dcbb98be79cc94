/** Stories of images: one label, launched from an image that is built in `alpha`. */
import { expect } from 'vitest';
import type { SnapshotRow } from '../../src/domain/snapshot-row.js';
import type { SnapshotImageConfig } from '../../src/domain/pool-config.js';
import type { ServerSpec } from '../../src/ports/cloud.js';
import type { Pool, PoolWish } from './pool.js';
import { snapshotImage } from './pool-config.js';

export const minuteMs = 60_000;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;
export const snap = { provider: 'alpha', image: 'snap' };

export function imagesWish(image: Partial<SnapshotImageConfig> = {}, rest: PoolWish = {}): PoolWish {
  return {
    labels: [{ name: 'bare', image: 'snap', minReady: 2 }],
    providers: [{ name: 'alpha', maxServers: 50, images: [snapshotImage(image)] }],
    ...rest,
    // Days pass in these scenarios, and nothing of images hangs on the ticks between.
    timings: { pass: 5 * 60_000, ...rest.timings },
  };
}

export function ready(pool: Pool): SnapshotRow[] {
  return pool.snapshots().filter(row => row.state === 'ready' && row.step === null);
}

/** Until so many images are ready, and nothing of their builds is left. */
export function untilReady(pool: Pool, count = 1, withinMs = hourMs): Promise<void> {
  return pool.until(() => ready(pool).length >= count && ready(pool).length === pool.snapshots().length, withinMs);
}

/** Begins a build; answers with its row. */
export async function update(pool: Pool): Promise<SnapshotRow> {
  // One that has just ended has been heard of.
  await pool.advance(1_000);
  const outcome = await pool.answer(pool.api.updateImage(snap));
  if (outcome.kind !== 'done') throw new Error(outcome.message);
  const row = pool.snapshots().find(each => Number(each.id) === outcome.image?.id);
  if (!row) throw new Error('the build has no row');
  return row;
}

/** Servers that images are built on. */
export function templates(pool: Pool, provider?: string): string[] {
  return pool
    .cloud(provider)
    .servers.filter(server => server.metadata['nodepool']?.includes('snapshot_image_id') === true)
    .map(server => server.id);
}

export function created(pool: Pool, provider?: string): ServerSpec[] {
  return pool
    .cloud(provider)
    .callsOf('createServer')
    .map(call => call.subject as ServerSpec);
}

export function imageIds(pool: Pool, provider?: string): string[] {
  return pool.cloud(provider).ownImages.map(image => image.id);
}

/** Nothing of a build is left, in the cloud or on this machine, but the images that have rows. */
export function expectClean(pool: Pool): void {
  expect(pool.snapshots().map(({ state, step }) => [state, step])).toEqual(pool.snapshots().map(() => ['ready', null]));
  for (const name of pool.clouds.keys()) {
    const rows = pool.snapshots().filter(row => row.provider === name);
    expect(templates(pool, name), `template servers in ${name}`).toEqual([]);
    expect([...pool.cloud(name).keypairs.keys()], `key pairs in ${name}`).toEqual([]);
    expect(imageIds(pool, name).sort(), `images in ${name}`).toEqual(rows.map(row => row.imageId).sort());
  }
  expect(pool.builds.keys.size, 'keys on this machine').toBe(0);
}
