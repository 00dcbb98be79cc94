/** Work for a pool that does not end: jobs, and an operator who holds and releases. */
import type { E2ePool } from './e2e-pool.js';

const roundMs = 50;
const jobMs = 50;

/** What an operator does besides, in each round. */
type Operate = (pool: E2ePool) => Promise<void>;

/** The daemon may be gone at any moment; whatever was asked of it then is asked again in the next round. */
export async function whileBusy<T>(pool: E2ePool, work: () => Promise<T>, operate?: Operate): Promise<T> {
  const busy = { isOver: false };
  const rounds = keepBusy(pool, busy, operate);
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
  // A hold that the database had lost comes back with its actor's knowledge of it.
  await pool.until(async () => {
    const held = (await pool.nodes()).filter(node => node.state === 'hold');
    for (const { id } of held) await pool.client.release(id).catch(() => undefined);
    return held.length === 0 && (await pool.isStocked());
  });
}

async function keepBusy(pool: E2ePool, busy: { isOver: boolean }, operate?: Operate): Promise<void> {
  for (let round = 0; !busy.isOver; round++) {
    if (pool.world.jobs.queued() < 2) pool.world.jobs.submit({ job: 'demo-job', label: 'small', durationMs: jobMs });
    await Promise.allSettled([holdOrRelease(round, pool), operate?.(pool)]);
    await new Promise(resolve => setTimeout(resolve, roundMs));
  }
}

async function holdOrRelease(round: number, { client }: E2ePool): Promise<void> {
  const nodes = await client.nodes();
  const held = nodes.find(node => node.state === 'hold');
  const ready = nodes.find(node => node.state === 'ready');
  if (held) await client.release(held.id);
  else if (ready && round % 4 === 0) await client.hold(ready.id, { reason: 'to look at it', forMs: null });
}
