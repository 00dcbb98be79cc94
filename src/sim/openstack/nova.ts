import { randomBytes } from 'node:crypto';
import { json, type Reply, type SimRequest } from '../http/reply.js';
import type { Call } from '../http/site.js';
import { parseObject } from './body.js';
import { badRequest, itemNotFound, novaError, tooLarge } from './errors.js';
import { FloatingProxy } from './floating-proxy.js';
import type { Images, SimImage } from './images.js';
import type { Inventory } from './inventory.js';
import type { Network, NicOrder } from './network.js';
import { pageOf } from './paging.js';
import type { Servers, SimServer } from './servers.js';
import { flavorView, imageView, serverView } from './views.js';

interface NovaParts {
  readonly servers: Servers;
  readonly inventory: Inventory;
  readonly images: Images;
  readonly network: Network;
  /** Whether the old API of floating IPs is there. */
  readonly hasFloatingIps: boolean;
  /** Address of the image service, as Nova gives it: without version. */
  readonly imageEndpoint: () => string;
  readonly pageSize: () => number;
  readonly maxServers: () => number;
  readonly projectId: string;
}

/** The compute service, below its endpoint. */
export class Nova {
  readonly #parts: NovaParts;
  readonly #floating: FloatingProxy;

  constructor(parts: NovaParts) {
    this.#parts = parts;
    this.#floating = new FloatingProxy(parts.network);
  }

