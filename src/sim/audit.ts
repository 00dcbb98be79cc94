/** Compares a simulated world with the rows of the daemon that lives in it. */
import type { World } from './world.js';

/** A row by the names of what it stands for. */
export interface NamedRow {
  readonly hostname: string | null;
  readonly nodename?: string | null;
}

export interface Leaks {
  readonly servers: readonly string[];
  readonly slaves: readonly string[];
}

/**
 * What is in the world without a row. The world is looked at before the rows are read, because a row is there before
 * what it stands for; what a delete takes away meanwhile is gone at the second look.
 */
export async function findLeaks(world: World, readRows: () => Promise<readonly NamedRow[]>): Promise<Leaks> {
  const before = contents(world);
  const names = new Set((await readRows()).flatMap(row => [row.hostname, row.nodename ?? null]));
  const after = contents(world);
  const isLeaked = (name: string): boolean => !names.has(name);
  return {
    servers: before.servers.filter(name => isLeaked(name) && after.servers.includes(name)),
    slaves: before.slaves.filter(name => isLeaked(name) && after.slaves.includes(name)),
  };
}

function contents(world: World): Leaks {
  const { servers, slaves } = world.judge();
  return {
    servers: servers.filter(server => server.taskState !== 'deleting').map(server => server.name),
    slaves: slaves.filter(slave => slave.hasNode).map(slave => slave.name),
  };
}
