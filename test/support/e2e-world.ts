/** Simulated worlds for the real programs. */
import { startWorld, type World, type WorldOptions } from '../../src/sim/world.js';
import type { CloudOptions } from '../../src/sim/openstack/settings.js';

export const imageName = 'ubuntu-14.04';

export interface Surroundings {
  /** Further traits of each cloud, by name. */
  readonly clouds: Readonly<Record<string, Omit<CloudOptions, 'name' | 'images'>>>;
  readonly masters?: readonly string[];
  readonly jobs?: readonly string[];
  readonly gearman?: WorldOptions['gearman'];
  readonly usernames?: WorldOptions['usernames'];
  readonly seed?: number;
}

export function startSurroundings(wanted: Surroundings): Promise<World> {
  const { clouds, masters = ['jenkins01'], jobs, gearman, usernames, seed } = wanted;
  return startWorld({
    clouds: Object.entries(clouds).map(([name, traits]) => ({ name, images: [imageName], ...traits })),
    masters: masters.map(name => ({ name })),
    ...(jobs === undefined ? {} : { jobs }),
    ...(gearman === undefined ? {} : { gearman }),
    ...(usernames === undefined ? {} : { usernames }),
    ...(seed === undefined ? {} : { seed }),
  });
}