  /** `endpoint` is the part of the address before `path`; links in answers begin with it. */
  callFor(request: SimRequest, { endpoint, path }: { endpoint: string; path: string }): Call {
    const { inventory, images } = this.#parts;
    if (request.bodyBytes > bodyBytesMax) return { operation: 'unknown', run: () => Promise.reject(tooLarge()) };
    if (path.startsWith('/os-keypairs')) return inventory.keypairs.callFor(request, path);
    if (path.startsWith('/os-floating-ips') && this.#parts.hasFloatingIps) return this.#floating.callFor(request, path);
    const [, kind = '', id = null, action] = /^\/(servers|images)\/(?!detail$)([^/]+)(\/action)?$/.exec(path) ?? [];
    const route = id === null ? path : `/${kind}/ID${action ?? ''}`;
    switch (`${request.method} ${route}`) {
      case 'POST /servers':
        return { operation: 'createServer', run: () => this.#create(request) };
      case 'GET /servers/detail':
        return { operation: 'listServers', run: () => this.#list(request, endpoint) };
      case 'GET /servers/ID':
        return { operation: 'getServer', run: () => json(200, { server: this.#view(this.#server(id)) }) };
      case 'DELETE /servers/ID':
        return { operation: 'deleteServer', run: () => this.#delete(this.#server(id)) };
      case 'POST /servers/ID/action':
        return this.#action(request, id);
      case 'GET /flavors/detail':
        return { operation: 'listFlavors', run: () => this.#flavors(request, endpoint) };
      case 'GET /images/detail':
        return { operation: 'listImages', run: () => json(200, { images: images.all().map(imageView) }) };
      case 'GET /images/ID':
        return { operation: 'getImage', run: () => json(200, { image: imageView(this.#image(id)) }) };
      case 'DELETE /images/ID':
        return { operation: 'deleteImage', run: () => this.#deleteImage(this.#image(id)) };
      case 'GET /limits':
        return { operation: 'getLimits', run: () => this.#limits() };
      case 'GET /extensions':
        return { operation: 'listExtensions', run: () => json(200, { extensions: this.#extensions() }) };
      case 'GET /os-availability-zone':
        return { operation: 'listZones', run: () => this.#zones() };
      default:
        return { operation: 'unknown', run: () => Promise.reject(itemNotFound('The resource could not be found.')) };
    }
  }

  #action(request: SimRequest, id: string | null): Call {
    const body = parseObject(request.body) as ActionBody;
    if (body.createImage) {
      const order = body.createImage;
      return { operation: 'createImage', run: () => this.#snapshot(this.#server(id), order) };
    }
    if (body['os-getConsoleOutput']) {
      const { length } = body['os-getConsoleOutput'];
      return { operation: 'getConsole', run: () => this.#console(this.#server(id), length ?? null) };
    }
    if (body.addFloatingIp && this.#parts.hasFloatingIps) {
      const { address } = body.addFloatingIp;
      return { operation: 'attachAddress', run: () => this.#floating.add(this.#server(id).id, address) };
    }
    if (body.removeFloatingIp && this.#parts.hasFloatingIps) {
      const { address } = body.removeFloatingIp;
      return { operation: 'detachAddress', run: () => this.#floating.remove(address) };
    }
    const words = `There is no such action: ${Object.keys(body).join()}`;
    return { operation: 'unknown', run: () => Promise.reject(badRequest(words)) };
  }

  #create(request: SimRequest): Reply {
    const order = readOrder(request.body);
    const { inventory, servers, images, network } = this.#parts;
    const image = images.get(order.imageRef);
    if (!image) throw badRequest(`Can not find requested image`);
    if (image.status !== 'active') throw badRequest(`Image ${image.id} is not active.`);
    const flavor = inventory.flavor(order.flavorRef);
    if (!flavor) throw badRequest(`Flavor ${order.flavorRef} could not be found.`);
    const zone = order.availability_zone ?? inventory.zones[0] ?? 'nova';
    if (!inventory.zones.includes(zone)) throw badRequest('The requested availability zone is not available');
    const keyName = order.key_name ?? null;
    if (keyName !== null && !inventory.keypairs.has(keyName)) throw badRequest('Invalid key_name provided.');
    const securityGroups = (order.security_groups ?? [{ name: 'default' }]).map(group => group.name);
    const unknownGroup = securityGroups.find(name => !inventory.securityGroups.includes(name));
    if (unknownGroup !== undefined) throw badRequest(`Unable to find security_group with name or id '${unknownGroup}'`);
    const server = servers.create(
      {
        name: order.name,
        imageId: image.id,
        flavorId: flavor.id,
        zone,
        metadata: order.metadata ?? {},
        keyName,
        authorizedKey: keyName === null ? null : inventory.keypairs.publicKey(keyName),
        disk: image.disk.copy(),
        hasConfigDrive: order.config_drive ?? false,
        securityGroups,
        userData: order.user_data === undefined ? null : Buffer.from(order.user_data, 'base64').toString('utf8'),
      },
      network.check(order.networks),
    );
    const adminPass = randomBytes(6).toString('hex');
    return json(202, {
      server: { id: server.id, adminPass, links: [], security_groups: securityGroups.map(name => ({ name })) },
    });
  }

  #list(request: SimRequest, endpoint: string): Reply {
    const name = request.query.get('name');
    const all = this.#parts.servers.listed().filter(server => name === null || server.name.includes(name));
    const { items, next } = pageOf(all, {
      query: request.query,
      sizeMax: this.#parts.pageSize(),
      unknownMarker: id => badRequest(`marker [${id}] not found`),
    });
    const servers = items.map(server => this.#view(server));
    if (!next) return json(200, { servers });
    const href = `${endpoint}/servers/detail?${next.toString()}`;
    return json(200, { servers, servers_links: [{ rel: 'next', href }] });
  }

  #flavors(request: SimRequest, endpoint: string): Reply {
    const { items, next } = pageOf(this.#parts.inventory.flavors, {
      query: request.query,
      sizeMax: this.#parts.pageSize(),
      unknownMarker: id => badRequest(`marker [${id}] not found`),
    });
    const links = next
      ? { flavors_links: [{ rel: 'next', href: `${endpoint}/flavors/detail?${next.toString()}` }] }
      : {};
    return json(200, { flavors: items.map(flavorView), ...links });
  }

  #snapshot(server: SimServer, order: { readonly name: string; readonly metadata?: Record<string, string> }): Reply {
    if (server.status !== 'ACTIVE' || server.taskState !== null) {
      const state =
        server.taskState === null ? `vm_state ${server.status.toLowerCase()}` : `task_state ${server.taskState}`;
      throw novaError('conflictingRequest', 409, `Cannot 'createImage' instance ${server.id} while it is in ${state}`);
    }
    server.taskState = 'image_snapshot';
    const { disk } = server;
    const image = this.#parts.images.snapshot({ name: order.name, metadata: order.metadata ?? {} }, disk, () => {
      if (server.taskState === 'image_snapshot') server.taskState = null;
    });
    return { status: 202, headers: { location: `${this.#parts.imageEndpoint()}/images/${image.id}` } };
  }

  #console(server: SimServer, lines: number | null): Reply {
    if (server.status !== 'ACTIVE') throw novaError('conflictingRequest', 409, `Instance ${server.id} is not ready`);
    const written = ['Linux version 3.13.0-24-generic', 'cloud-init: finished', `${server.name} login: `];
    return json(200, { output: written.slice(lines === null ? 0 : -lines).join('\n') });
  }

  #image(id: string | null): SimImage {
    const image = this.#parts.images.get(id ?? '');
    if (!image) throw itemNotFound('Image not found.');
    return image;
  }

  #deleteImage(image: SimImage): Reply {
    if (!image.isOwn) throw novaError('forbidden', 403, 'You are not allowed to delete the image.');
    this.#parts.images.delete(image.id);
    return { status: 204 };
  }

  #delete(server: SimServer): Reply {
    this.#parts.servers.delete(server);
    return { status: 204 };
  }

  #server(id: string | null): SimServer {
    const server = this.#parts.servers.get(id ?? '');
    if (!server) throw itemNotFound(`Instance ${id ?? ''} could not be found.`);
    return server;
  }

  #view(server: SimServer): unknown {
    return serverView(server, this.#parts);
  }

  #limits(): Reply {
    const { servers, inventory, network, maxServers } = this.#parts;
    const all = servers.all();
    const sum = (what: 'ramMb' | 'cores'): number =>
      all.reduce((total, server) => total + (inventory.flavor(server.flavorId)?.[what] ?? 0), 0);
    const absolute = {
      maxTotalInstances: limit(maxServers()),
      maxTotalCores: -1,
      maxTotalRAMSize: -1,
      maxTotalFloatingIps: -1,
      totalInstancesUsed: all.length,
      totalCoresUsed: sum('cores'),
      totalRAMUsed: sum('ramMb'),
      totalFloatingIpsUsed: this.#parts.hasFloatingIps ? network.addresses.size : 0,
    };
    return json(200, { limits: { rate: [], absolute } });
  }

  #zones(): Reply {
    const zones = this.#parts.inventory.zones;
    const availabilityZoneInfo = zones.map(zoneName => ({ zoneName, zoneState: { available: true }, hosts: null }));
    return json(200, { availabilityZoneInfo });
  }

  #extensions(): unknown[] {
    return [...extensions, ...(this.#parts.hasFloatingIps ? ['os-floating-ips'] : [])].map(extensionView);
  }
}

/** Nova's own limit of a request. */
const bodyBytesMax = 114_688;

function limit(count: number): number {
  return Number.isFinite(count) ? count : -1;
}

interface ActionBody {
  readonly createImage?: { readonly name: string; readonly metadata?: Record<string, string> };
  readonly 'os-getConsoleOutput'?: { readonly length?: number };
  readonly addFloatingIp?: { readonly address: string };
  readonly removeFloatingIp?: { readonly address: string };
}

const extensions = ['os-keypairs', 'os-availability-zone', 'os-extended-server-attributes', 'OS-EXT-AZ', 'OS-EXT-STS'];

function extensionView(alias: string): unknown {
  return { alias, name: alias, description: '', links: [], namespace: '', updated: '2014-12-03T00:00:00Z' };
}

interface ServerOrderBody {
  readonly name: string;
  readonly imageRef: string;
  readonly flavorRef: string;
  readonly networks?: 'auto' | 'none' | readonly NicOrder[];
  readonly availability_zone?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly key_name?: string;
  readonly config_drive?: boolean;
  readonly user_data?: string;
  readonly security_groups?: readonly { readonly name: string }[];
}

function readOrder(body: string): ServerOrderBody {
  const { server } = parseObject(body) as { server?: Partial<Record<keyof ServerOrderBody, unknown>> };
  for (const field of ['name', 'imageRef', 'flavorRef'] as const) {
    const value = server?.[field];
    // Clouds of 2014 took numbers for flavors too; today's schema does not.
    if (typeof value !== 'string' || value === '') {
      throw badRequest(`Invalid input for field/attribute ${field}. Value: ${String(value)}.`);
    }
  }
  for (const value of Object.values(server?.metadata ?? {})) {
    if (typeof value !== 'string') throw badRequest('Invalid input for field/attribute metadata.');
  }
  const userData = server?.user_data ?? '';
  if (typeof userData !== 'string' || userData.length > userDataCharsMax || !/^[\w+/\n]*=*$/.test(userData)) {
    throw badRequest('Invalid input for field/attribute user_data.');
  }
  return server as ServerOrderBody;
}

/** In base64. */
const userDataCharsMax = 65_535;
