/**
 * What every cloud promises its actor: run over the one in memory, over the client in front of the simulated protocols,
 * and over any real OpenStack. It looks at nothing and deletes nothing but what bears its mark, so that it may run in a
 * project that others use too.
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utils } from 'ssh2';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

import { Fault, type FaultKind } from '../../src/domain/fault.js';
import { addressId, flavorId, imageId, portId, serverId, tag, type ServerId, type Tag } from '../../src/domain/ids.js';
import type { CloudAddress, CloudPort, Server, ServerSpec } from '../../src/ports/cloud.js';

/** A cloud with room for at least 5 servers, which boot by themselves. */
export interface CloudSubject {
  readonly cloud: CloudPort;
  /** An active image and a zone that it has. */
  readonly image: string;
  readonly zone: string;
  /** False for catalogues of 2014 that had compute alone. */
  readonly hasNetworkService: boolean;
  readonly hasImageService: boolean;
  /** Waits, in whatever time that cloud lives in. */
  until<T>(condition: () => Promise<T>): Promise<Exclude<T, null | undefined | false>>;
  close(): Promise<void>;
}

const call = { deadlineMs: 60_000 };
const nobody = '00000000-0000-4000-8000-000000000000';
const publicKey = utils.generateKeyPairSync('ed25519').public;

