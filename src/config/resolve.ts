import type {
  CloudImageConfig,
  Disabled,
  DiskImage,
  GearmanServer,
  ImageLogin,
  Label,
  Network,
  PoolConfig,
  Provider,
  SnapshotImageConfig,
  Target,
  Timings,
} from '../domain/pool-config.js';
import type { Secrets } from './credentials.js';
import { cronerOrder } from './formats.js';
import type {
  CloudImageKeys,
  FileKeys,
  ImageKeys,
  LabelKeys,
  ProviderKeys,
  TargetImageKeys,
  TargetKeys,
} from './keys.js';
import { credentialsOf, type ProviderSecrets } from './provider-credentials.js';

/** The checked keys as the rest of the program wants them: our names, milliseconds, defaults that depend on others. */
export function resolve(
  keys: FileKeys,
  secrets: Secrets,
  options: { readonly stateDir: string; readonly disabled: readonly Disabled[] },
): PoolConfig {
  const isDisabled = (kind: Disabled['kind'], name: string) =>
    options.disabled.some(disabled => disabled.kind === kind && disabled.name === name);
  return {
    labels: [...keys.labels, ...labelsOf2013(keys.targets)]
      .filter(label => !isDisabled('label', label.name))
      .map(label =>
        labelOf(label, name => !isDisabled('provider', name) && !isDisabled('pairing', `${label.name}/${name}`)),
      ),
    providers: keys.providers
      .filter(provider => !isDisabled('provider', provider.name))
      .map(provider => providerOf(provider, secretsFor(provider.name, secrets))),
    targets: keys.targets.filter(target => !isDisabled('target', target.name)).map(target => targetOf(target, secrets)),
    zmqPublishers: keys['zmq-publishers'],
    gearmanServers: keys['gearman-servers'].map(gearmanServerOf),
    cron: {
      imageUpdate: cronerOrder(keys.cron['image-update']),
      cleanup: cronerOrder(keys.cron.cleanup),
      check: cronerOrder(keys.cron.check),
    },
    timings: timingsOf(keys.timings),
    groupKeyType: keys['group-key-type'],
    scriptDir: keys['script-dir'],
    elementsDir: keys['elements-dir'],
    imagesDir: keys['images-dir'],
    diskimages: keys.diskimages.map(diskimageOf),
    dburi: secrets.dburi,
    database: { maxConnections: keys.database['max-connections'] },
    control: {
      socket: keys.control.socket,
      http: keys.control.http ?? webappAddress(keys.webapp),
      writeTokenFile: keys.control['write-token-file'],
      readTokenFile: keys.control['read-token-file'],
    },
    stateDir: keys['state-dir'] ?? options.stateDir,
    statsd: statsdOf(keys.statsd),
    maxHoldAgeMs: millisecondsOrNull(keys['max-hold-age']),
    buildLogs: { dir: keys['build-log-dir'], retention: keys['build-log-retention'] },
    disabled: options.disabled,
  };
}

function labelOf(label: LabelKeys, isUsable: (provider: string) => boolean): Label {
  return {
    name: label.name,
    image: label.image,
    minReady: label['min-ready'],
    subnodes: label.subnodes,
    readyScript: label['ready-script'],
    providers: (label.providers ?? []).map(provider => provider.name).filter(isUsable),
    maxReadyAgeMs: millisecondsOrNull(label['max-ready-age']),
    consoleLog: label['console-log'],
    hostname: label.hostname,
    subnodeHostname: label['subnode-hostname'],
  };
}

/** Before there were labels, targets said which images they want; what several of them want of one is added up. */
function labelsOf2013(targets: readonly TargetKeys[]): LabelKeys[] {
  const wanted = new Map<string, TargetImageKeys[]>();
  for (const image of targets.flatMap(({ images }) => images)) {
    wanted.set(image.name, [...(wanted.get(image.name) ?? []), image]);
  }
  return [...wanted].map(([name, images]) => ({
    name,
    image: name,
    'min-ready': stockOf(images),
    subnodes: 0,
    'ready-script': null,
    providers: [...new Set(images.flatMap(({ providers }) => providers ?? []).map(each => each.name))].map(each => ({
      name: each,
    })),
    'max-ready-age': null,
    'console-log': false,
    hostname: null,
    'subnode-hostname': null,
  }));
}

