import { randomUUID } from 'node:crypto';
import type { Chance } from '../chance.js';
import type { Disk } from '../disk.js';
import type { Machine, Machines } from '../machines.js';
import type { Timers } from '../timers.js';
import { badRequest, novaError } from './errors.js';
import type { Network, NicOrder } from './network.js';
import type { CloudSettings } from './settings.js';

/** A server of the cloud, from the create call until it is no longer listed. */
export interface SimServer {
  readonly id: string;
  readonly name: string;
  readonly imageId: string;
  readonly flavorId: string;
  readonly zone: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly keyName: string | null;
  /** The key pair's public key, as it was when the server was made. */
  readonly authorizedKey: string | null;
  readonly disk: Disk;
  readonly hasConfigDrive: boolean;
  readonly securityGroups: readonly string[];
  readonly userData: string | null;
  readonly createdAt: number;
  status: 'BUILD' | 'ACTIVE' | 'ERROR';
  taskState: string | null;
  faultMessage: string | null;
  machine: Machine | null;
}

export type ServerOrder = Omit<SimServer, 'id' | 'createdAt' | 'status' | 'taskState' | 'faultMessage' | 'machine'>;

/** Nova's own limit for names and metadata. */
const textLengthMax = 255;

/** The servers of one cloud: quota, life cycle, and how many there were at most. */
export class Servers {
  peakServers = 0;
  peakBuilding = 0;
  /** How many were ever made. */
  created = 0;
  readonly #byId = new Map<string, SimServer>();
  readonly #settings: CloudSettings;
  readonly #chance: Chance;
  readonly #timers: Timers;
  readonly #machines: Machines;
  readonly #network: Network;

  constructor(parts: {
    settings: CloudSettings;
    chance: Chance;
    timers: Timers;
    machines: Machines;
    network: Network;
  }) {
    this.#settings = parts.settings;
    this.#chance = parts.chance;
    this.#timers = parts.timers;
    this.#machines = parts.machines;
    this.#network = parts.network;
    this.#network.whenMoved = id => {
      const server = this.#byId.get(id);
      if (server) this.#moveMachine(server);
    };
  }

  create(order: ServerOrder, nics: readonly NicOrder[]): SimServer {
    this.#refuseBadOrders(order);
    const server: SimServer = {
      ...order,
      id: randomUUID(),
      createdAt: Date.now(),
      status: 'BUILD',
      taskState: 'scheduling',
      faultMessage: null,
      machine: null,
    };
    this.#byId.set(server.id, server);
    this.#network.plug(server.id, nics);
    this.created++;
    this.#notePeaks();
    this.#timers.after(this.#chance.between(this.#settings.bootMs), () => this.#endBuild(server));
    return server;
  }

  /** Answers at once; the server is still listed for a while. Its machine is off from here on. */
  delete(server: SimServer): void {
    if (server.taskState === 'deleting') return;
    server.taskState = 'deleting';
    this.#moveMachine(server);
    this.#timers.after(this.#chance.between(this.#settings.deleteMs), () => {
      this.#network.unplug(server.id);
      this.#byId.delete(server.id);
    });
  }

  get(id: string): SimServer | null {
    return this.#byId.get(id) ?? null;
  }

  all(): readonly SimServer[] {
    return [...this.#byId.values()];
  }

  /** Those that lists show: a new server may be missing for a moment. */
  listed(): readonly SimServer[] {
    const newest = Date.now() - this.#settings.listLagMs;
    return this.all().filter(server => server.createdAt <= newest);
  }

  #refuseBadOrders(order: ServerOrder): void {
    const used = this.#byId.size;
    const quota = this.#settings.maxServers;
    if (used >= quota) {
      const text = `Quota exceeded for instances: Requested 1, but already used ${used} of ${quota} instances`;
      throw novaError('forbidden', 403, text);
    }
    for (const [key, value] of Object.entries(order.metadata)) {
      if (key.length > textLengthMax || value.length > textLengthMax) {
        throw badRequest(`Invalid input for field/attribute ${key}. Value: ${value}. '${value}' is too long`);
      }
    }
    if (this.#chance.happens(this.#settings.createFailureRate)) {
      throw novaError(
        'computeFault',
        500,
        'Unexpected API Error. Please report this at http://bugs.launchpad.net/nova/',
      );
    }
  }

  #endBuild(server: SimServer): void {
    if (server.taskState === 'deleting') return;
    server.taskState = null;
    if (this.#chance.happens(this.#settings.bootFailureRate)) {
      server.status = 'ERROR';
      server.faultMessage = 'No valid host was found. ';
      return;
    }
    server.status = 'ACTIVE';
    this.#network.activate(server.id);
    this.#moveMachine(server);
  }

  /** The machine answers where the server can be reached now, and nowhere else. */
  #moveMachine(server: SimServer): void {
    const isRunning = server.status === 'ACTIVE' && server.taskState !== 'deleting';
    const address = isRunning ? this.#network.outerAddressOf(server.id) : null;
    if (server.machine?.isRunning === true && server.machine.address === address) return;
    if (server.machine) this.#machines.switchOff(server.machine);
    if (address === null) return;
    const { id: serverId, disk, authorizedKey } = server;
    const order = { serverId, address, disk, authorizedKey };
    server.machine = this.#machines.boot(order, this.#chance.between(this.#settings.sshDelayMs));
  }

  #notePeaks(): void {
    this.peakServers = Math.max(this.peakServers, this.#byId.size);
    const building = this.all().filter(server => server.status === 'BUILD').length;
    this.peakBuilding = Math.max(this.peakBuilding, building);
  }
}