export function cloudContract(open: () => Promise<CloudSubject>): void {
  let subject: CloudSubject;
  let cloud: CloudPort;
  /** What is made here bears it, and nothing else is ours. */
  let mark: Tag;

  beforeEach(async () => {
    subject = await open();
    cloud = subject.cloud;
    mark = tag(`contract-${randomUUID()}`);
  });

  afterEach(async () => {
    await clear(subject, mark);
    await cloud.close();
    await subject.close();
  });

  const spec = (more: Partial<ServerSpec> = {}): Promise<ServerSpec> => specOf(subject, mark, more);
  const ours = async (): Promise<readonly Server[]> =>
    (await cloud.listServers(call)).filter(server => server.metadata['nodepool_tag'] === mark);
  const listed = async (id: ServerId): Promise<Server | undefined> => (await ours()).find(server => server.id === id);
  const active = (id: ServerId): Promise<Server> =>
    subject.until(async () => {
      const found = await cloud.getServer(id, call);
      if (found?.status === 'ERROR') throw new Error(`the server went to ERROR: ${found.faultMessage}`);
      return found?.status === 'ACTIVE' && found.addresses.length > 0 && found;
    });
  const booted = async (more: Partial<ServerSpec> = {}): Promise<Server> =>
    active(await cloud.createServer(await spec(more), call));

  describe('its lists', () => {
    it('name images with their status, in small letters', async () => {
      const images = await cloud.listImages(call);
      expect(images).toContainEqual(expect.objectContaining({ name: subject.image, status: 'active' }));
    });

    it('name flavors with their memory and cores', async () => {
      const flavors = await cloud.listFlavors(call);
      expect(flavors.length).toBeGreaterThan(0);
      for (const flavor of flavors) {
        expect(flavor.ramMb).toBeGreaterThan(0);
        expect(flavor.cores).toBeGreaterThan(0);
      }
    });

    it('name networks, and tell where floating IPs come from', async () => {
      const networks = await cloud.listNetworks(call);
      expect(networks.some(network => network.isExternal)).toBe(subject.hasNetworkService);
      expect(networks.some(network => !network.isExternal)).toBe(subject.hasNetworkService);
    });

    it('have nothing that was never made', async () => {
      expect(await ours()).toEqual([]);
    });

    it('show every server, on however many pages, lesson 4', async () => {
      const wanted = await spec();
      const ids: ServerId[] = [];
      for (let index = 0; index < 5; index++) ids.push(await cloud.createServer(wanted, call));
      const all = await subject.until(async () => {
        const servers = await ours();
        return servers.length >= 5 && servers;
      });
      expect(all.map(server => server.id).sort()).toEqual([...ids].sort());
    });

    it('count what is used, and know how much there may be', async () => {
      const { ramMb, cores } = await cheapest();
      await booted();
      const quota = await cloud.quota(call);
      expect(quota.servers?.used).toBeGreaterThanOrEqual(1);
      expect(quota.ramMb?.used).toBeGreaterThanOrEqual(ramMb);
      expect(quota.cores?.used).toBeGreaterThanOrEqual(cores);
      const { max } = quota.servers ?? { max: 0 };
      expect(max === null || max >= 5).toBe(true);
    });

    async function cheapest() {
      const { flavorId: id } = await spec();
      const flavor = (await cloud.listFlavors(call)).find(each => each.id === id);
      if (flavor === undefined) throw new Error('the flavor is gone');
      return flavor;
    }
  });

  describe('a server', () => {
    it('has the name, the zone and the tag that it was asked for with', async () => {
      const id = await cloud.createServer(await spec({ az: subject.zone }), call);
      // The zone is known once the scheduler has placed the server.
      const server = await subject.until(async () => {
        const found = await listed(id);
        return found !== undefined && found.status !== 'BUILD' && found;
      });
      expect(server).toMatchObject({ name: 'nodepool-contract-1.example.org', az: subject.zone });
      expect(server.metadata).toEqual({ nodepool_tag: mark });
    });

    it('becomes ACTIVE and has an address', async () => {
      const server = await booted();
      expect(server.addresses[0]?.version).toBe(4);
      expect(server.addresses[0]?.address).toMatch(/^\d+(\.\d+){3}$/);
    });

    it('gets the key pair, the user data, the groups and the drive that it was asked for with', async () => {
      const keyName = `nodepool-${mark}`;
      await cloud.createKeypair({ name: keyName, publicKey }, call);
      const userData = '#cloud-config\npackages: [jq]\n# ü\n';
      const server = await booted({ keyName, userData, configDrive: true, securityGroups: ['default'] });
      expect(server.keyName).toBe(keyName);
    });

    it('is put on the network that it was asked for with', async () => {
      const network = (await cloud.listNetworks(call)).find(each => !each.isExternal);
      const wanted = network === undefined ? [] : [{ id: network.id, portId: null, fixedIp: null }];
      const server = await booted({ networks: wanted });
      if (network !== undefined) expect(server.addresses.map(address => address.network)).toEqual([network.name]);
      expect(server.addresses[0]?.kind).toBe('fixed');
    });

    it('has a console, or the cloud has none', async () => {
      const server = await booted();
      const log = await cloud.consoleLog(server.id, { lines: 2 }, call);
      expect(log === null || log.trimEnd().split('\n').length <= 3).toBe(true);
      expect(await cloud.consoleLog(serverId(nobody), { lines: 2 }, call)).toBeNull();
    });

    it('is gone some time after its deletion was accepted, from the list and by its id', async () => {
      const id = await cloud.createServer(await spec(), call);
      await subject.until(() => listed(id));
      await cloud.deleteServer(id, call);
      await subject.until(async () => (await cloud.getServer(id, call)) === null);
      await subject.until(async () => (await listed(id)) === undefined);
    });

    it('may be deleted twice, and so may one that never was', async () => {
      const id = await cloud.createServer(await spec(), call);
      await cloud.deleteServer(id, call);
      await cloud.deleteServer(id, call);
      await cloud.deleteServer(serverId(nobody), call);
    });

    it('that never was is null', async () => {
      expect(await cloud.getServer(serverId(nobody), call)).toBeNull();
    });
  });

  describe('a floating IP', () => {
    const listedAddress = async ({ id }: CloudAddress): Promise<CloudAddress | undefined> =>
      (await cloud.listAddresses(call)).find(address => address.id === id);
    const create = async (server: Server): Promise<CloudAddress> => {
      const address = await cloud.createAddress({ pool: null, server: server.id, tag: mark }, call);
      // Where it cannot carry the mark, nothing else would lead the clearing to it.
      untagged.push(address);
      return address;
    };
    const untagged: CloudAddress[] = [];

    afterEach(async () => {
      for (const { id } of untagged.splice(0)) await cloud.deleteAddress(id, call);
    });

    it('belongs to its server, bears its mark, and shows in the record of the server', async () => {
      const server = await booted();
      const address = await create(server);
      expect(address.serverId).toBe(server.id);
      expect(await listedAddress(address)).toEqual({
        ...address,
        tag: subject.hasNetworkService ? mark : null,
      });
      const seen = await subject.until(async () => {
        const found = await cloud.getServer(server.id, call);
        return found?.addresses.find(each => each.kind === 'floating');
      });
      expect(seen).toMatchObject({ version: 4, address: address.ip });
    });

    it('outlives its server, attached to nothing, and can be attached to another', async () => {
      const [first, second] = [await booted(), await booted()];
      const address = await create(first);
      await cloud.deleteServer(first.id, call);
      await subject.until(async () => (await cloud.getServer(first.id, call)) === null);
      await subject.until(async () => (await listedAddress(address))?.serverId === null);
      await cloud.attachAddress(address.id, second.id, call);
      expect(await listedAddress(address)).toMatchObject({ serverId: second.id, ip: address.ip });
    });

    it('is released while it is attached, and may be released twice', async () => {
      const address = await create(await booted());
      await cloud.deleteAddress(address.id, call);
      expect(await listedAddress(address)).toBeUndefined();
      await cloud.deleteAddress(address.id, call);
      await cloud.deleteAddress(addressId(nobody), call);
    });

    it('of an unknown pool is refused, and leaves nothing', async () => {
      const { id } = await booted();
      const outcome = cloud.createAddress({ pool: 'no-such-pool', server: id, tag: mark }, call);
      const fault = await rejectsWith(outcome, 'cloud.no-address');
      expect(fault.message).toContain('no-such-pool');
    });

    it('that could not be attached is released again', async () => {
      const before = (await cloud.listAddresses(call)).map(({ id }) => id);
      const outcome = cloud.createAddress({ pool: null, server: serverId(nobody), tag: mark }, call);
      await expect(outcome).rejects.toThrow(Fault);
      const after = (await cloud.listAddresses(call)).filter(({ id }) => !before.includes(id));
      expect(after.filter(address => address.tag === null || address.tag === mark)).toEqual([]);
    });
  });

  describe('a key pair', () => {
    it('is listed until it is deleted, which may be twice', async () => {
      const name = `nodepool-${mark}`;
      await cloud.createKeypair({ name, publicKey }, call);
      expect(await cloud.listKeypairs(call)).toContainEqual({ name });
      await cloud.deleteKeypair(name, call);
      expect(await cloud.listKeypairs(call)).not.toContainEqual({ name });
      await cloud.deleteKeypair(name, call);
    });

    it('of a name that is taken is a conflict', async () => {
      const name = `nodepool-${mark}`;
      await cloud.createKeypair({ name, publicKey }, call);
      await rejectsWith(cloud.createKeypair({ name, publicKey }, call), 'cloud.conflict');
    });
  });

  describe('ports', () => {
    it('come and go with their server', async () => {
      const { id } = await booted();
      const ofServer = async () => (await cloud.listPorts(call)).filter(port => port.serverId === id);
      expect((await ofServer()).map(port => port.status)).toEqual(subject.hasNetworkService ? ['ACTIVE'] : []);
      await cloud.deleteServer(id, call);
      await subject.until(async () => (await ofServer()).length === 0);
    });

    it('that never were may be deleted where there are ports', async () => {
      const outcome = cloud.deletePort(portId(nobody), call);
      if (subject.hasNetworkService) await outcome;
      else await rejectsWith(outcome, 'cloud.no-endpoint');
    });
  });

  describe('an image', () => {
    const metadata = () => ({ nodepool_tag: mark });

    it('is made of a server, and servers boot from it', async () => {
      const { id: server } = await booted();
      const id = await cloud.createImage(server, { name: 'nodepool-contract', metadata: metadata() }, call);
      const image = await subject.until(async () => {
        const found = await cloud.getImage(id, call);
        return found?.status === 'active' && found;
      });
      expect(image).toMatchObject({ id, name: 'nodepool-contract', metadata: metadata() });
      expect((await cloud.listImages(call)).map(each => each.id)).toContain(id);
      await booted({ imageId: id });
      await cloud.deleteImage(id, call);
      await subject.until(async () => (await cloud.getImage(id, call)) === null);
      await cloud.deleteImage(id, call);
    });

    it('of a server that never was is not made', async () => {
      const outcome = cloud.createImage(serverId(nobody), { name: 'nodepool-contract', metadata: metadata() }, call);
      await rejectsWith(outcome, 'cloud.not-found');
    });

    it('that never was is null, and may be deleted', async () => {
      expect(await cloud.getImage(imageId(nobody), call)).toBeNull();
      await cloud.deleteImage(imageId(nobody), call);
    });

    it('is made of a file, and tells how far it is', async () => {
      const dir = await mkdtemp(join(tmpdir(), 'nodepool-image-'));
      const file = join(dir, 'image.raw');
      const bytes = 300_000;
      await writeFile(file, Buffer.alloc(bytes, 7));
      const upload = { name: 'nodepool-contract', file, diskFormat: 'raw', containerFormat: 'bare' };
      const progress: [number, number][] = [];
      const onProgress = (sent: number, total: number): void => void progress.push([sent, total]);
      const outcome = cloud.uploadImage({ ...upload, properties: metadata() }, { ...call, onProgress });
      if (subject.hasImageService) {
        const id = await outcome;
        const image = await subject.until(async () => {
          const found = await cloud.getImage(id, call);
          return found?.status === 'active' && found;
        });
        expect(image).toMatchObject({ name: 'nodepool-contract', metadata: metadata() });
        const [sent, total] = progress.at(-1) ?? [];
        expect(sent).toBe(total);
        await cloud.deleteImage(id, call);
      } else await rejectsWith(outcome, 'cloud.no-endpoint');
      await rm(dir, { recursive: true });
    });
  });

  describe('its faults', () => {
    it.each<[string, Partial<ServerSpec>, FaultKind]>([
      ['image', { imageId: imageId(nobody) }, 'cloud.refused'],
      ['flavor', { flavorId: flavorId('no-such-flavor') }, 'cloud.refused'],
      ['zone', { az: 'no-such-zone' }, 'cloud.no-zone'],
      ['network', { networks: [{ id: nobody, portId: null, fixedIp: null }] }, 'cloud.no-network'],
      ['key pair', { keyName: 'no-such-key' }, 'cloud.refused'],
    ])('a server of an unknown %s is refused', async (_what, more, kind) => {
      await rejectsWith(cloud.createServer(await spec(more), call), kind);
    });

    it('a read that was called off is a fault too', async () => {
      await rejectsWith(cloud.listServers({ ...call, signal: AbortSignal.abort() }), 'cloud.timeout');
    });

    it('a write is not called off', async () => {
      const id = await cloud.createServer(await spec(), { ...call, signal: AbortSignal.abort() });
      await subject.until(() => listed(id));
    });
  });
}

