/** Turns a simulated world into a `nodepool.yaml` for the real programs. */
import { writeFile } from 'node:fs/promises';
import { stringify } from 'yaml';
import type { SimCloud } from '../../src/sim/openstack/cloud.js';
import type { World, WorldSsh } from '../../src/sim/world.js';
import { imageName } from './e2e-world.js';

export interface PoolFile {
  readonly dburi: string;
  readonly stateDir: string;
  readonly socket: string;
  /** Stock to keep, by label. */
  readonly labels: Readonly<Record<string, number>>;
  /** Keys of each provider, by the name of its cloud. */
  readonly providers: Readonly<Record<string, ProviderKeys>>;
  /** Providers whose clouds are not of this world, with all their keys. */
  readonly elsewhere?: readonly Readonly<Record<string, unknown>>[];
  /** Keys of masters, by name. */
  readonly targets?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly timings?: Readonly<Record<string, number>>;
  /** More keys of the file. */
  readonly more?: Readonly<Record<string, unknown>>;
}

export interface ProviderKeys {
  readonly 'max-servers': number;
  readonly [key: string]: unknown;
}

/** Minutes become fractions of a second. */
const quickTimings = {
  pass: 0.3,
  'delete-delay': 0.5,
  'server-list': 0.3,
  poll: 0.1,
  'check-ssh': 5,
  api: 4,
  gearman: 2,
  'demand-age': 20,
  stop: 10,
};

export async function writePoolFile(file: string, world: World, pool: PoolFile): Promise<void> {
  await writeFile(file, stringify(poolFile(world, pool)), { mode: 0o600 });
}

/** The keys that lead to a cloud and into its machines. */
export function providerOf(cloud: SimCloud, ssh: WorldSsh): ProviderKeys {
  return {
    name: cloud.name,
    'region-name': cloud.region,
    'auth-url': cloud.authUrl,
    username: cloud.username,
    password: cloud.password,
    'project-name': cloud.projectName,
    'max-servers': 0,
    rate: 0.001,
    'boot-timeout': 30,
    'launch-timeout': 60,
    'cloud-images': [
      {
        name: imageName,
        'image-name': imageName,
        'min-ram': 2048,
        username: ssh.username,
        'private-key': ssh.privateKeyFile,
        'ssh-port': ssh.port,
      },
    ],
  };
}

function poolFile(world: World, pool: PoolFile): unknown {
  const { dburi, stateDir, socket, labels, providers, elsewhere = [], targets = {}, timings, more } = pool;
  const { gearman, ssh } = world;
  return {
    dburi,
    'state-dir': stateDir,
    control: { socket },
    'zmq-publishers': [...world.masters.values()].map(master => master.zmqEndpoint),
    'gearman-servers': gearman ? [{ host: gearman.host, port: gearman.port }] : [],
    labels: Object.entries(labels).map(([name, minReady]) => ({
      name,
      image: imageName,
      'min-ready': minReady,
      providers: Object.keys(providers).map(provider => ({ name: provider })),
    })),
    providers: [
      ...[...world.clouds.values()].map(cloud => ({ ...providerOf(cloud, ssh), ...providers[cloud.name] })),
      ...elsewhere,
    ],
    targets: [...world.masters.values()].map(master => ({
      name: master.name,
      rate: 0.001,
      jenkins: {
        url: master.url,
        user: master.user,
        apikey: master.apikey,
        'credentials-id': master.credentialsId,
        ...targets[master.name],
      },
    })),
    timings: { ...quickTimings, ...timings },
    ...more,
  };
}
