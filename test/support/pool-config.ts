/** A configuration in code: one label `bare`, one cloud `alpha`, one master `jenkins01`, unless told otherwise. */
import {
  noCredentials,
  type CloudImageConfig,
  type DiskImage,
  type Label,
  type PoolConfig,
  type Provider,
  type SnapshotImageConfig,
  type Target,
  type Timings,
} from '../../src/domain/pool-config.js';

export const publisher = 'tcp://jenkins01:8888';
export const gearman = { host: 'zuul', port: 4730 };

/** The defaults of the configuration file (DESIGN 5). */
const timings: Timings = {
  pass: 10_000,
  deleteDelay: 60_000,
  nodeCleanup: 28_800_000,
  testCleanup: 300_000,
  imageCleanup: 28_800_000,
  serverList: 5_000,
  poll: 2_000,
  serverDelete: 600_000,
  address: 600_000,
  templateBoot: 3_600_000,
  templateSsh: 600_000,
  distroSsh: 10_000,
  snapshot: 21_600_000,
  subnodeWait: 28_740_000,
  checkSsh: 60_000,
  script: 3_600_000,
  api: 60_000,
  gearman: 90_000,
  demandAge: 60_000,
  stop: 30_000,
};

export interface ConfigWish {
  readonly labels?: readonly (Partial<Label> & Pick<Label, 'name'>)[];
  readonly providers?: readonly (Partial<Provider> & Pick<Provider, 'name'>)[];
  readonly targets?: readonly (Partial<Target> & Pick<Target, 'name'>)[];
  readonly timings?: Partial<Timings>;
  readonly maxConnections?: number;
  readonly maxHoldAgeMs?: number | null;
  readonly scriptDir?: string | null;
  readonly diskimages?: readonly DiskImage[];
  readonly statsd?: Partial<PoolConfig['statsd']>;
}

export function poolConfig(wish: ConfigWish = {}): PoolConfig {
  const providers = (wish.providers ?? [{ name: 'alpha' }]).map(newProvider);
  const names = providers.map(each => each.name);
  return {
    labels: (wish.labels ?? [{ name: 'bare' }]).map(each => newLabel(each, names)),
    providers,
    targets: (wish.targets ?? [{ name: 'jenkins01' }]).map(newTarget),
    zmqPublishers: [publisher],
    gearmanServers: [gearman],
    cron: { imageUpdate: '14 2 * * *', cleanup: '* * * * *', check: '*/15 * * * *' },
    timings: { ...timings, ...wish.timings },
    groupKeyType: 'ed25519',
    scriptDir: wish.scriptDir === undefined ? '/scripts' : wish.scriptDir,
    elementsDir: null,
    imagesDir: null,
    diskimages: wish.diskimages ?? [],
    dburi: 'embedded:',
    database: { maxConnections: wish.maxConnections ?? null },
    control: { socket: null, http: null, writeTokenFile: null, readTokenFile: null },
    stateDir: '/state',
    statsd: { host: null, port: 8125, prefix: '', keys: 'seed', ...wish.statsd },
    maxHoldAgeMs: wish.maxHoldAgeMs ?? null,
    buildLogs: { dir: null, retention: 0 },
    disabled: [],
  };
}

function newLabel(label: Partial<Label> & Pick<Label, 'name'>, providers: readonly string[]): Label {
  return {
    image: 'img',
    minReady: 2,
    subnodes: 0,
    readyScript: null,
    providers,
    maxReadyAgeMs: null,
    consoleLog: false,
    hostname: null,
    subnodeHostname: null,
    ...label,
  };
}

function newProvider(provider: Partial<Provider> & Pick<Provider, 'name'>): Provider {
  return {
    credentials: {
      ...noCredentials,
      authUrl: `https://${provider.name}/v3`,
      username: 'nodepool',
      password: 'secret',
      projectName: 'nodepool',
    },
    regionName: null,
    serviceType: 'compute',
    serviceName: null,
    maxServers: 10,
    maxCores: null,
    maxRamMb: null,
    ignoreProviderQuota: false,
    launchRetries: 3,
    hostKeyChecking: true,
    keypair: null,
    pool: null,
    rateMs: 1,
    bootTimeoutMs: 300_000,
    launchTimeoutMs: 3_600_000,
    apiTimeoutMs: null,
    networks: [],
    securityGroups: [],
    availabilityZones: [],
    templateHostname: 'template-{image.name}-{timestamp}',
    ipv6Preferred: false,
    cleanFloatingIps: false,
    imageType: null,
    concurrency: { workers: 1, calls: 8, launches: 40, deletes: 40, imageBuilds: 2 },
    images: [],
    cloudImages: [cloudImage],
    ...provider,
  };
}

const login = {
  minRamMb: 8192,
  nameFilter: null,
  flavorName: null,
  username: 'jenkins',
  privateKeyFile: '/keys/id_ed25519',
  sshPort: 22,
  userData: null,
  configDrive: null,
};

export const cloudImage: CloudImageConfig = { ...login, name: 'img', imageId: null, imageName: 'img', keyName: null };

/** An image that is built from the cloud's `img`. */
export function snapshotImage(rest: Partial<SnapshotImageConfig> = {}): SnapshotImageConfig {
  return {
    ...login,
    name: 'snap',
    baseImage: 'img',
    setup: 'setup.sh',
    reset: null,
    rebuildAgeMs: null,
    isPaused: false,
    canaries: 0,
    replaceOldNodes: false,
    diskimage: null,
    userHome: '/home/jenkins',
    meta: {},
    ...rest,
  };
}

function newTarget(target: Partial<Target> & Pick<Target, 'name'>): Target {
  return {
    jenkins: {
      url: `https://${target.name}/`,
      user: 'nodepool',
      apikey: 'secret',
      credentialsId: 'credentials',
      testJob: null,
    },
    rateMs: 1,
    hostname: '{label.name}-{provider.name}-{node_id}.slave.example.org',
    subnodeHostname: '{label.name}-{provider.name}-{node_id}-{subnode_id}.slave.example.org',
    assignViaGearman: false,
    ...target,
  };
}
