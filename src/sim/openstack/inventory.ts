import { randomUUID } from 'node:crypto';
import { Keypairs } from './keypairs.js';
import { usualFlavors, type CloudOptions } from './settings.js';

export interface SimFlavor {
  readonly id: string;
  readonly name: string;
  readonly ramMb: number;
  readonly cores: number;
}

export interface SimNetwork {
  readonly id: string;
  readonly name: string;
  readonly isExternal: boolean;
}

/** What servers are made from, but for images. */
export class Inventory {
  readonly flavors: readonly SimFlavor[];
  readonly zones: readonly string[];
  readonly networks: readonly SimNetwork[];
  readonly securityGroups: readonly string[];
  readonly keypairs: Keypairs;

  constructor(options: CloudOptions) {
    this.flavors = (options.flavors ?? usualFlavors).map((flavor, index) => ({
      ...flavor,
      id: String(index + 1),
      cores: Math.max(1, Math.round(flavor.ramMb / 2048)),
    }));
    this.zones = options.zones?.length ? options.zones : ['nova'];
    const own = options.networks?.length ? options.networks : [{ id: randomUUID(), name: 'public' }];
    const pools = options.pools ?? ['ext'];
    this.networks = [
      ...own.map(network => ({ ...network, isExternal: false })),
      ...pools.map(name => ({ id: randomUUID(), name, isExternal: true })),
    ];
    this.securityGroups = ['default', ...(options.securityGroups ?? [])];
    this.keypairs = new Keypairs(options.keypairs);
  }

  flavor(id: string): SimFlavor | null {
    return this.flavors.find(flavor => flavor.id === id) ?? null;
  }
}
