/** The OpenStack that the environment names, as OpenStack's own programs read it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { computeUrl, networkUrl } from '../../src/adapters/openstack/catalog.js';
import { openCloud } from '../../src/adapters/openstack/cloud.js';
import { Deadline } from '../../src/adapters/openstack/deadline.js';
import { idText, jsonList, jsonObject, text, type Json } from '../../src/adapters/openstack/decode.js';
import { Http } from '../../src/adapters/openstack/http.js';
import { Service } from '../../src/adapters/openstack/service.js';
import { Session } from '../../src/adapters/openstack/session.js';
import { loadConfig } from '../../src/config/load.js';
import type { Provider } from '../../src/domain/pool-config.js';
import type { CloudNetwork, CloudPort } from '../../src/ports/cloud.js';
import { until } from '../support/until.js';

export const call = { deadlineMs: 60_000 };

/** Polled gently: each list of servers makes Nova ask Neutron for the ports of each of them. */
export const untilCloud = <T>(condition: () => T | Promise<T>) =>
  until(condition, { withinMs: 600_000, everyMs: 1_000 });

export interface RealCloud {
  /** The provider that `OS_CLOUD`, or the other variables `OS_…`, make. */
  readonly provider: Provider;
  /** Name of an active image that servers boot from: `NODEPOOLD_TEST_IMAGE`, or the first that is no snapshot. */
  readonly image: string;
  /** Names of the zones that have hosts. */
  readonly zones: readonly string[];
  /** A network whose addresses can be reached, and one that floating IPs come from. */
  readonly networks: { readonly inner: string; readonly external: string };
  /** Its servers have loopback addresses, as those of a cloud without hypervisor may: their part can be played here. */
  readonly isPlayable: boolean;
  open(): CloudPort;
}

export async function findRealCloud(): Promise<RealCloud> {
  const provider = await providerOfEnvironment();
  const cloud = openCloud(provider);
  try {
    const images = (await cloud.listImages(call)).filter(
      ({ status, metadata }) => status === 'active' && metadata['image_type'] !== 'snapshot',
    );
    const networks = await cloud.listNetworks(call);
    const networkThat = (isExternal: boolean): CloudNetwork => {
      const found = networks.find(network => network.isExternal === isExternal);
      if (found === undefined) throw new Error(`the cloud has no ${isExternal ? 'external' : 'inner'} network`);
      return found;
    };
    const inner = networkThat(false);
    const image = process.env['NODEPOOLD_TEST_IMAGE'] ?? images[0]?.name;
    if (image === undefined) throw new Error('the cloud has no active image; name one in NODEPOOLD_TEST_IMAGE');
    return {
      provider,
      image,
      zones: await zonesOf(provider),
      networks: { inner: inner.name, external: networkThat(true).name },
      isPlayable: await isOnLoopback(provider, inner),
      open: () => openCloud(provider),
    };
  } finally {
    await cloud.close();
  }
}

/** A configuration of one provider without keys of its own is what the daemon would make of this environment. */
async function providerOfEnvironment(): Promise<Provider> {
  const dir = await mkdtemp(join(tmpdir(), 'nodepool-openstack-'));
  const file = join(dir, 'nodepool.yaml');
  await writeFile(file, 'labels: []\ntargets: []\nproviders: [{name: real, max-servers: 5, images: []}]\n');
  const loaded = loadConfig({ file, secureFile: null, env: process.env, needsDatabase: false });
  await rm(dir, { recursive: true });
  const [provider] = loaded.kind === 'usable' ? loaded.config.providers : [];
  if (provider !== undefined) return provider;
  const problems = loaded.problems.map(({ message }) => message).join('; ');
  throw new Error(`OS_CLOUD (and OS_CLIENT_CONFIG_FILE) or the other variables OS_… are to name a cloud: ${problems}`);
}

async function zonesOf(provider: Provider): Promise<string[]> {
  const answer = await withService(provider, 'compute', (compute, deadline) =>
    compute.object('GET', '/os-availability-zone', deadline),
  );
  return jsonList(answer['availabilityZoneInfo'], 'zones')
    .map(zone => jsonObject(zone, 'zone'))
    .filter(zone => jsonObject(zone['zoneState'], 'zoneState')['available'] === true)
    .map(zone => text(zone['zoneName'], 'zoneName'));
}

async function isOnLoopback(provider: Provider, { id }: CloudNetwork): Promise<boolean> {
  const subnets = await withService(provider, 'network', (neutron, deadline) =>
    neutron.list({ path: `/subnets?network_id=${id}`, kind: 'subnets' }, each => jsonObject(each, 'subnet'), deadline),
  );
  return subnets.length > 0 && subnets.every(({ cidr }) => text(cidr, 'cidr').startsWith('127.'));
}

/** What the port does not offer, because the daemon does not need it. */
export async function withService<T>(
  { credentials, regionName, serviceType, serviceName }: Provider,
  which: 'compute' | 'network',
  ask: (service: Service, deadline: Deadline) => Promise<T>,
): Promise<T> {
  const http = new Http(credentials);
  const session = new Session(http, credentials);
  const service =
    which === 'compute'
      ? new Service(session, { type: serviceType, name: serviceName, region: regionName }, computeUrl)
      : new Service(session, { type: 'network', name: null, region: regionName }, networkUrl);
  const deadline = new Deadline('the tests', call);
  try {
    return await ask(service, deadline);
  } finally {
    deadline.end();
    await http.close();
  }
}

/** A network of addresses that nobody outside can reach, behind a router: its servers need floating IPs. */
export interface HiddenNetwork {
  readonly id: string;
  remove(): Promise<void>;
}

export async function makeHiddenNetwork({ provider, networks }: RealCloud, name: string): Promise<HiddenNetwork> {
  return withService(provider, 'network', async (neutron, deadline) => {
    const make = async (kind: string, order: Json): Promise<string> => {
      const made = jsonObject(
        (await neutron.object('POST', `/${kind}s`, deadline, { [kind]: { name, ...order } }))[kind],
        kind,
      );
      return idText(made['id'], 'id');
    };
    const all = await neutron.list({ path: '/networks', kind: 'networks' }, each => jsonObject(each, ''), deadline);
    const external = all.find(network => network['name'] === networks.external);
    const id = await make('network', {});
    const subnet = await make('subnet', { network_id: id, ip_version: 4, cidr: '10.200.0.0/24', enable_dhcp: false });
    const router = await make('router', { external_gateway_info: { network_id: idText(external?.['id'], 'id') } });
    await neutron.object('PUT', `/routers/${router}/add_router_interface`, deadline, { subnet_id: subnet });
    return {
      id,
      remove: () =>
        withService(provider, 'network', async (again, last) => {
          await again.object('PUT', `/routers/${router}/remove_router_interface`, last, { subnet_id: subnet });
          await again.delete(`/routers/${router}`, last);
          await again.delete(`/networks/${id}`, last);
        }),
    };
  });
}
