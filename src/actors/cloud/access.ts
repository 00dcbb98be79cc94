import type { ServerId } from '../../domain/ids.js';
import type { Provider } from '../../domain/pool-config.js';
import type { CallOptions, CloudPort, OpenCloud, Server } from '../../ports/cloud.js';

/**
 * The way to a provider's cloud, also when a reload changes it. One that leads to another place (another region, another
 * project) does not show the servers that were made before. They must not pass for "gone", or they would leak; so the
 * earlier ways stay, and are asked for whatever the present one does not know.
 */
export class CloudAccess {
  readonly #open: OpenCloud;
  #provider: Provider | null = null;
  #present: CloudPort | null = null;
  #port: CloudPort | null = null;
  readonly #earlier: CloudPort[] = [];
  /** Servers that the present way has shown or made: no other is asked for these. */
  readonly #known = new Set<ServerId>();

  constructor(open: OpenCloud) {
    this.#open = open;
  }

  /** Null: nothing is known of the provider. */
  get port(): CloudPort | null {
    return this.#port;
  }

  get earlierWays(): number {
    return this.#earlier.length;
  }

  /** Goes the way of this provider from now on; false: it is the same way. */
  follow(provider: Provider): boolean {
    const before = this.#provider;
    this.#provider = provider;
    if (before !== null && fingerprint(before) === fingerprint(provider)) return false;
    const left = this.#present;
    this.#present = this.#open(provider);
    if (left !== null && before !== null) this.#leave(left, placeOf(before) !== placeOf(provider));
    this.#port = this.#earlier.length === 0 ? this.#present : this.#overAll(this.#present);
    return true;
  }

  async close(): Promise<void> {
    await Promise.allSettled([...(this.#present ? [this.#present] : []), ...this.#earlier].map(port => port.close()));
  }

  #leave(left: CloudPort, isElsewhere: boolean): void {
    if (!isElsewhere) {
      // It lets the calls in hand finish.
      void left.close();
      return;
    }
    this.#known.clear();
    this.#earlier.push(left);
    if (this.#earlier.length > earlierWaysMax) void this.#earlier.shift()?.close();
  }

  /** The present way, but for servers that it does not have. */
  #overAll(present: CloudPort): CloudPort {
    const own: Pick<CloudPort, OverAll> = {
      createServer: async (spec, call) => {
        const id = await present.createServer(spec, call);
        this.#remember(id);
        return id;
      },
      listServers: call => this.#listAll(present, call),
      getServer: async (id, call) => {
        for (const way of this.#waysTo(id, present)) {
          const server = await way.getServer(id, call);
          if (server) return server;
        }
        return null;
      },
      deleteServer: async (id, call) => {
        for (const way of this.#waysTo(id, present)) await way.deleteServer(id, call);
      },
      // One that does not answer may have the address that is looked for.
      listAddresses: async call => {
        const lists = await Promise.all([present, ...this.#earlier].map(way => way.listAddresses(call)));
        return [...new Map(lists.flat().map(each => [each.id, each])).values()];
      },
      deleteAddress: async (id, call) => {
        for (const way of [present, ...this.#earlier]) await way.deleteAddress(id, call);
      },
    };
    return new Proxy(present, {
      get(target, key) {
        if (key in own) return own[key as keyof typeof own];
        const method: unknown = Reflect.get(target, key);
        return typeof method === 'function' ? (method.bind(target) as unknown) : method;
      },
    });
  }

  async #listAll(present: CloudPort, call: CallOptions): Promise<readonly Server[]> {
    // One that does not answer hides its servers from the list only: before any is believed gone it is asked for alone.
    const others = Promise.allSettled(this.#earlier.map(port => port.listServers(call)));
    const servers = await present.listServers(call);
    for (const { id } of servers) this.#remember(id);
    const listed = new Set(servers.map(({ id }) => id));
    const more = (await others).flatMap(each => (each.status === 'fulfilled' ? each.value : []));
    return [...servers, ...more.filter(({ id }) => !listed.has(id))];
  }

  #remember(id: ServerId): void {
    // Whatever is forgotten is only asked for in more places.
    if (this.#known.size >= knownMax) this.#known.clear();
    this.#known.add(id);
  }

  #waysTo(id: ServerId, present: CloudPort): readonly CloudPort[] {
    return this.#known.has(id) ? [present] : [present, ...this.#earlier];
  }
}

/** What is asked for in the earlier places, too. */
type OverAll = 'createServer' | 'listServers' | 'getServer' | 'deleteServer' | 'listAddresses' | 'deleteAddress';

/** An operator who tries out more than these has nothing left in the first of them. */
const earlierWaysMax = 3;
const knownMax = 100_000;

/** All that a port is opened with. */
function fingerprint({ credentials, regionName, serviceType, serviceName, concurrency }: Provider): string {
  return JSON.stringify([credentials, regionName, serviceType, serviceName, concurrency.workers]);
}

/** Where the servers are, as against who asks for them, and by which version of the API. */
function placeOf({ credentials, regionName, serviceType, serviceName }: Provider): string {
  const { authUrl, projectName, projectId, applicationCredential, cloud } = credentials;
  const host = authUrl !== null && URL.canParse(authUrl) ? new URL(authUrl).hostname : authUrl;
  // An application credential is one of its project, and may be renewed within it; which one, only Keystone knows.
  const project = projectId ?? projectName ?? applicationCredential?.credential;
  return JSON.stringify([host, project, cloud, regionName, serviceType, serviceName]);
}
