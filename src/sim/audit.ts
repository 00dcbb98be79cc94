/** Compares a simulated world with the rows of the daemon that lives in it. */
import type { NodeView } from '../ports/control.js';
import type { World } from './world.js';

export interface Leaks {
  readonly servers: readonly string[];
  readonly slaves: readonly string[];
}

/**
 * What is in the world without a row. The world is looked at before the rows are read, because a row is there before
 * what it stands for; what a delete takes away meanwhile is gone at the second look.
 */
export async function findLeaks(world: World, readRows: () => Promise<readonly NodeView[]>): Promise<Leaks> {
  const before = contents(world);
  const names = new Set((await readRows()).flatMap(row => [row.hostname, row.nodename]));
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
