/** Looks at the world itself, while no daemon does: one question to each database, cloud, master, publisher and server. */
import { Fault, named } from '../../domain/fault.js';
import { pickFlavor } from '../../domain/flavor.js';
import { isNamed, networksOf } from '../../domain/network.js';
import type { PoolConfig, Provider, Target } from '../../domain/pool-config.js';
import type { SnapshotRow } from '../../domain/snapshot-row.js';
import type { CloudImage, CloudPort, Flavor } from '../../ports/cloud.js';
import type { StorePort } from '../../ports/store.js';
import type { OutsideWorld } from '../../ports/world.js';
import { examined, fine, finding, type Check } from './check.js';

/** A healthy peer answers in a second; an operator waits no longer than this. */
const deadlineMs = 15_000;

export async function checkOutside(
  config: PoolConfig,
  world: OutsideWorld,
  openStore: () => Promise<StorePort>,
): Promise<readonly Check[]> {
  const { check: database, snapshots } = await checkDatabase(openStore);
  const checks = await Promise.all([
    ...config.providers.map(provider => checkCloud(provider, { config, world, snapshots })),
    ...config.targets.map(async target => [await checkMaster(target, world)]),
    ...config.zmqPublishers.map(async endpoint => [await checkPublisher(endpoint, world)]),
    ...config.gearmanServers.map(async ({ host, port, ...rest }) => [
      await examined('gearman', `${host}:${port}`, async () => {
        const { functions } = await world.demand.status({ host, port, ...rest }, { deadlineMs });
        return `answers, ${functions.length} functions`;
      }),
    ]),
  ]);
  return [database, ...checks.flat()];
}

/** Null: nobody knows which images there are. */
type Snapshots = readonly SnapshotRow[] | null;

async function checkDatabase(openStore: () => Promise<StorePort>): Promise<{ check: Check; snapshots: Snapshots }> {
  let snapshots: Snapshots = null;
  const check = await examined('database', 'dburi', async () => {
    const store = await openStore();
    try {
      await store.attach();
      snapshots = await store.shared.snapshots();
      const nodes = await store.shared.nodes();
      return `answers, ${nodes.length} nodes, ${snapshots.length} images`;
    } finally {
      await store.close();
    }
  });
  return { check, snapshots };
}

// ── Clouds ───────────────────────────────────────────────────────────────────────────────────────────────────────

interface Known {
  readonly config: PoolConfig;
  readonly world: OutsideWorld;
  readonly snapshots: Snapshots;
}

async function checkCloud(provider: Provider, known: Known): Promise<readonly Check[]> {
  const cloud = known.world.openCloud(provider);
  try {
    const flavors = await cloud.listFlavors({ deadlineMs });
    const images = await cloud.listImages({ deadlineMs });
    const { servers } = await cloud.quota({ deadlineMs });
    const quota = servers === null || servers.max === null ? 'no limit of servers' : `${servers.max} servers allowed`;
    const check = fine('cloud', provider.name, `answers, ${flavors.length} flavors, ${images.length} images, ${quota}`);
    const tooFew = servers?.max ?? Infinity;
    const cut =
      tooFew < provider.maxServers && !provider.ignoreProviderQuota
        ? [
            finding(
              'cloud',
              provider.name,
              `its quota allows ${tooFew} of max-servers ${provider.maxServers}`,
              'lower max-servers, or ask for more quota',
            ),
          ]
        : [];
    return [
      check,
      ...cut,
      ...(await checkNetworks(provider, cloud)),
      ...checkImages(provider, { flavors, images }, known),
    ];
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return [finding('cloud', provider.name, named(error), error.next)];
  } finally {
    await cloud.close();
  }
}

/** Those that the configuration names. */
async function checkNetworks(provider: Provider, cloud: CloudPort): Promise<readonly Check[]> {
  if (!provider.networks.some(isNamed)) return [];
  const found = networksOf(await cloud.listNetworks({ deadlineMs }), provider);
  return found instanceof Fault ? [finding('cloud', provider.name, named(found), found.next)] : [];
}

