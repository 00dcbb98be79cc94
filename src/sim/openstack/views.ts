import type { SimImage } from './images.js';
import type { SimFlavor } from './inventory.js';
import type { Network } from './network.js';
import type { SimServer } from './servers.js';

/** Nova's view of a server. `addresses` stays empty until the server is ACTIVE. */
export function serverView(
  server: SimServer,
  { projectId, network }: { readonly projectId: string; readonly network: Network },
): unknown {
  const created = isoSeconds(server.createdAt);
  return {
    id: server.id,
    name: server.name,
    status: server.status,
    tenant_id: projectId,
    user_id: 'user-id',
    metadata: server.metadata,
    hostId: server.status === 'ACTIVE' ? 'c0ffee' : '',
    image: { id: server.imageId, links: [] },
    flavor: { id: server.flavorId, links: [] },
    created,
    updated: created,
    addresses: server.status === 'ACTIVE' ? addressesOf(server, network) : {},
    accessIPv4: '',
    accessIPv6: '',
    links: [],
    'OS-DCF:diskConfig': 'MANUAL',
    ...(server.status === 'BUILD' ? { progress: 0 } : {}),
    'OS-EXT-AZ:availability_zone': server.status === 'BUILD' ? '' : server.zone,
    config_drive: server.hasConfigDrive ? 'True' : '',
    security_groups: server.securityGroups.map(name => ({ name })),
    key_name: server.keyName,
    'OS-EXT-STS:task_state': server.taskState,
    'OS-EXT-STS:vm_state': vmStates[server.status],
    'OS-EXT-STS:power_state': server.status === 'ACTIVE' ? 1 : 0,
    'os-extended-volumes:volumes_attached': [],
    ...(server.faultMessage === null ? {} : { fault: { code: 500, created, message: server.faultMessage } }),
  };
}

const vmStates = { BUILD: 'building', ACTIVE: 'active', ERROR: 'error' } as const;

/** By name of the network: the fixed address of each port, and the floating ones that stand before it. */
function addressesOf(server: SimServer, network: Network): Record<string, unknown[]> {
  const mac = `fa:16:3e:${server.id.slice(0, 2)}:${server.id.slice(2, 4)}:${server.id.slice(4, 6)}`;
  const entry = (addr: string, type: 'fixed' | 'floating') => ({
    version: addr.includes(':') ? 6 : 4,
    addr,
    'OS-EXT-IPS:type': type,
    'OS-EXT-IPS-MAC:mac_addr': mac,
  });
  const views: Record<string, unknown[]> = {};
  for (const port of network.portsOf(server.id)) {
    const floating = network.addressesOf(port).map(({ ip }) => entry(ip, 'floating'));
    (views[network.nameOf(port.networkId)] ??= []).push(entry(port.ip, 'fixed'), ...floating);
  }
  return views;
}

export function flavorView(flavor: SimFlavor): unknown {
  return {
    id: flavor.id,
    name: flavor.name,
    ram: flavor.ramMb,
    vcpus: flavor.cores,
    disk: 40,
    swap: '',
    'OS-FLV-EXT-DATA:ephemeral': 0,
    'OS-FLV-DISABLED:disabled': false,
    'os-flavor-access:is_public': true,
    rxtx_factor: 1,
    links: [],
  };
}

/** Nova's own view of an image, which has the status in capitals. */
export function imageView(image: SimImage): unknown {
  return {
    id: image.id,
    name: image.name,
    status: image.status === 'active' ? 'ACTIVE' : 'SAVING',
    progress: image.status === 'active' ? 100 : 50,
    metadata: image.metadata,
    minDisk: 0,
    minRam: 0,
    created: image.createdAt,
    updated: image.createdAt,
    links: [],
  };
}

/** Glance's view: metadata stand beside its own fields. */
export function glanceView(image: SimImage): unknown {
  return {
    ...image.metadata,
    id: image.id,
    name: image.name,
    status: image.status,
    visibility: image.isOwn ? 'private' : 'public',
    disk_format: image.diskFormat,
    container_format: image.containerFormat,
    size: image.bytes,
    min_disk: 0,
    min_ram: 0,
    protected: false,
    tags: [],
    created_at: image.createdAt,
    updated_at: image.createdAt,
    self: `/v2/images/${image.id}`,
    file: `/v2/images/${image.id}/file`,
    schema: '/v2/schemas/image',
  };
}

/** Nova writes times to the second. */
function isoSeconds(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}