/** Disabled where all want it so. */
function stockOf(images: readonly TargetImageKeys[]): number {
  const wanted = images.map(image => image['min-ready']).filter(count => count >= 0);
  return wanted.length === 0 ? -1 : wanted.reduce((sum, count) => sum + count);
}

const secretsFor = (provider: string, { passwords, caCertificates, accounts }: Secrets): ProviderSecrets => ({
  password: passwords.get(provider) ?? null,
  caCertificates: caCertificates.get(provider) ?? null,
  account: accounts.get(provider) ?? null,
});

/** At this pause between calls a cloud is being spared, and calls go one by one as in the original. */
const SPARING_RATE_SECONDS = 0.1;

function providerOf(provider: ProviderKeys, secrets: ProviderSecrets): Provider {
  const { concurrency } = provider;
  return {
    name: provider.name,
    credentials: credentialsOf(provider, secrets),
    regionName: provider['region-name'] ?? secrets.account?.regionName ?? null,
    serviceType: provider['service-type'],
    serviceName: provider['service-name'],
    maxServers: provider['max-servers'],
    maxCores: provider['max-cores'],
    maxRamMb: provider['max-ram'],
    ignoreProviderQuota: provider['ignore-provider-quota'],
    launchRetries: provider['launch-retries'],
    hostKeyChecking: provider['host-key-checking'],
    keypair: provider.keypair,
    pool: provider.pool,
    rateMs: milliseconds(provider.rate),
    bootTimeoutMs: milliseconds(provider['boot-timeout']),
    launchTimeoutMs: milliseconds(provider['launch-timeout']),
    apiTimeoutMs: millisecondsOrNull(provider['api-timeout']),
    networks: provider.networks.map(networkOf),
    securityGroups: provider['security-groups'],
    availabilityZones: provider['availability-zones'],
    templateHostname: provider['template-hostname'],
    ipv6Preferred: provider['ipv6-preferred'],
    cleanFloatingIps: provider['clean-floating-ips'],
    imageType: provider['image-type'],
    concurrency: {
      workers: concurrency.workers,
      calls: concurrency.calls ?? (provider.rate >= SPARING_RATE_SECONDS ? 1 : 8),
      launches: concurrency.launches ?? provider['max-concurrency'] ?? 40,
      deletes: concurrency.deletes,
      imageBuilds: concurrency['image-builds'],
    },
    images: provider.images.map(imageOf),
    cloudImages: provider['cloud-images'].map(cloudImageOf),
  };
}

function networkOf(network: ProviderKeys['networks'][number]): Network {
  return {
    id: network['net-id'],
    name: network.name ?? network['net-label'],
    portId: network['port-id'],
    fixedIp: network['v4-fixed-ip'],
    isPublic: network.public,
  };
}

function loginOf(image: ImageKeys | CloudImageKeys): ImageLogin {
  return {
    name: image.name,
    minRamMb: image['min-ram'] ?? 0,
    nameFilter: image['name-filter'],
    flavorName: image['flavor-name'],
    username: image.username,
    privateKeyFile: image['private-key'],
    sshPort: image['ssh-port'],
    userData: image.userdata,
    configDrive: image['config-drive'],
  };
}

function imageOf(image: ImageKeys): SnapshotImageConfig {
  return {
    ...loginOf(image),
    baseImage: image['base-image'],
    setup: image.setup,
    reset: image.reset,
    rebuildAgeMs: millisecondsOrNull(image['rebuild-age']),
    isPaused: image.pause,
    canaries: image.canary,
    replaceOldNodes: image['replace-old-nodes'],
    diskimage: image.diskimage,
    userHome: image['user-home'],
    meta: image.meta,
  };
}

