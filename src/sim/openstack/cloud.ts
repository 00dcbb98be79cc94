import { randomBytes } from 'node:crypto';
import { Chance } from '../chance.js';
import { HttpFaults, type HttpFault } from '../http/faults.js';
import type { SimRequest } from '../http/reply.js';
import { Site, type Call } from '../http/site.js';
import type { Machines } from '../machines.js';
import type { Timers } from '../timers.js';
import { neutronError } from './errors.js';
import { Glance } from './glance.js';
import { Images } from './images.js';
import { Inventory } from './inventory.js';
import { Keystone, type Account, type Service } from './keystone.js';
import { Network, type SimAddress, type SimPort } from './network.js';
import { Neutron } from './neutron.js';
import { Nova } from './nova.js';
import { Servers, type SimServer } from './servers.js';
import { cloudSettings, type CloudOptions, type CloudSettings } from './settings.js';

/** A server as the judge sees it. */
export interface SimServerView {
  readonly id: string;
  readonly name: string;
  readonly cloud: string;
  readonly status: SimServer['status'];
  readonly taskState: string | null;
  readonly zone: string;
  readonly address: string | null;
  /** Whether SSH answers. */
  readonly isReachable: boolean;
  readonly metadata: Readonly<Record<string, string>>;
  readonly keyName: string | null;
  readonly createdAt: number;
}

export interface CloudCounts {
  readonly servers: number;
  readonly created: number;
  readonly peakServers: number;
  readonly peakBuilding: number;
  readonly tokensIssued: number;
  /** Calls by operation, the failed ones included. */
  readonly calls: Readonly<Record<string, number>>;
}

/** One OpenStack cloud with one project: Keystone, Nova, Glance and Neutron on one port. */
export class SimCloud {
  readonly name: string;
  readonly region: string;
  readonly username: string;
  readonly password: string;
  readonly projectName: string;
  /** Who may use it, in every form that Keystone takes. */
  readonly account: Account;
  readonly settings: CloudSettings;
  /** The script of coming faults; operations are `authenticate`, `createServer`, `listServers` and so on, or `*`. */
  readonly faults: HttpFaults;
  readonly inventory: Inventory;
  readonly images: Images;
  readonly network: Network;
  readonly #site: Site;
  readonly #servers: Servers;
  readonly #keystone: Keystone;
  readonly #nova: Nova;
  readonly #glance: Glance;
  readonly #neutron: Neutron;

