import { json, type Reply, type SimRequest } from '../http/reply.js';
import type { Call } from '../http/site.js';
import { parseObject } from './body.js';
import { badRequest, itemNotFound, novaError } from './errors.js';
import type { Network, SimAddress } from './network.js';

/** Nova's own API of floating IPs: `/os-floating-ips` and the two actions. Its ids are the addresses' own. */
export class FloatingProxy {
  readonly #network: Network;

  constructor(network: Network) {
    this.#network = network;
  }

  callFor(request: SimRequest, path: string): Call {
    const id = path.split('/')[2];
    switch (`${request.method} ${id === undefined ? 'ALL' : 'ID'}`) {
      case 'GET ALL':
        return { operation: 'listAddresses', run: () => this.#list() };
      case 'POST ALL':
        return { operation: 'createAddress', run: () => this.#create(request) };
      case 'GET ID':
        return { operation: 'getAddress', run: () => json(200, { floating_ip: this.#view(this.#address(id ?? '')) }) };
      case 'DELETE ID':
        return { operation: 'deleteAddress', run: () => this.#release(this.#address(id ?? '')) };
      default:
        return { operation: 'unknown', run: () => Promise.reject(itemNotFound('The resource could not be found.')) };
    }
  }

  add(serverId: string, ip: string): Reply {
    const [port] = this.#network.portsOf(serverId);
    if (!port) throw badRequest('Instance network is not ready yet');
    this.#network.attach(this.#at(ip), port);
    return { status: 202 };
  }

  remove(ip: string): Reply {
    this.#network.attach(this.#at(ip), null);
    return { status: 202 };
  }

  #list(): Reply {
    return json(200, { floating_ips: [...this.#network.addresses.values()].map(address => this.#view(address)) });
  }

  #create(request: SimRequest): Reply {
    const { pool = null } = parseObject(request.body) as { pool?: string | null };
    const network = this.#network.external(pool);
    if (!network) throw itemNotFound('Floating IP pool not found.');
    if (this.#network.isFull) throw novaError('forbidden', 403, 'Maximum number of floating IPs exceeded');
    return json(200, { floating_ip: this.#view(this.#network.allocate(network.id, '')) });
  }

  #release(address: SimAddress): Reply {
    this.#network.release(address);
    return { status: 202 };
  }

  #address(id: string): SimAddress {
    const address = this.#network.addresses.get(id);
    if (!address) throw itemNotFound(`Floating IP not found for ID ${id}`);
    return address;
  }

  #at(ip: string): SimAddress {
    const address = [...this.#network.addresses.values()].find(each => each.ip === ip);
    if (!address) throw itemNotFound('floating IP not found');
    return address;
  }

  #view(address: SimAddress): object {
    const port = address.portId === null ? null : (this.#network.ports.get(address.portId) ?? null);
    return {
      id: address.id,
      ip: address.ip,
      fixed_ip: port?.ip ?? null,
      instance_id: port?.serverId ?? null,
      pool: this.#network.nameOf(address.networkId),
    };
  }
}
