import { Fault } from '../../domain/fault.js';
import type { Provider } from '../../domain/pool-config.js';
import type { CallOptions, CloudPort } from '../../ports/cloud.js';
import type { FloatingAddresses } from './addresses.js';
import { Deadline } from './deadline.js';
import { Glance } from './glance.js';
import { Http } from './http.js';
import { Neutron } from './neutron.js';
import { NovaAddresses } from './nova-addresses.js';
import { Nova } from './nova.js';
import { Session } from './session.js';

/** The part of a provider that a session needs: plain values, which cross into a worker thread with each call. */
export type CloudAccess = Pick<Provider, 'name' | 'credentials' | 'regionName' | 'serviceType' | 'serviceName'>;

/** The cloud of one provider, in this thread. Makes no call by itself. */
export function openCloud(access: CloudAccess): CloudPort {
  const { caCertificates, isPeerVerified } = access.credentials;
  const http = new Http({ caCertificates, isPeerVerified });
  const session = new Session(http, access.credentials);
  const nova = new Nova(session, { type: access.serviceType, name: access.serviceName, region: access.regionName });
  const glance = new Glance(session, access.regionName);
  const neutron = new Neutron(session, access.regionName);
  const novaAddresses = new NovaAddresses(nova);
  const calls = new CallsInHand(access.name);

  /** The image service, or Nova's proxy of it where the catalogue has none. */
  const images = async (deadline: Deadline) => ((await glance.isOffered(deadline)) ? glance : nova);
  const addresses = async (deadline: Deadline): Promise<FloatingAddresses> =>
    (await neutron.isOffered(deadline)) ? neutron : novaAddresses;

  return {
    createServer: (spec, call) =>
      calls.run('create server', asWrite(call), deadline => nova.createServer(spec, deadline)),
    listServers: call => calls.run('list servers', call, deadline => nova.listServers(deadline)),
    getServer: (id, call) => calls.run('get server', call, deadline => nova.getServer(id, deadline)),
    deleteServer: (id, call) => calls.run('delete server', asWrite(call), deadline => nova.deleteServer(id, deadline)),
    listFlavors: call => calls.run('list flavors', call, deadline => nova.listFlavors(deadline)),
    listNetworks: call =>
      calls.run('list networks', call, async deadline =>
        (await neutron.isOffered(deadline)) ? neutron.listNetworks(deadline) : [],
      ),
    quota: call =>
      calls.run('quota', call, async deadline => {
        const quota = await nova.quota(deadline);
        if (!(await neutron.isOffered(deadline))) return quota;
        return { ...quota, addresses: await neutron.addressQuota(deadline) };
      }),

    createAddress: (wish, call) =>
      calls.run('create address', asWrite(call), async deadline =>
        (await addresses(deadline)).createAddress(wish, deadline),
      ),
    attachAddress: (id, server, call) =>
      calls.run('attach address', asWrite(call), async deadline =>
        (await addresses(deadline)).attachAddress(id, server, deadline),
      ),
    listAddresses: call =>
      calls.run('list addresses', call, async deadline => (await addresses(deadline)).listAddresses(deadline)),
    deleteAddress: (id, call) =>
      calls.run('delete address', asWrite(call), async deadline =>
        (await addresses(deadline)).deleteAddress(id, deadline),
      ),

    createKeypair: (key, call) =>
      calls.run('create key pair', asWrite(call), deadline => nova.createKeypair(key, deadline)),
    listKeypairs: call => calls.run('list key pairs', call, deadline => nova.listKeypairs(deadline)),
    deleteKeypair: (name, call) =>
      calls.run('delete key pair', asWrite(call), deadline => nova.deleteKeypair(name, deadline)),

    listPorts: call =>
      calls.run('list ports', call, async deadline =>
        (await neutron.isOffered(deadline)) ? neutron.listPorts(deadline) : [],
      ),
    deletePort: (id, call) => calls.run('delete port', asWrite(call), deadline => neutron.deletePort(id, deadline)),
    consoleLog: (id, { lines }, call) =>
      calls.run('console log', call, deadline => nova.consoleLog(id, lines, deadline)),

    createImage: (id, spec, call) =>
      calls.run('create image', asWrite(call), deadline => nova.createImage(id, spec, deadline)),
    listImages: call => calls.run('list images', call, async deadline => (await images(deadline)).listImages(deadline)),
    getImage: (id, call) =>
      calls.run('get image', call, async deadline => {
        const image = await (await images(deadline)).getImage(id, deadline);
        // Clouds keep the record of an image for a while after it (reference 12.5).
        return image?.status === 'deleted' ? null : image;
      }),
    deleteImage: (id, call) =>
      calls.run('delete image', asWrite(call), async deadline => (await images(deadline)).deleteImage(id, deadline)),
    uploadImage: (spec, call) =>
      calls.run('upload image', call, deadline => glance.uploadImage(spec, deadline, call.onProgress)),

    async close() {
      await calls.end();
      await http.close();
    },
  };
}

/** A write's effect could not be called back, so its caller's signal does not reach it. */
function asWrite(call: CallOptions): CallOptions {
  return { deadlineMs: call.deadlineMs };
}

class CallsInHand {
  readonly #provider: string;
  readonly #calls = new Set<Promise<unknown>>();
  #isEnded = false;

  constructor(provider: string) {
    this.#provider = provider;
  }

  async run<T>(what: string, call: CallOptions, work: (deadline: Deadline) => Promise<T>): Promise<T> {
    if (this.#isEnded) throw new Fault('cloud.unreachable', `${what}: the session with ${this.#provider} was closed`);
    const deadline = new Deadline(what, call);
    const running = work(deadline).finally(() => {
      deadline.end();
      this.#calls.delete(running);
    });
    this.#calls.add(running);
    return running;
  }

  async end(): Promise<void> {
    this.#isEnded = true;
    await Promise.allSettled(this.#calls);
  }
}
