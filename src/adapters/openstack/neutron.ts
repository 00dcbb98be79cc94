import { Fault } from '../../domain/fault.js';
import { addressId, networkId, portId, serverId, tag, type AddressId, type PortId } from '../../domain/ids.js';
import type { ServerId, Tag } from '../../domain/ids.js';
import type { AddressWish, CloudAddress, CloudNetwork, CloudPortOfNetwork, QuotaFigure } from '../../ports/cloud.js';
import type { FloatingAddresses } from './addresses.js';
import { networkUrl } from './catalog.js';
import type { Deadline } from './deadline.js';
import { idText, jsonListOrEmpty, jsonObject, jsonObjectOrEmpty, text, textOrNull, type Json } from './decode.js';
import { assertGood, faultOf, jsonOf, neutronErrorOf } from './faults.js';
import type { HttpAnswer } from './http.js';
import { limitOf } from './limits.js';
import { Service } from './service.js';
import type { Session } from './session.js';

/** Our mark in a description. The id of the tag follows; anything else was written by somebody else. */
const MARK = 'nodepool_tag=';

/** The network service, v2.0: networks, ports and floating IPs. */
export class Neutron implements FloatingAddresses {
  readonly #service: Service;

  constructor(session: Session, region: string | null) {
    this.#service = new Service(session, { type: 'network', name: null, region }, networkUrl);
  }

  /** False for clouds of 2014 whose networks are Nova's own. */
  isOffered(deadline: Deadline): Promise<boolean> {
    return this.#service.isOffered(deadline);
  }

  listNetworks(deadline: Deadline): Promise<readonly CloudNetwork[]> {
    return this.#service.list({ path: '/networks', kind: 'networks' }, decodeNetwork, deadline);
  }

  /** A port of a router or of a DHCP server is nobody's to delete here. */
  async listPorts(deadline: Deadline): Promise<readonly CloudPortOfNetwork[]> {
    return (await this.#ports('', deadline))
      .filter(port => port.isOfServers)
      .map(({ id, serverId, name, status, tag }) => ({ id, serverId, name, status, tag }));
  }

  deletePort(id: PortId, deadline: Deadline): Promise<void> {
    return this.#service.delete(`/ports/${encodeURIComponent(id)}`, deadline);
  }

  /**
   * Made with its port and its mark in one request, so that there is no moment in which it belongs to nobody. A server
   * may have ports on networks that no router connects to the outside: each is tried.
   */
  async createAddress(wish: AddressWish, deadline: Deadline): Promise<CloudAddress> {
    const network = await this.#externalNetwork(wish.pool, deadline);
    const refusals: Fault[] = [];
    for (const port of await this.#portsOf(wish.server, deadline)) {
      const order = { floating_network_id: network.id, port_id: port.id };
      const answer = await this.#orderAddress(order, wish.tag, deadline);
      if (isOtherPortWanted(answer)) refusals.push(faultOf(answer));
      else {
        const { id, ip } = createdAddress(jsonOf(answer)['floatingip']);
        return { id, ip, serverId: wish.server, tag: wish.tag };
      }
    }
    throw new Fault(
      'cloud.no-address',
      refusals.length === 0
        ? `server ${wish.server} has no port yet that a floating IP could be attached to`
        : `no port of server ${wish.server} is reachable from ${network.name}: ${refusals[0]?.message}`,
    );
  }

  async attachAddress(id: AddressId, server: ServerId, deadline: Deadline): Promise<void> {
    for (const port of await this.#portsOf(server, deadline)) {
      const floatingip = { port_id: port.id };
      const answer = await this.#service.send('PUT', addressPath(id), deadline, { floatingip });
      if (isOtherPortWanted(answer)) continue;
      assertGood(answer);
      return;
    }
    throw new Fault('cloud.no-address', `server ${server} has no port that address ${id} could be attached to`);
  }

  async listAddresses(deadline: Deadline): Promise<readonly CloudAddress[]> {
    const path = `/floatingips${await this.#ofProject(deadline)}`;
    const addresses = await this.#service.list({ path, kind: 'floatingips' }, decodeAddress, deadline);
    // A Neutron without port details names the port alone.
    const isPortNeeded = addresses.some(address => address.serverId === null && address.portId !== null);
    const ports = isPortNeeded ? await this.#ports('', deadline) : [];
    const serverOf = new Map(ports.map(port => [port.id, port.serverId]));
    return addresses.map(({ id, ip, tag, serverId, portId }) => {
      return { id, ip, tag, serverId: serverId ?? (portId === null ? null : (serverOf.get(portId) ?? null)) };
    });
  }

  deleteAddress(id: AddressId, deadline: Deadline): Promise<void> {
    return this.#service.delete(addressPath(id), deadline);
  }

  /** Null: this Neutron does not say. The extension with the used figures came in 2017. */
  async addressQuota(deadline: Deadline): Promise<QuotaFigure | null> {
    const project = await this.#service.projectId(deadline);
    if (project === null) return null;
    const path = `/quotas/${encodeURIComponent(project)}`;
    const details = await this.#quota(`${path}/details.json`, deadline);
    if (details !== null) {
      const figure = jsonObjectOrEmpty(details['floatingip'], 'quota.floatingip');
      const used = figure['used'];
      return typeof used === 'number' ? { used, max: limitOf(figure['limit']) } : null;
    }
    const plain = await this.#quota(path, deadline);
    if (plain === null) return null;
    return { used: (await this.listAddresses(deadline)).length, max: limitOf(plain['floatingip']) };
  }

  async #quota(path: string, deadline: Deadline): Promise<Json | null> {
    const answer = await this.#service.send('GET', path, deadline);
    if (answer.status === 404 || answer.status === 403) return null;
    return jsonObject(jsonOf(answer)['quota'], 'quota');
  }

