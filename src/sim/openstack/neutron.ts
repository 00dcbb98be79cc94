import { json, type Reply, type SimRequest } from '../http/reply.js';
import type { Call } from '../http/site.js';
import { parseObject } from './body.js';
import { neutronError } from './errors.js';
import type { SimNetwork } from './inventory.js';
import type { Network, SimAddress, SimPort } from './network.js';
import { pageOf } from './paging.js';
import type { CloudSettings } from './settings.js';

interface NeutronParts {
  readonly network: Network;
  readonly networks: readonly SimNetwork[];
  readonly settings: CloudSettings;
  readonly projectId: string;
}

/** The network service, v2.0. */
export class Neutron {
  readonly #parts: NeutronParts;

  constructor(parts: NeutronParts) {
    this.#parts = parts;
  }

  /** `endpoint` is the part of the address before `path`; links in answers begin with it. */
  callFor(request: SimRequest, { endpoint, path }: { endpoint: string; path: string }): Call {
    const [, kind = '', id] = path.split('/');
    const place = `${endpoint}/${kind}`;
    switch (`${request.method} /${kind}${id === undefined ? '' : '/ID'}`) {
      case 'GET /networks':
        return { operation: 'listNetworks', run: () => this.#networks(request, place) };
      case 'GET /ports':
        return { operation: 'listPorts', run: () => this.#ports(request, place) };
      case 'POST /ports':
        return { operation: 'createPort', run: () => this.#createPort(request) };
      case 'DELETE /ports/ID':
        return { operation: 'deletePort', run: () => this.#deletePort(id ?? '') };
      case 'GET /floatingips':
        return { operation: 'listAddresses', run: () => this.#addresses(request, place) };
      case 'POST /floatingips':
        return { operation: 'createAddress', run: () => this.#createAddress(request) };
      case 'PUT /floatingips/ID':
        return { operation: 'attachAddress', run: () => this.#attach(request, this.#address(id ?? '')) };
      case 'DELETE /floatingips/ID':
        return { operation: 'deleteAddress', run: () => this.#release(this.#address(id ?? '')) };
      case 'GET /quotas/ID':
        return { operation: 'getNetworkQuota', run: () => this.#quota(path) };
      default:
        return {
          operation: 'unknown',
          run: () => {
            throw neutronError('HTTPNotFound', 404, 'The resource could not be found.');
          },
        };
    }
  }

  #networks(request: SimRequest, place: string): Reply {
    const networks = this.#parts.networks.map(({ id, name, isExternal }) => ({
      id,
      name,
      status: 'ACTIVE',
      admin_state_up: true,
      shared: true,
      'router:external': isExternal,
      subnets: [],
    }));
    return this.#page(networks, { request, place, kind: 'networks' });
  }

  #ports(request: SimRequest, place: string): Reply {
    const device = request.query.get('device_id');
    const ports = this.#isOwn(request) ? [...this.#parts.network.ports.values()] : [];
    const found = ports.filter(port => device === null || port.serverId === device);
    return this.#page(
      found.map(port => this.#portView(port)),
      { request, place, kind: 'ports' },
    );
  }

  #createPort(request: SimRequest): Reply {
    const { port } = parseObject(request.body) as { port?: Partial<Record<string, string>> };
    const networkId = port?.['network_id'] ?? '';
    if (!this.#parts.networks.some(network => network.id === networkId)) {
      throw neutronError('NetworkNotFound', 404, `Network ${networkId} could not be found.`);
    }
    const order = { networkId, name: port?.['name'] ?? '', description: port?.['description'] ?? '' };
    return json(201, { port: this.#portView(this.#parts.network.createPort(order)) });
  }

  #deletePort(id: string): Reply {
    if (!this.#parts.network.ports.has(id)) throw neutronError('PortNotFound', 404, `Port ${id} could not be found.`);
    this.#parts.network.deletePort(id);
    return { status: 204 };
  }

  #addresses(request: SimRequest, place: string): Reply {
    const addresses = this.#isOwn(request) ? [...this.#parts.network.addresses.values()] : [];
    return this.#page(
      addresses.map(address => this.#addressView(address)),
      { request, place, kind: 'floatingips' },
    );
  }

  #createAddress(request: SimRequest): Reply {
    const { floatingip } = parseObject(request.body) as { floatingip?: Partial<Record<string, string | null>> };
    const { network } = this.#parts;
    const pool = network.external(floatingip?.['floating_network_id'] ?? '');
    if (!pool) {
      const message = `Invalid input for operation: Network ${String(floatingip?.['floating_network_id'])} is not a valid external network.`;
      throw neutronError('BadRequest', 400, message);
    }
    const port = this.#portOf(floatingip?.['port_id']);
    if (network.isFull) throw neutronError('OverQuota', 409, "Quota exceeded for resources: ['floatingip'].");
    const address = network.allocate(pool.id, floatingip?.['description'] ?? '');
    network.attach(address, port);
    return json(201, { floatingip: this.#addressView(address) });
  }

  #attach(request: SimRequest, address: SimAddress): Reply {
    const { floatingip } = parseObject(request.body) as { floatingip?: Partial<Record<string, string | null>> };
    this.#parts.network.attach(address, this.#portOf(floatingip?.['port_id']));
    return json(200, { floatingip: this.#addressView(address) });
  }

  #release(address: SimAddress): Reply {
    this.#parts.network.release(address);
    return { status: 204 };
  }

  #quota(path: string): Reply {
    const { settings, network } = this.#parts;
    const max = Number.isFinite(settings.maxAddresses) ? settings.maxAddresses : -1;
    if (!path.endsWith('/details.json')) return json(200, { quota: { floatingip: max, port: -1 } });
    const used = (count: number, limit: number): object => ({ limit, used: count, reserved: 0 });
    return json(200, { quota: { floatingip: used(network.addresses.size, max), port: used(network.ports.size, -1) } });
  }

  #portOf(id: string | null | undefined): SimPort | null {
    if (id === null || id === undefined) return null;
    const port = this.#parts.network.ports.get(id);
    if (!port) throw neutronError('PortNotFound', 404, `Port ${id} could not be found.`);
    return port;
  }

  #address(id: string): SimAddress {
    const address = this.#parts.network.addresses.get(id);
    if (!address) throw neutronError('FloatingIPNotFound', 404, `Floating IP ${id} could not be found`);
    return address;
  }

  /** Everything here belongs to one project. */
  #isOwn(request: SimRequest): boolean {
    const project = request.query.get('tenant_id') ?? request.query.get('project_id');
    return project === null || project === this.#parts.projectId;
  }

  #page<Item extends { readonly id: string }>(
    all: readonly Item[],
    { request, place, kind }: { request: SimRequest; place: string; kind: string },
  ): Reply {
    const { items, next } = pageOf(all, {
      query: request.query,
      sizeMax: this.#parts.settings.pageSize,
      unknownMarker: id => neutronError('MarkerNotFound', 404, `The marker ${id} could not be found.`),
    });
    const links = next ? { [`${kind}_links`]: [{ rel: 'next', href: `${place}?${next.toString()}` }] } : {};
    return json(200, { [kind]: items, ...links });
  }

  #portView(port: SimPort) {
    const { projectId } = this.#parts;
    return {
      id: port.id,
      name: port.name,
      description: port.description,
      network_id: port.networkId,
      tenant_id: projectId,
      project_id: projectId,
      device_id: port.serverId ?? '',
      device_owner: port.serverId === null ? '' : 'compute:nova',
      status: port.status,
      admin_state_up: true,
      fixed_ips: [{ subnet_id: `subnet-of-${port.networkId}`, ip_address: port.ip }],
      security_groups: [],
    };
  }

  #addressView(address: SimAddress) {
    const { projectId, network } = this.#parts;
    const port = address.portId === null ? null : (network.ports.get(address.portId) ?? null);
    return {
      id: address.id,
      floating_ip_address: address.ip,
      floating_network_id: address.networkId,
      fixed_ip_address: port?.ip ?? null,
      port_id: port?.id ?? null,
      port_details:
        port === null
          ? null
          : { device_id: port.serverId ?? '', device_owner: port.serverId === null ? '' : 'compute:nova' },
      router_id: null,
      description: address.description,
      status: 'DOWN',
      tenant_id: projectId,
      project_id: projectId,
      tags: [],
    };
  }
}