function cloudImageOf(image: CloudImageKeys): CloudImageConfig {
  const imageId = image['image-id'];
  return {
    ...loginOf(image),
    imageId,
    imageName: imageId === null ? (image['image-name'] ?? image.name) : null,
    keyName: image['key-name'],
  };
}

function diskimageOf(diskimage: FileKeys['diskimages'][number]): DiskImage {
  return {
    name: diskimage.name,
    file: diskimage.file,
    command: diskimage.command,
    elements: diskimage.elements,
    release: diskimage.release,
    envVars: diskimage['env-vars'],
    rebuildAgeMs: millisecondsOrNull(diskimage['rebuild-age']),
    isPaused: diskimage.pause,
    buildTimeoutMs: milliseconds(diskimage['build-timeout']),
    qemuImgOptions: diskimage['qemu-img-options'],
  };
}

function targetOf(target: TargetKeys, secrets: Secrets): Target {
  const master = secrets.masters.get(target.name) ?? null;
  return {
    name: target.name,
    jenkins: master === null ? null : { ...master, testJob: target.jenkins?.['test-job'] ?? null },
    rateMs: milliseconds(target.rate),
    hostname: target.hostname,
    subnodeHostname: target['subnode-hostname'],
    assignViaGearman: target['assign-via-gearman'],
  };
}

function gearmanServerOf(server: FileKeys['gearman-servers'][number]): GearmanServer {
  const { host, port, 'ssl-ca': caFile, 'ssl-cert': certFile, 'ssl-key': keyFile, 'ssl-legacy': isLegacy } = server;
  const isPlain = caFile === null && certFile === null && keyFile === null;
  return isPlain ? { host, port } : { host, port, tls: { caFile, certFile, keyFile, isLegacy } };
}

/** Either of the two turns it on, as in the original. */
function statsdOf({ host, port, prefix, keys }: FileKeys['statsd']): PoolConfig['statsd'] {
  return { host: host ?? (port === null ? null : 'localhost'), port: port ?? 8125, prefix, keys };
}

function timingsOf(timings: FileKeys['timings']): Timings {
  return {
    pass: milliseconds(timings.pass),
    deleteDelay: milliseconds(timings['delete-delay']),
    nodeCleanup: milliseconds(timings['node-cleanup']),
    testCleanup: milliseconds(timings['test-cleanup']),
    imageCleanup: milliseconds(timings['image-cleanup']),
    serverList: milliseconds(timings['server-list']),
    poll: milliseconds(timings.poll),
    serverDelete: milliseconds(timings['server-delete']),
    address: milliseconds(timings.address),
    templateBoot: milliseconds(timings['template-boot']),
    templateSsh: milliseconds(timings['template-ssh']),
    distroSsh: milliseconds(timings['distro-ssh']),
    snapshot: milliseconds(timings.snapshot),
    subnodeWait: milliseconds(timings['subnode-wait']),
    checkSsh: milliseconds(timings['check-ssh']),
    script: milliseconds(timings.script),
    api: milliseconds(timings.api),
    gearman: milliseconds(timings.gearman),
    demandAge: milliseconds(timings['demand-age']),
    stop: milliseconds(timings.stop),
  };
}

function webappAddress(webapp: FileKeys['webapp']): string | null {
  if (webapp === null) return null;
  const address = webapp.listen_address;
  return `${address.includes(':') && !address.startsWith('[') ? `[${address}]` : address}:${webapp.port}`;
}

/** A rate of 0.0015 stays 1.5 ms; binary noise of the multiplication goes. */
const milliseconds = (seconds: number): number => Math.round(seconds * 1e6) / 1000;
const millisecondsOrNull = (seconds: number | null): number | null => (seconds === null ? null : milliseconds(seconds));