interface Offered {
  readonly flavors: readonly Flavor[];
  readonly images: readonly CloudImage[];
}

/** The images that labels use in this provider. */
function checkImages(provider: Provider, offered: Offered, { config, snapshots }: Known): Check[] {
  const labels = config.labels.filter(({ minReady, providers }) => minReady >= 0 && providers.includes(provider.name));
  return [...new Set(labels.map(({ image }) => image))].map(name => {
    const subject = `${name} of ${provider.name}`;
    const trouble = imageTrouble(name, provider, offered, snapshots);
    if (trouble === null) return fine('image', subject, 'usable');
    return finding('image', subject, ...trouble);
  });
}

function imageTrouble(
  name: string,
  provider: Provider,
  { flavors, images }: Offered,
  snapshots: Snapshots,
): readonly [string, string] | null {
  const ours = provider.images.find(image => image.name === name);
  const theirs = provider.cloudImages.find(image => image.name === name);
  const wish = ours ?? theirs;
  if (wish === undefined) return ['the provider has no such image', 'add it to images or cloud-images of the provider'];
  if (pickFlavor(flavors, wish) === null) {
    return ['cloud.no-flavor: no flavor fits', 'check min-ram, name-filter and flavor-name of the image'];
  }
  const isThere = (wanted: string): boolean =>
    images.some(image => (image.id === wanted || image.name === wanted) && image.status === 'active');
  if (theirs !== undefined) {
    const wanted = theirs.imageId ?? theirs.imageName ?? '';
    return isThere(wanted)
      ? null
      : [`cloud.no-image: the cloud has no active image ${wanted}`, 'check image-name or image-id'];
  }
  const base = ours?.baseImage ?? null;
  if (base !== null && !isThere(base))
    return [`cloud.no-image: the cloud has no active base image ${base}`, 'check base-image'];
  const isBuilt = snapshots?.some(row => row.provider === provider.name && row.image === name && row.state === 'ready');
  if (isBuilt !== false) return null;
  return [
    'it has not been built',
    `nodepoold builds it when it starts; or nodepool image-update ${provider.name} ${name}`,
  ];
}

// ── Masters and publishers ───────────────────────────────────────────────────────────────────────────────────────

async function checkMaster(target: Target, world: OutsideWorld): Promise<Check> {
  if (target.jenkins === null) return fine('master', target.name, 'has no Jenkins, and needs none');
  const ci = world.openCi(target);
  try {
    return await examined('master', target.name, async () => {
      const { version, quietingDown } = await ci.status({ deadlineMs });
      const nodes = await ci.listNodes({ deadlineMs });
      const quiet = quietingDown ? ', but is quieting down' : '';
      return `answers, Jenkins ${version ?? 'of unknown version'}, ${nodes.length} nodes${quiet}`;
    });
  } finally {
    await ci.close();
  }
}

/** The handshake is awaited: an open port says nothing. */
async function checkPublisher(endpoint: string, { events }: OutsideWorld): Promise<Check> {
  let heard: (detail: string | null) => void = () => undefined;
  const connected = new Promise<string | null>(resolve => (heard = resolve));
  let last: string | null = null;
  const subscription = events.open(endpoint, {
    frame: () => undefined,
    link: (state, detail) => {
      if (state === 'connected') heard(null);
      else last = detail ?? last;
    },
  });
  const timer = setTimeout(() => heard(last ?? `no handshake within ${deadlineMs / 1000} s`), deadlineMs);
  try {
    const trouble = await connected;
    if (trouble === null) return fine('publisher', endpoint, 'connected');
    return finding('publisher', endpoint, trouble, 'check zmq-publishers, and that the ZMQ plugin of the master runs');
  } finally {
    clearTimeout(timer);
    await subscription.close();
  }
}
