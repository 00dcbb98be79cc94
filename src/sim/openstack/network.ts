import { randomUUID } from 'node:crypto';
import type { Machines } from '../machines.js';
import { badRequest, novaError } from './errors.js';
import type { SimNetwork } from './inventory.js';
import type { CloudSettings } from './settings.js';

/** What ties a server to a network. */
export interface SimPort {
  readonly id: string;
  readonly networkId: string;
  readonly name: string;
  readonly description: string;
  readonly ip: string;
  /** Made by Nova for one server, and going with it. */
  readonly isNovas: boolean;
  serverId: string | null;
  status: 'DOWN' | 'ACTIVE';
}

/** A floating IP. */
export interface SimAddress {
  readonly id: string;
  readonly ip: string;
  readonly networkId: string;
  readonly description: string;
  portId: string | null;
}

/** One NIC of an order for a server. */
export interface NicOrder {
  readonly uuid?: string;
  readonly port?: string;
  readonly fixed_ip?: string;
}

/** The project's ports and floating IPs. What is reached from outside is an address of the world's block. */
export class Network {
  readonly ports = new Map<string, SimPort>();
  readonly addresses = new Map<string, SimAddress>();
  /** Told of each server that may be reached at another address from now on. */
  whenMoved: (serverId: string) => void = () => {};
  readonly #networks: readonly SimNetwork[];
  readonly #settings: CloudSettings;
  readonly #machines: Machines;
  #fixedGiven = 0;

  constructor(parts: { networks: readonly SimNetwork[]; settings: CloudSettings; machines: Machines }) {
    this.#networks = parts.networks;
    this.#settings = parts.settings;
    this.#machines = parts.machines;
  }

  /** The networks of an order, or the refusal of it; nothing is made yet. */
  check(wanted: 'auto' | 'none' | readonly NicOrder[] | undefined): readonly NicOrder[] {
    if (wanted === 'none') return [];
    const own = this.#networks.filter(network => !network.isExternal);
    if (wanted === undefined || wanted === 'auto' || wanted.length === 0) {
      if (own.length > 1) {
        throw novaError(
          'conflictingRequest',
          409,
          'Multiple possible networks found, use a Network ID to be more specific.',
        );
      }
      return own.map(({ id }) => ({ uuid: id }));
    }
    for (const { uuid, port } of wanted) {
      if (port !== undefined) {
        const found = this.ports.get(port);
        if (!found) throw badRequest(`Port id ${port} could not be found.`);
        if (found.serverId !== null) throw novaError('conflictingRequest', 409, `Port ${port} is still in use.`);
      } else if (!this.#networks.some(network => network.id === uuid)) {
        throw badRequest(`Network ${uuid ?? ''} could not be found.`);
      }
    }
    return wanted;
  }

  /** Gives a new server its ports. */
  plug(serverId: string, nics: readonly NicOrder[]): void {
    for (const [index, { uuid, port, fixed_ip: fixedIp }] of nics.entries()) {
      const existing = port === undefined ? undefined : this.ports.get(port);
      if (existing) existing.serverId = serverId;
      else {
        // The first of its addresses is the one that can be reached, where servers have such addresses.
        const isReachable = this.#settings.addressing === 'fixed' && index === 0;
        const ip = fixedIp ?? (isReachable ? this.#machines.reserve() : this.#nextFixed());
        this.#add({ networkId: uuid ?? '', name: '', description: '', ip, isNovas: true, serverId });
      }
    }
  }

  /** The server runs: its ports do too. */
  activate(serverId: string): void {
    for (const port of this.portsOf(serverId)) port.status = 'ACTIVE';
  }

  /** The server is gone: so are the ports that Nova made, but not its floating IPs. */
  unplug(serverId: string): void {
    for (const port of this.portsOf(serverId)) {
      if (port.isNovas) this.deletePort(port.id);
      else {
        port.serverId = null;
        port.status = 'DOWN';
      }
    }
  }

  portsOf(serverId: string): SimPort[] {
    return [...this.ports.values()].filter(port => port.serverId === serverId);
  }

  createPort(order: { networkId: string; name: string; description: string }): SimPort {
    return this.#add({ ...order, ip: this.#nextFixed(), isNovas: false, serverId: null });
  }

  deletePort(id: string): void {
    const port = this.ports.get(id);
    if (!port) return;
    this.ports.delete(id);
    this.#machines.free(port.ip);
    for (const address of this.addresses.values()) if (address.portId === id) address.portId = null;
  }

  addressesOf(port: SimPort): SimAddress[] {
    return [...this.addresses.values()].filter(address => address.portId === port.id);
  }

  /** Where the server can be reached from outside; null: nowhere. */
  outerAddressOf(serverId: string): string | null {
    const ports = this.portsOf(serverId);
    if (this.#settings.addressing === 'fixed') return ports[0]?.ip ?? null;
    return ports.flatMap(port => this.addressesOf(port))[0]?.ip ?? null;
  }

  nameOf(networkId: string): string {
    return this.#networks.find(network => network.id === networkId)?.name ?? networkId;
  }

  /** An external network by its name or id; any of them for null. */
  external(pool: string | null): SimNetwork | null {
    return (
      this.#networks.find(
        network => network.isExternal && (pool === null || network.name === pool || network.id === pool),
      ) ?? null
    );
  }

  /** Whether the quota of floating IPs is used up. */
  get isFull(): boolean {
    return this.addresses.size >= this.#settings.maxAddresses;
  }

  allocate(networkId: string, description: string): SimAddress {
    const id = randomUUID();
    const address: SimAddress = { id, ip: this.#machines.reserve(), networkId, description, portId: null };
    this.addresses.set(id, address);
    return address;
  }

  /** To a port, or from the one it has. */
  attach(address: SimAddress, port: SimPort | null): void {
    const before = address.portId === null ? null : (this.ports.get(address.portId) ?? null);
    address.portId = port?.id ?? null;
    for (const serverId of [before?.serverId, port?.serverId]) if (serverId) this.whenMoved(serverId);
  }

  release(address: SimAddress): void {
    this.attach(address, null);
    this.addresses.delete(address.id);
    this.#machines.free(address.ip);
  }

  #add(port: Omit<SimPort, 'id' | 'status'>): SimPort {
    const made: SimPort = { ...port, id: randomUUID(), status: 'DOWN' };
    this.ports.set(made.id, made);
    return made;
  }

  #nextFixed(): string {
    const index = this.#fixedGiven++;
    return `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${(index & 255) + 1}`;
  }
}
