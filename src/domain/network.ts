/** To which networks of the cloud a provider's machines are connected (reference 14.4). */
import { Fault } from './fault.js';
import type { NetworkId } from './ids.js';
import { namesSaid } from './names.js';
import type { Network, Provider } from './pool-config.js';

/** As `ports/cloud` has it. */
export interface OfferedNetwork {
  readonly id: NetworkId;
  readonly name: string;
}

/** One interface of a machine. */
export interface Interface {
  readonly id: string | null;
  readonly portId: string | null;
  readonly fixedIp: string | null;
}

/** Ids go to the cloud as they are; a name is looked up. */
export function isNamed({ id, name, portId }: Network): boolean {
  return id === null && portId === null && name !== null;
}

/** In the order of the configuration, one interface each. */
export function networksOf(
  offered: readonly OfferedNetwork[],
  { name: provider, networks }: Pick<Provider, 'name' | 'networks'>,
): readonly Interface[] | Fault {
  const found: Interface[] = [];
  for (const network of networks) {
    const { id, portId, fixedIp, name } = network;
    if (!isNamed(network)) {
      found.push({ id, portId, fixedIp });
      continue;
    }
    const [match, second] = offered.filter(each => each.name === name);
    if (!match) {
      const names = namesSaid(offered.map(each => each.name));
      return new Fault('cloud.no-network', `${provider} has no network ${name}; it has ${names}`);
    }
    if (second) {
      return new Fault('cloud.no-network', `${provider} has several networks named ${name}; name one by its net-id`);
    }
    found.push({ id: match.id, portId, fixedIp });
  }
  return found;
}