  async #externalNetwork(pool: string | null, deadline: Deadline): Promise<CloudNetwork> {
    const external = (await this.listNetworks(deadline)).filter(network => network.isExternal);
    const found = pool === null ? external[0] : external.find(({ id, name }) => id === pool || name === pool);
    if (found !== undefined) return found;
    const names = external.map(({ name }) => name).join(', ') || 'none';
    throw new Fault(
      'cloud.no-address',
      pool === null
        ? 'the cloud has no external network that floating IPs could come from'
        : `the cloud has no external network ${pool}; its external networks: ${names}`,
    );
  }

  /** Those with an IPv4 address: a floating IP stands before no other. */
  async #portsOf(server: ServerId, deadline: Deadline): Promise<readonly Port[]> {
    const ports = await this.#ports(`device_id=${encodeURIComponent(server)}`, deadline);
    return ports.filter(port => port.hasIpv4);
  }

  async #ports(filter: string, deadline: Deadline): Promise<readonly Port[]> {
    const project = await this.#ofProject(deadline);
    const query = filter === '' ? project : `${project === '' ? '?' : `${project}&`}${filter}`;
    return this.#service.list({ path: `/ports${query}`, kind: 'ports' }, decodePort, deadline);
  }

  /** Neutron shows an administrator the things of all projects, and a user those of shared networks. */
  async #ofProject(deadline: Deadline): Promise<string> {
    const project = await this.#service.projectId(deadline);
    return project === null ? '' : `?tenant_id=${encodeURIComponent(project)}`;
  }

  async #orderAddress(order: Json, mark: Tag, deadline: Deadline): Promise<HttpAnswer> {
    const marked = { ...order, description: MARK + mark };
    const answer = await this.#service.send('POST', '/floatingips', deadline, { floatingip: marked });
    // A Neutron of 2014 knows no descriptions, and says so before it does anything.
    if (answer.status !== 400 || !/unrecognized attribute/i.test(answer.text)) return answer;
    return this.#service.send('POST', '/floatingips', deadline, { floatingip: order });
  }
}

function addressPath(id: AddressId): string {
  return `/floatingips/${encodeURIComponent(id)}`;
}

/** The external network cannot be reached from this port's subnet; from another's perhaps. */
function isOtherPortWanted(answer: HttpAnswer): boolean {
  return neutronErrorOf(answer) === 'ExternalGatewayForFloatingIPNotFound';
}

interface Port extends CloudPortOfNetwork {
  readonly hasIpv4: boolean;
  /** Of a server, or for one: not of a router. */
  readonly isOfServers: boolean;
}

function decodePort(value: unknown): Port {
  const port = jsonObject(value, 'port');
  const id = portId(idText(port['id'], 'port.id'));
  const where = `port ${id}`;
  const addresses = jsonListOrEmpty(port['fixed_ips'], `${where}: fixed_ips`);
  const owner = ownerOf(port, where);
  return {
    id,
    serverId: deviceOf(port, where),
    isOfServers: owner === '' || owner.startsWith('compute:'),
    name: textOrNull(port['name'], `${where}: name`) ?? '',
    status: (textOrNull(port['status'], `${where}: status`) ?? 'UNKNOWN').toUpperCase(),
    tag: markOf(port, where),
    hasIpv4: addresses.some(each => String(jsonObject(each, where)['ip_address']).includes('.')),
  };
}

/** Ports of routers and of DHCP have a device too. */
function deviceOf(port: Json, where: string): ServerId | null {
  const owner = ownerOf(port, where);
  const device = textOrNull(port['device_id'], `${where}: device_id`) ?? '';
  return device !== '' && (owner === '' || owner.startsWith('compute:')) ? serverId(device) : null;
}

function ownerOf(port: Json, where: string): string {
  return textOrNull(port['device_owner'], `${where}: device_owner`) ?? '';
}

function decodeNetwork(value: unknown): CloudNetwork {
  const network = jsonObject(value, 'network');
  const id = networkId(idText(network['id'], 'network.id'));
  return {
    id,
    name: textOrNull(network['name'], `network ${id}: name`) ?? '',
    isExternal: network['router:external'] === true,
  };
}

function decodeAddress(value: unknown): CloudAddress & { readonly portId: PortId | null } {
  const address = jsonObject(value, 'floatingip');
  const id = addressId(idText(address['id'], 'floatingip.id'));
  const where = `address ${id}`;
  const port = textOrNull(address['port_id'], `${where}: port_id`);
  const details = jsonObjectOrEmpty(address['port_details'], `${where}: port_details`);
  return {
    id,
    ip: text(address['floating_ip_address'], `${where}: floating_ip_address`),
    serverId: deviceOf(details, where),
    tag: markOf(address, where),
    portId: port === null ? null : portId(port),
  };
}

/** Accepted, and unreadable: there is one, so it must not look like a refusal. */
function createdAddress(value: unknown): CloudAddress {
  try {
    return decodeAddress(value);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Fault('cloud.error', `the address was made, but: ${message}`, { cause: error });
  }
}

function markOf(thing: Json, where: string): Tag | null {
  const description = textOrNull(thing['description'], `${where}: description`) ?? '';
  return description.startsWith(MARK) ? tag(description.slice(MARK.length)) : null;
}