/** Where the test can say how much there may be. */
export function cloudQuotaContract(open: () => Promise<CloudSubject & { limitServers(count: number): void }>): void {
  it('a server beyond the quota is a fault of its own, to be had elsewhere', async () => {
    const subject = await open();
    const { cloud } = subject;
    const mark = tag(`contract-${randomUUID()}`);
    subject.limitServers(1);
    await cloud.createServer(await specOf(subject, mark), call);
    const fault = await rejectsWith(cloud.createServer(await specOf(subject, mark), call), 'cloud.quota');
    expect(fault.retry).toBe('elsewhere');
    expect((await cloud.quota(call)).servers).toEqual({ used: 1, max: 1 });
    await cloud.close();
    await subject.close();
  });
}

/** A server from the image, of the smallest flavor. */
async function specOf(
  { cloud, image: name }: CloudSubject,
  mark: Tag,
  more: Partial<ServerSpec> = {},
): Promise<ServerSpec> {
  const image = (await cloud.listImages(call)).find(each => each.name === name && each.status === 'active');
  const flavor = [...(await cloud.listFlavors(call))].sort((a, b) => a.ramMb - b.ramMb)[0];
  if (image === undefined || flavor === undefined) throw new Error(`no image ${name}, or no flavor`);
  return {
    name: 'nodepool-contract-1.example.org',
    imageId: image.id,
    flavorId: flavor.id,
    az: null,
    networks: [],
    keyName: null,
    configDrive: null,
    securityGroups: [],
    userData: null,
    ...more,
    metadata: { nodepool_tag: mark, ...more.metadata },
  };
}

