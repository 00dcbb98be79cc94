import { connect, createServer, type Server, type Socket } from 'node:net';
import type { Disk } from './disk.js';
import { listen, stopListening } from './listen.js';
import type { Timers } from './timers.js';

/** A running virtual machine: an address of its own, and after a while an SSH port on it. */
export interface Machine {
  readonly address: string;
  readonly serverId: string;
  isRunning: boolean;
  isReachable: boolean;
  /** Jobs of the queue that ever started on it: more than one is what a single-use pool must never do. */
  jobsStarted: number;
  readonly disk: Disk;
  /** Of the key pair that its server was made with: it lets root in. */
  readonly authorizedKey: string | null;
  /** Called once, when it is switched off. */
  readonly whenGone: Set<() => void>;
}

/** Second bytes of the addresses a world may take; 127.20 and 127.21 are left to a real OpenStack on the same host. */
const blocks = { first: 64, count: 190 } as const;
/** The port on the block's last address that marks the block as taken. */
const claimPort = 22999;
/** Below the ports that outgoing connections are given. */
const sshPorts = { first: 20_000, count: 2_900 } as const;
const addressesPerBlock = 250 * 250;

/** All machines of a world, and the block of loopback addresses that is theirs alone. */
export class Machines {
  readonly sshPort: number;
  readonly #block: string;
  readonly #claim: Server;
  readonly #timers: Timers;
  readonly #greet: (socket: Socket, machine: Machine) => void;
  readonly #byAddress = new Map<string, Machine>();
  readonly #listeners = new Map<string, Server>();
  readonly #sockets = new Map<string, Set<Socket>>();
  /** Given out, whether or not a machine answers there. */
  readonly #reserved = new Set<string>();
  #addressesGiven = 0;

  private constructor(parts: {
    claim: Claim;
    sshPort: number;
    timers: Timers;
    greet: (socket: Socket, machine: Machine) => void;
  }) {
    this.#block = parts.claim.block;
    this.#claim = parts.claim.server;
    this.sshPort = parts.sshPort;
    this.#timers = parts.timers;
    this.#greet = parts.greet;
  }

  /** Claims a block and finds a port that can be listened on; `greet` gets each connection to a machine. */
  static async start(parts: { timers: Timers; greet: (socket: Socket, machine: Machine) => void }): Promise<Machines> {
    const claim = await claimBlock();
    const sshPort = await freeSshPort(`127.${claim.block}.0.1`);
    return new Machines({ ...parts, claim, sshPort });
  }

  /** An address of the block that nobody else gets until it is freed. */
  reserve(): string {
    const address = this.#nextAddress();
    this.#reserved.add(address);
    return address;
  }

  free(address: string): void {
    this.#reserved.delete(address);
  }

  /** Switches a machine on, at a reserved address. SSH answers after the delay. */
  boot(order: Pick<Machine, 'serverId' | 'address' | 'disk' | 'authorizedKey'>, sshDelayMs: number): Machine {
    const machine: Machine = {
      ...order,
      isRunning: true,
      isReachable: false,
      jobsStarted: 0,
      whenGone: new Set(),
    };
    this.#byAddress.set(machine.address, machine);
    this.#timers.after(sshDelayMs, () => void this.#open(machine));
    return machine;
  }

  /** Switches a machine off: connections are cut, and nothing answers at its address. */
  switchOff(machine: Machine): void {
    if (!machine.isRunning) return;
    machine.isRunning = false;
    machine.isReachable = false;
    this.#byAddress.delete(machine.address);
    void this.#shut(machine.address);
    for (const tell of machine.whenGone) tell();
    machine.whenGone.clear();
  }

  at(address: string): Machine | null {
    return this.#byAddress.get(address) ?? null;
  }

  /** Really connects to the port of one of this world's machines: what Jenkins does first of all. */
  canConnect(address: string, port: number): Promise<boolean> {
    if (!this.#byAddress.has(address)) return Promise.resolve(false);
    return new Promise(resolve => {
      const socket = connect({ host: address, port });
      socket.on('connect', () => {
        socket.destroy();
        resolve(true);
      });
      socket.on('error', () => resolve(false));
    });
  }

  async close(): Promise<void> {
    await Promise.all([...this.#listeners.keys()].map(address => this.#shut(address)));
    await stopListening(this.#claim);
  }

  async #open(machine: Machine): Promise<void> {
    if (!machine.isRunning) return;
    const sockets = new Set<Socket>();
    const server = createServer({ noDelay: true }, socket => {
      sockets.add(socket);
      socket.on('close', () => sockets.delete(socket));
      socket.on('error', () => socket.destroy());
      this.#greet(socket, machine);
    });
    this.#listeners.set(machine.address, server);
    this.#sockets.set(machine.address, sockets);
    await listen(server, { host: machine.address, port: this.sshPort });
    if (machine.isRunning) machine.isReachable = true;
  }

  async #shut(address: string): Promise<void> {
    const server = this.#listeners.get(address);
    if (!server) return;
    this.#listeners.delete(address);
    const stopped = stopListening(server);
    for (const socket of this.#sockets.get(address) ?? []) socket.destroy();
    this.#sockets.delete(address);
    await stopped;
  }

  /** Addresses go round the block, so that a freed one rests as long as possible. */
  #nextAddress(): string {
    for (let tries = 0; tries < addressesPerBlock; tries++) {
      const index = this.#addressesGiven++ % addressesPerBlock;
      const address = `127.${this.#block}.${Math.floor(index / 250)}.${(index % 250) + 1}`;
      const isUsed = this.#byAddress.has(address) || this.#listeners.has(address) || this.#reserved.has(address);
      if (!isUsed) return address;
    }
    throw new Error('every address of the block is in use');
  }
}

interface Claim {
  readonly block: string;
  readonly server: Server;
}

/** A block is claimed by a socket, which the kernel frees however the process ends. */
async function claimBlock(): Promise<Claim> {
  const start = Math.floor(Math.random() * blocks.count);
  for (let i = 0; i < blocks.count; i++) {
    const block = String(blocks.first + ((start + i) % blocks.count));
    const server = createServer();
    try {
      await listen(server, { host: `127.${block}.255.254`, port: claimPort });
      return { block, server };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  throw new Error('no block of loopback addresses is free: too many worlds at once');
}

async function freeSshPort(address: string): Promise<number> {
  const start = Math.floor(Math.random() * sshPorts.count);
  for (let i = 0; i < sshPorts.count; i++) {
    const port = sshPorts.first + ((start + i) % sshPorts.count);
    const server = createServer();
    try {
      await listen(server, { host: address, port });
      await stopListening(server);
      return port;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
  throw new Error('no port for SSH is free');
}
