/** Clouds, masters and machines in memory that answer in no time, and cost next to nothing. */
import { serverId, type ServerId } from '../../../src/domain/ids.js';
import type { Server, ServerSpec } from '../../../src/ports/cloud.js';
import { FakeCloud } from '../../support/fake-cloud.js';

/** As the fake of the tests, but its calls cost the same at every size. */
export class BenchCloud extends FakeCloud {
  readonly #servers = new Map<ServerId, Server>();
  lists = 0;
  #made = 0;

  constructor() {
    super({ images: ['img'], flavors: [{ name: 'm1.medium', ramMb: 8192 }] });
  }

  get count(): number {
    return this.#servers.size;
  }

  override createServer(spec: ServerSpec): Promise<ServerId> {
    return Promise.resolve(this.add(spec.name, spec.metadata));
  }

  add(name: string, metadata: Readonly<Record<string, string>>): ServerId {
    this.#made++;
    const id = serverId(`${name}-${this.#made}`);
    const host = `10.${(this.#made >> 16) & 255}.${(this.#made >> 8) & 255}.${this.#made & 255}`;
    this.#servers.set(id, {
      id,
      name,
      status: 'ACTIVE',
      addresses: [{ network: 'public', version: 4, address: host, kind: 'fixed' }],
      az: 'nova',
      metadata,
      keyName: null,
      faultMessage: null,
    });
    return id;
  }

  override listServers(): Promise<readonly Server[]> {
    this.lists++;
    return Promise.resolve([...this.#servers.values()]);
  }

  override getServer(id: ServerId): Promise<Server | null> {
    return Promise.resolve(this.#servers.get(id) ?? null);
  }

  override deleteServer(id: ServerId): Promise<void> {
    if (this.deleteMs === 0) this.#servers.delete(id);
    else setTimeout(() => this.#servers.delete(id), this.deleteMs);
    return Promise.resolve();
  }
}