/** Whatever bears the mark goes; a server is waited for, because others must find room after it. */
async function clear(subject: CloudSubject, mark: Tag): Promise<void> {
  const { cloud } = subject;
  const isMarked = ({ metadata }: { readonly metadata: Readonly<Record<string, string>> }): boolean =>
    metadata['nodepool_tag'] === mark;
  const servers = (await cloud.listServers(call)).filter(isMarked);
  for (const server of servers) await cloud.deleteServer(server.id, call);
  for (const image of (await cloud.listImages(call)).filter(isMarked)) await cloud.deleteImage(image.id, call);
  for (const address of await cloud.listAddresses(call)) {
    if (address.tag === mark) await cloud.deleteAddress(address.id, call);
  }
  await cloud.deleteKeypair(`nodepool-${mark}`, call);
  if (servers.length > 0) await subject.until(async () => !(await cloud.listServers(call)).some(isMarked));
}

export async function rejectsWith(outcome: Promise<unknown>, kind: FaultKind): Promise<Fault> {
  const fault = await outcome.then(
    value => new Error(`no fault, but ${JSON.stringify(value)}`),
    (error: unknown) => error,
  );
  expect(fault).toBeInstanceOf(Fault);
  expect(fault).toMatchObject({ kind });
  return fault as Fault;
}
