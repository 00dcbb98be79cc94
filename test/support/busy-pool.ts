/** Work for a pool that does not end: jobs, and an operator who holds, releases, and builds and deletes images. */
import type { E2ePool } from './e2e-pool.js';

const roundMs = 50;
const jobMs = 50;

/** The daemon may be gone at any moment; whatever was asked of it then is asked again in the next round. */
export async function whileBusy<T>(pool: E2ePool, work: () => Promise<T>): Promise<T> {
  const busy = { isOver: false };
  const rounds = keepBusy(pool, busy);
  try {
    return await work();
  } finally {
    busy.isOver = true;
    await rounds;
  }
}

/** The daemon says that it is well, and jobs are done. */
export async function untilWell(pool: E2ePool): Promise<void> {
  await pool.until(async () => (await pool.client.readiness()).ready);
  const before = pool.world.jobs.finished();
  pool.world.jobs.submit({ job: 'demo-job', label: 'small', durationMs: jobMs });
  await pool.until(() => pool.world.jobs.finished() > before);
}

/** Nothing is wanted any more: no job is there, nothing is held, and the stock is whole. */
export async function untilIdle(pool: E2ePool): Promise<void> {
  await pool.until(() => pool.world.jobs.queued() + pool.world.jobs.running() === 0);
  for (const node of await pool.nodes()) if (node.state === 'hold') await pool.client.release(node.id);
  await pool.untilStocked();
}

async function keepBusy(pool: E2ePool, busy: { isOver: boolean }): Promise<void> {
  for (let round = 0; !busy.isOver; round++) {
    if (pool.world.jobs.queued() < 2) pool.world.jobs.submit({ job: 'demo-job', label: 'small', durationMs: jobMs });
    await operate(round, pool).catch(() => undefined);
    await new Promise(resolve => setTimeout(resolve, roundMs));
  }
}

async function operate(round: number, { client }: E2ePool): Promise<void> {
  const nodes = await client.nodes();
  const held = nodes.find(node => node.state === 'hold');
  const ready = nodes.find(node => node.state === 'ready');
  if (held) await client.release(held.id);
  else if (ready && round % 4 === 0) await client.hold(ready.id, { reason: 'to look at it', forMs: null });
  const images = await client.images();
  const building = images.filter(image => image.state === 'building');
  // Both its server and its image are there by then.
  const saved = building.find(image => image.serverId !== null && image.imageId !== null);
  if (saved) await client.deleteImage(saved.id);
  for (const { provider, image } of images) {
    if (!building.some(each => each.provider === provider)) await client.updateImage({ provider, image });
  }
}
