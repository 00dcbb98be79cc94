/** Between the processes of this machine. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

const pollMs = 25;

/**
 * Runs work while no other process on this machine does the same for that place. Who is inside listens on an abstract
 * Unix socket (Linux): the kernel gives a name to one process only, and takes it back when that process dies.
 */
export async function oneAtATime<T>(place: string, withinMs: number, work: () => Promise<T>): Promise<T> {
  const name = `\0nodepool-${createHash('sha256').update(place).digest('hex').slice(0, 32)}`;
  const deadline = Date.now() + withinMs;
  let held = await take(name);
  while (held === null) {
    if (Date.now() > deadline) throw new Error(`another process has been busy with ${place} for ${withinMs / 1000} s`);
    await delay(pollMs);
    held = await take(name);
  }
  try {
    return await work();
  } finally {
    const closed = once(held, 'close');
    held.close();
    await closed;
  }
}

async function take(name: string): Promise<Server | null> {
  const server = createServer(stranger => stranger.destroy()).listen(name);
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return null;
    throw error;
  }
}
