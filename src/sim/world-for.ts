import { noCredentials, type PoolConfig, type Provider, type Target } from '../domain/pool-config.js';
import type { MasterOptions } from './jenkins/settings.js';
import type { CloudOptions } from './openstack/settings.js';
import type { World, WorldOptions } from './world.js';

/** Latencies and faults for every cloud and master, and whatever else the world should be like. */
export interface WorldTuning extends Omit<Partial<WorldOptions>, 'clouds' | 'masters'> {
  readonly cloud?: Omit<CloudOptions, 'name' | 'images'>;
  readonly master?: Omit<MasterOptions, 'name'>;
}

/** A world that has what this configuration asks of its providers and targets. */
export function worldOptionsFor(config: PoolConfig, tuning: WorldTuning = {}): WorldOptions {
  const { cloud, master, ...rest } = tuning;
  const logins = config.providers.flatMap(provider => [...provider.images, ...provider.cloudImages]);
  const testJobs = config.targets.flatMap(target => target.jenkins?.testJob ?? []);
  return {
    ...rest,
    clouds: config.providers.map(provider => ({ ...cloudFor(provider), ...cloud })),
    masters: config.targets.flatMap(target => (target.jenkins ? [{ ...master, name: target.name }] : [])),
    jobs: unique([...(rest.jobs ?? ['demo-job']), ...testJobs]),
    usernames: unique([...(rest.usernames ?? []), ...logins.map(image => image.username), 'jenkins']),
  };
}

/** The same configuration, pointed at the world: everything that says where and as whom, and nothing else. */
export function rewire(config: PoolConfig, world: World): PoolConfig {
  const { gearman } = world;
  return {
    ...config,
    providers: config.providers.map(provider => rewireProvider(provider, world)),
    targets: config.targets.map(target => rewireTarget(target, world)),
    zmqPublishers: [...world.masters.values()].map(master => master.zmqEndpoint),
    gearmanServers: gearman ? [{ host: gearman.host, port: gearman.port }] : [],
  };
}

function cloudFor(provider: Provider): CloudOptions {
  const named = provider.networks.flatMap(({ id, name }) =>
    (id ?? name) ? [{ id: id ?? `${name}-id`, name: name ?? id ?? '' }] : [],
  );
  return {
    name: provider.name,
    ...(provider.regionName === null ? {} : { region: provider.regionName }),
    serviceType: provider.serviceType,
    ...(provider.serviceName === null ? {} : { serviceName: provider.serviceName }),
    maxServers: Math.max(0, provider.maxServers),
    images: imagesFor(provider),
    flavors: flavorsFor(provider),
    zones: provider.availabilityZones,
    networks: named,
    ...(provider.pool === null ? {} : { pools: [provider.pool] }),
    keypairs: [provider.keypair, ...provider.cloudImages.map(image => image.keyName)].filter(name => name !== null),
    securityGroups: provider.securityGroups,
  };
}

function imagesFor(provider: Provider): { id: string; name: string }[] {
  const wanted = [
    ...provider.cloudImages.map(image => ({ id: image.imageId, name: image.imageName })),
    ...provider.images.map(image => baseImage(image.baseImage)),
  ];
  const images = new Map<string, { id: string; name: string }>();
  for (const { id, name } of wanted) {
    const key = id ?? name;
    // Several are made of one.
    if (key === null || images.has(key)) continue;
    images.set(key, { id: id ?? `image-of-${provider.name}-${images.size + 1}`, name: name ?? key });
  }
  return [...images.values()];
}

/** A base image that begins like a UUID is an id; anything else is a name. */
function baseImage(text: string | null): { id: string | null; name: string | null } {
  const isId = text !== null && /^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}/i.test(text);
  return isId ? { id: text, name: null } : { id: null, name: text };
}

/** One flavor for each kind that the images ask for. */
function flavorsFor(provider: Provider): { name: string; ramMb: number }[] {
  const flavors = new Map<string, { name: string; ramMb: number }>();
  for (const { minRamMb, nameFilter, flavorName } of [...provider.images, ...provider.cloudImages]) {
    const name = flavorName ?? [nameFilter, `${minRamMb} MB`].filter(Boolean).join(' ');
    flavors.set(name, { name, ramMb: Math.max(minRamMb, flavors.get(name)?.ramMb ?? 0) });
  }
  return [...flavors.values()];
}

function rewireProvider(provider: Provider, world: World): Provider {
  const cloud = world.clouds.get(provider.name);
  if (!cloud) return provider;
  const login = { privateKeyFile: world.ssh.privateKeyFile, sshPort: world.ssh.port };
  // A configuration of 2014 is rehearsed with the protocol of 2014.
  const isV2 = /\/v2\.0\/?$/.test(provider.credentials.authUrl ?? '');
  return {
    ...provider,
    regionName: cloud.region,
    credentials: {
      ...noCredentials,
      authUrl: isV2 ? cloud.authUrlV2 : cloud.authUrl,
      username: cloud.username,
      password: cloud.password,
      projectName: cloud.projectName,
    },
    images: provider.images.map(image => ({ ...image, ...login })),
    cloudImages: provider.cloudImages.map(image => ({ ...image, ...login })),
  };
}

function rewireTarget(target: Target, world: World): Target {
  const master = world.masters.get(target.name);
  if (!target.jenkins || !master) return target;
  const { url, user, apikey, credentialsId } = master;
  return { ...target, jenkins: { ...target.jenkins, url, user, apikey, credentialsId } };
}

function unique(names: readonly string[]): string[] {
  return [...new Set(names)];
}