  private constructor(options: CloudOptions, parts: { chance: Chance; timers: Timers; machines: Machines }) {
    const { chance, timers, machines } = parts;
    const settings = cloudSettings(options);
    const account = newAccount(options.name);
    this.name = options.name;
    this.region = options.region ?? 'RegionOne';
    this.username = account.username;
    this.password = account.password;
    this.projectName = account.projectName;
    this.settings = settings;
    this.inventory = new Inventory(options);
    this.faults = new HttpFaults(chance);
    this.account = account;
    this.images = new Images(options.images, { settings, chance, timers });
    this.network = new Network({ networks: this.inventory.networks, settings, machines });
    this.#servers = new Servers({ settings, chance, timers, machines, network: this.network });
    this.#keystone = new Keystone({
      account,
      region: this.region,
      services: () => this.#services(options),
      tokenLifeMs: () => settings.tokenLifeMs,
    });
    this.#nova = new Nova({
      servers: this.#servers,
      inventory: this.inventory,
      images: this.images,
      network: this.network,
      hasFloatingIps: options.hasNetworkService !== false || settings.addressing === 'floating',
      imageEndpoint: () => this.#site.url,
      pageSize: () => settings.pageSize,
      maxServers: () => settings.maxServers,
      projectId: account.projectId,
    });
    this.#glance = new Glance({ images: this.images, pageSize: () => settings.pageSize });
    const { networks } = this.inventory;
    this.#neutron = new Neutron({ network: this.network, networks, settings, projectId: account.projectId });
    this.#site = new Site({
      timers,
      faults: this.faults,
      callFor: request => this.#callFor(request),
      latencyMs: () => chance.between(settings.callMs),
    });
  }

  static async start(
    options: CloudOptions,
    parts: { chance: Chance; timers: Timers; machines: Machines },
  ): Promise<SimCloud> {
    const cloud = new SimCloud(options, parts);
    await cloud.up();
    return cloud;
  }

  get authUrl(): string {
    return `${this.#site.url}/v3`;
  }

  get authUrlV2(): string {
    return `${this.#site.url}/v2.0`;
  }

  servers(): SimServerView[] {
    return this.#servers.all().map(server => ({
      id: server.id,
      name: server.name,
      cloud: this.name,
      status: server.status,
      taskState: server.taskState,
      zone: server.zone,
      address: server.machine?.address ?? null,
      isReachable: server.machine?.isReachable ?? false,
      metadata: server.metadata,
      keyName: server.keyName,
      createdAt: server.createdAt,
    }));
  }

  /** The floating IPs of the project. */
  addresses(): readonly SimAddress[] {
    return [...this.network.addresses.values()];
  }

  ports(): readonly SimPort[] {
    return [...this.network.ports.values()];
  }

  counts(): CloudCounts {
    const { peakServers, peakBuilding, created } = this.#servers;
    const servers = this.#servers.all().length;
    const { tokensIssued } = this.#keystone;
    return { servers, created, peakServers, peakBuilding, tokensIssued, calls: { ...this.#site.calls } };
  }

  /** The next calls of the operation go wrong this way. */
  failNext(operation: string, fault: HttpFault, times = 1): void {
    this.faults.next(operation, fault, times);
  }

  /** Deletes a server behind everybody's back, as an operator of the cloud might. */
  destroyServer(id: string): void {
    const server = this.#servers.get(id);
    if (server) this.#servers.delete(server);
  }

  revokeTokens(): void {
    this.#keystone.revokeAll();
  }

  /** Refuses connections; servers and their machines go on. */
  down(): Promise<void> {
    return this.#site.down();
  }

  up(): Promise<void> {
    return this.#site.up();
  }

  close(): Promise<void> {
    return this.#site.down();
  }

  #services(options: CloudOptions): Service[] {
    const { url } = this.#site;
    const { projectId } = this.account;
    const compute = { type: options.serviceType ?? 'compute', name: options.serviceName ?? 'nova' };
    return [
      { type: 'identity', name: 'keystone', url: `${url}/v3`, url2014: `${url}/v2.0` },
      { ...compute, url: `${url}/v2.1`, url2014: `${url}/v2/${projectId}` },
      ...(options.hasImageService === false ? [] : [{ type: 'image', name: 'glance', url, url2014: url }]),
      ...(options.hasNetworkService === false ? [] : [{ type: 'network', name: 'neutron', url, url2014: url }]),
    ];
  }

  #callFor(request: SimRequest): Call {
    const { method, path } = request;
    if (method === 'POST' && path === '/v3/auth/tokens') {
      return { operation: 'authenticate', run: () => this.#keystone.issueV3(request) };
    }
    if (method === 'POST' && path === '/v2.0/tokens') {
      return { operation: 'authenticate', run: () => this.#keystone.issueV2(request) };
    }
    const { operation, run } = this.#serviceCall(request);
    return {
      operation,
      run: () => {
        this.#keystone.require(request);
        return run();
      },
    };
  }

  #serviceCall(request: SimRequest): Call {
    const { path } = request;
    for (const prefix of ['/v2.1', `/v2/${this.account.projectId}`]) {
      if (path.startsWith(`${prefix}/`)) {
        const place = { endpoint: this.#site.url + prefix, path: path.slice(prefix.length) };
        return this.#nova.callFor(request, place);
      }
    }
    if (path === '/v2/images' || path.startsWith('/v2/images/')) return this.#glance.callFor(request);
    if (path.startsWith('/v2.0/')) {
      const prefix = '/v2.0';
      return this.#neutron.callFor(request, { endpoint: this.#site.url + prefix, path: path.slice(prefix.length) });
    }
    return {
      operation: 'unknown',
      run: () => {
        throw neutronError('HTTPNotFound', 404, 'The resource could not be found.');
      },
    };
  }
}

function newAccount(cloudName: string): Account {
  const id = (): string => randomBytes(16).toString('hex');
  const secret = (): string => randomBytes(9).toString('base64url');
  return {
    username: `${cloudName}-user`,
    userId: id(),
    password: secret(),
    projectName: `${cloudName}-project`,
    projectId: id(),
    domain: { id: 'default', name: 'Default' },
    applicationCredential: { id: id(), name: `${cloudName}-application`, secret: secret() },
  };
}
