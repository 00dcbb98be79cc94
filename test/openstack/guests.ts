/**
 * The machines of a cloud that has no hypervisor, or none that these tests could look into: each server that these tests
 * made has a machine of the simulated world, with its sshd, at each of its addresses, for as long as the server lives.
 */
import type { Server } from '../../src/ports/cloud.js';
import { jsonObject, text } from '../../src/adapters/openstack/decode.js';
import { Disk } from '../../src/sim/disk.js';
import type { Machine } from '../../src/sim/machines.js';
import type { World } from '../../src/sim/world.js';
import { isPrivateAddress } from '../../src/domain/address.js';
import { call, withService, type RealCloud } from './real-cloud.js';

/** Each look is a list of all servers, and the daemon looks too. */
const LOOK_MS = 1_500;

export class Guests {
  readonly #real: RealCloud;
  readonly #world: World;
  /** Those that were there before are somebody else's. */
  readonly #others: ReadonlySet<string>;
  readonly #machines = new Map<string, Machine>();
  readonly #keys = new Map<string, string>();
  readonly #end = new AbortController();
  readonly #looking: Promise<void>;

  static async start(real: RealCloud, world: World): Promise<Guests> {
    const cloud = real.open();
    const others = (await cloud.listServers(call)).map(({ id }) => id);
    await cloud.close();
    return new Guests(real, world, new Set(others));
  }

  private constructor(real: RealCloud, world: World, others: ReadonlySet<string>) {
    this.#real = real;
    this.#world = world;
    this.#others = others;
    this.#looking = this.#look();
  }

  async stop(): Promise<void> {
    this.#end.abort();
    await this.#looking;
  }

  async #look(): Promise<void> {
    const cloud = this.#real.open();
    while (!this.#end.signal.aborted) {
      // An answer that fails says nothing of the servers.
      const servers = await cloud.listServers(call).catch(() => null);
      if (servers !== null) await this.#follow(servers.filter(({ id }) => !this.#others.has(id)));
      await this.#pause();
    }
    await cloud.close();
  }

  async #follow(servers: readonly Server[]): Promise<void> {
    const wanted = new Map<string, Server>();
    for (const server of servers.filter(({ status }) => status === 'ACTIVE')) {
      for (const { address } of server.addresses) {
        if (!isPrivateAddress(address)) wanted.set(address, server);
      }
    }
    for (const [address, machine] of this.#machines) {
      if (wanted.get(address)?.id === machine.serverId) continue;
      this.#world.machines.switchOff(machine);
      this.#machines.delete(address);
    }
    for (const [address, server] of wanted) {
      if (this.#machines.has(address)) continue;
      const authorizedKey = server.keyName === null ? null : await this.#publicKey(server.keyName);
      const machine = this.#world.machines.boot(
        { serverId: server.id, address, disk: new Disk(), authorizedKey },
        SSH_DELAY_MS,
      );
      this.#machines.set(address, machine);
    }
  }

  async #publicKey(name: string): Promise<string> {
    const known = this.#keys.get(name);
    if (known !== undefined) return known;
    const answer = await withService(this.#real.provider, 'compute', (compute, deadline) =>
      compute.object('GET', `/os-keypairs/${encodeURIComponent(name)}`, deadline),
    );
    const key = text(jsonObject(answer['keypair'], 'keypair')['public_key'], 'public_key');
    this.#keys.set(name, key);
    return key;
  }

  #pause(): Promise<void> {
    return new Promise(resolve => {
      const done = (): void => {
        clearTimeout(timer);
        this.#end.signal.removeEventListener('abort', done);
        resolve();
      };
      const timer = setTimeout(done, LOOK_MS);
      this.#end.signal.addEventListener('abort', done, { once: true });
    });
  }
}

const SSH_DELAY_MS = 200;
