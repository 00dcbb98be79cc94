import { Fault } from '../../domain/fault.js';
import { imageId, serverId, type ImageId, type ServerId } from '../../domain/ids.js';
import type {
  CloudImage,
  CloudKeypair,
  CloudQuota,
  Flavor,
  ImageSpec,
  KeypairSpec,
  Server,
  ServerSpec,
} from '../../ports/cloud.js';
import { computeUrl, type EndpointQuery } from './catalog.js';
import type { Deadline } from './deadline.js';
import { idText, jsonObject, text, type Json } from './decode.js';
import { assertGood, isNotFound, jsonOf } from './faults.js';
import type { HttpAnswer } from './http.js';
import { figureOf } from './limits.js';
import { decodeFlavor, decodeImage, decodeKeypair, decodeServer, serverBody } from './nova-words.js';
import { Service } from './service.js';
import type { Session } from './session.js';

/** Nova, API v2 and v2.1 without microversion: what clouds of 2014 and of today both understand. */
export class Nova {
  readonly service: Service;

  constructor(session: Session, compute: EndpointQuery) {
    this.service = new Service(session, compute, computeUrl);
  }

  async createServer(spec: ServerSpec, deadline: Deadline): Promise<ServerId> {
    const answer = await this.service.send('POST', '/servers', deadline, { server: serverBody(spec) });
    return accepted('server', answer, () =>
      serverId(idText(jsonObject(jsonOf(answer)['server'], 'server')['id'], 'id')),
    );
  }

  async listServers(deadline: Deadline): Promise<readonly Server[]> {
    const servers = await this.service.list({ path: '/servers/detail', kind: 'servers' }, decodeServer, deadline);
    // A server that is created while the pages are read may be on two of them.
    return [...new Map(servers.map(server => [server.id, server])).values()];
  }

  async getServer(id: ServerId, deadline: Deadline): Promise<Server | null> {
    const body = await this.service.objectOrNull(serverPath(id), deadline);
    return body === null ? null : decodeServer(body['server']);
  }

  deleteServer(id: ServerId, deadline: Deadline): Promise<void> {
    return this.service.delete(serverPath(id), deadline);
  }

  listFlavors(deadline: Deadline): Promise<readonly Flavor[]> {
    return this.service.list({ path: '/flavors/detail', kind: 'flavors' }, decodeFlavor, deadline);
  }

  async createKeypair({ name, publicKey }: KeypairSpec, deadline: Deadline): Promise<void> {
    const keypair = { name, public_key: publicKey };
    assertGood(await this.service.send('POST', '/os-keypairs', deadline, { keypair }));
  }

  listKeypairs(deadline: Deadline): Promise<readonly CloudKeypair[]> {
    return this.service.list({ path: '/os-keypairs', kind: 'keypairs' }, decodeKeypair, deadline);
  }

  deleteKeypair(name: string, deadline: Deadline): Promise<void> {
    return this.service.delete(`/os-keypairs/${encodeURIComponent(name)}`, deadline);
  }

  /** Its figures of floating IPs are those of Nova's own networks, and mean nothing where Neutron has them. */
  async quota(deadline: Deadline): Promise<CloudQuota> {
    const body = await this.service.object('GET', '/limits', deadline);
    const limits = jsonObject(jsonObject(body['limits'], 'limits')['absolute'], 'limits.absolute');
    return {
      servers: figureOf(limits, { used: 'totalInstancesUsed', max: 'maxTotalInstances' }),
      cores: figureOf(limits, { used: 'totalCoresUsed', max: 'maxTotalCores' }),
      ramMb: figureOf(limits, { used: 'totalRAMUsed', max: 'maxTotalRAMSize' }),
      addresses: figureOf(limits, { used: 'totalFloatingIpsUsed', max: 'maxTotalFloatingIps' }),
    };
  }

  /** Hypervisors without consoles answer 501, and servers that were never placed 409. */
  async consoleLog(id: ServerId, lines: number, deadline: Deadline): Promise<string | null> {
    const answer = await this.act(id, { 'os-getConsoleOutput': { length: lines } }, deadline);
    if (isNotFound(answer) || answer.status === 501 || answer.status === 409) return null;
    return text(jsonOf(answer)['output'], 'output');
  }

  /** The id is in the body from microversion 2.45 on, and before that the last part of an address. */
  async createImage(id: ServerId, { name, metadata }: ImageSpec, deadline: Deadline): Promise<ImageId> {
    const answer = await this.act(id, { createImage: { name, metadata } }, deadline);
    return accepted('snapshot', answer, () => {
      const location = text(answer.headers['location'], 'Location');
      return imageId(idText(location.split('/').filter(Boolean).at(-1), 'Location'));
    });
  }

  /** Nova's own proxy of the image service, for clouds whose catalogue has none. */
  listImages(deadline: Deadline): Promise<readonly CloudImage[]> {
    return this.service.list({ path: '/images/detail', kind: 'images' }, decodeImage, deadline);
  }

  async getImage(id: ImageId, deadline: Deadline): Promise<CloudImage | null> {
    const body = await this.service.objectOrNull(`/images/${encodeURIComponent(id)}`, deadline);
    return body === null ? null : decodeImage(body['image']);
  }

  deleteImage(id: ImageId, deadline: Deadline): Promise<void> {
    return this.service.delete(`/images/${encodeURIComponent(id)}`, deadline);
  }

  act(id: ServerId, action: Json, deadline: Deadline): Promise<HttpAnswer> {
    return this.service.send('POST', `${serverPath(id)}/action`, deadline, action);
  }
}

function serverPath(id: ServerId): string {
  return `/servers/${encodeURIComponent(id)}`;
}

/** The id in a good answer. Accepted, and its id unreadable: there may be one, so it must not look like a refusal. */
function accepted<Id>(what: string, answer: HttpAnswer, read: () => Id): Id {
  assertGood(answer);
  try {
    return read();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new Fault('cloud.error', `the ${what} was accepted, but: ${message}`, { cause: error });
  }
}
