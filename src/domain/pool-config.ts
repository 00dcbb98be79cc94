/**
 * The configuration as the rest of the program sees it: checked, defaults filled in, durations in milliseconds, names
 * resolved. `src/config` makes it from nodepool.yaml (reference 2) and is the only maker.
 */

export interface PoolConfig {
  readonly labels: readonly Label[];
  readonly providers: readonly Provider[];
  readonly targets: readonly Target[];
  /** ZeroMQ endpoints, for example `tcp://jenkins1:8888`. */
  readonly zmqPublishers: readonly string[];
  readonly gearmanServers: readonly GearmanServer[];
  /** Five fields, or six with the seconds first, as croner reads them; 0 and 7 are Sunday. */
  readonly cron: { readonly imageUpdate: string; readonly cleanup: string; readonly check: string };
  readonly timings: Timings;
  /** Of the key by which the nodes of a group reach each other. */
  readonly groupKeyType: GroupKeyType;
  readonly scriptDir: string | null;
  readonly elementsDir: string | null;
  readonly imagesDir: string | null;
  readonly diskimages: readonly DiskImage[];
  /** SQLAlchemy spelling (reference 2.1) or `embedded:`. Null only for `demo`, `rehearse` and offline commands. */
  readonly dburi: string | null;
  readonly database: { readonly maxConnections: number | null };
  readonly control: {
    readonly socket: string | null;
    /** HOST:PORT, loopback. */
    readonly http: string | null;
    readonly writeTokenFile: string | null;
    readonly readTokenFile: string | null;
  };
  readonly stateDir: string;
  readonly statsd: {
    readonly host: string | null;
    readonly port: number;
    readonly prefix: string;
    readonly keys: 'seed' | '0.3' | 'both';
  };
  /** How long a node may be held when the `hold` command names no time. Null: for ever. */
  readonly maxHoldAgeMs: number | null;
  readonly buildLogs: { readonly dir: string | null; readonly retention: number };
  /**
   * What the file names but cannot have, because of a bad cross reference. A disabled label is absent from `labels`;
   * its nodes and images are not to be retired for that.
   */
  readonly disabled: readonly Disabled[];
}

export interface Disabled {
  /** `pairing`: one provider of a label, named LABEL/PROVIDER. `image`: cannot be built, named PROVIDER/IMAGE. */
  readonly kind: 'label' | 'provider' | 'target' | 'pairing' | 'image';
  readonly name: string;
  /** The problem as `config-validate` prints it, with its line. */
  readonly reason: string;
}

export type GroupKeyType = 'ed25519' | 'rsa';

export interface Label {
  readonly name: string;
  /** Name of an image or cloud-image of each of its providers. */
  readonly image: string;
  /** Stock to keep. Negative: the label is disabled. */
  readonly minReady: number;
  /** Extra servers launched with each node. */
  readonly subnodes: number;
  readonly readyScript: string | null;
  /** Provider names, in the order of the file. */
  readonly providers: readonly string[];
  /** A ready node older than this is replaced. Null: never. */
  readonly maxReadyAgeMs: number | null;
  /** Whether the server's console is fetched into the log when a launch fails. */
  readonly consoleLog: boolean;
  /** Templates of host names, for targets that have none. */
  readonly hostname: string | null;
  readonly subnodeHostname: string | null;
}

export interface Provider {
  readonly name: string;
  readonly credentials: Credentials;
  readonly regionName: string | null;
  readonly serviceType: string;
  readonly serviceName: string | null;
  /** Nodes and subnodes together. Negative counts as 0: the provider drains. */
  readonly maxServers: number;
  /** Bounds on the flavors of all servers together. Null: none. */
  readonly maxCores: number | null;
  readonly maxRamMb: number | null;
  /** Whether the cloud's own quota is left out of account. */
  readonly ignoreProviderQuota: boolean;
  /** Launches of one node before it is given up. */
  readonly launchRetries: number;
  /** Whether a server's SSH host key is recorded and must stay the same. */
  readonly hostKeyChecking: boolean;
  readonly keypair: string | null;
  /** Floating-IP pool. */
  readonly pool: string | null;
  /** Milliseconds between API calls. */
  readonly rateMs: number;
  readonly bootTimeoutMs: number;
  readonly launchTimeoutMs: number;
  /** Null: `timings.api`. */
  readonly apiTimeoutMs: number | null;
  readonly networks: readonly Network[];
  /** By name or id. Empty: the project's default group. */
  readonly securityGroups: readonly string[];
  readonly availabilityZones: readonly string[];
  readonly templateHostname: string;
  readonly ipv6Preferred: boolean;
  readonly cleanFloatingIps: boolean;
  readonly imageType: string | null;
  readonly concurrency: Concurrency;
  readonly images: readonly SnapshotImageConfig[];
  readonly cloudImages: readonly CloudImageConfig[];
}

/** A domain, project or credential of Keystone: its id, or its name. */
export type IdOrName = { readonly id: string } | { readonly name: string };

/** Who a provider is to its cloud, wherever the operator wrote it: nodepool.yaml, clouds.yaml or the environment. */
export interface Credentials {
  readonly authUrl: string | null;
  /** Generation of Keystone. Null: as auth-url says, or as Keystone does. */
  readonly identityVersion: 2 | 3 | null;
  readonly username: string | null;
  readonly userId: string | null;
  readonly userDomain: IdOrName;
  readonly password: string | null;
  /** Instead of a password; it has its project in it. */
  readonly applicationCredential: ApplicationCredential | null;
  readonly projectName: string | null;
  readonly projectId: string | null;
  readonly projectDomain: IdOrName;
  /** Which of a service's addresses are used. */
  readonly endpoints: 'public' | 'internal' | 'admin';
  /** PEM, instead of the system's certificate authorities. */
  readonly caCertificates: string | null;
  readonly isPeerVerified: boolean;
  /** Name in clouds.yaml. */
  readonly cloud: string | null;
  /** Why these cannot be used at all, for people. */
  readonly trouble: string | null;
}

/** By its id; or by its name, which only the user who made it has (given above). */
export interface ApplicationCredential {
  readonly credential: IdOrName;
  readonly secret: string;
}

/** `default` is the id of the domain that every Keystone v3 has. */
const defaultDomain: IdOrName = { id: 'default' };

/** What stands for everything that is not said. */
export const noCredentials: Credentials = {
  authUrl: null,
  identityVersion: null,
  username: null,
  userId: null,
  userDomain: defaultDomain,
  password: null,
  applicationCredential: null,
  projectName: null,
  projectId: null,
  projectDomain: defaultDomain,
  endpoints: 'public',
  caCertificates: null,
  isPeerVerified: true,
  cloud: null,
  trouble: null,
};

export interface Concurrency {
  /** Worker threads. */
  readonly workers: number;
  /** API calls in flight. */
  readonly calls: number;
  /** Nodes being launched at once. */
  readonly launches: number;
  readonly deletes: number;
  readonly imageBuilds: number;
}

export interface Network {
  readonly id: string | null;
  readonly name: string | null;
  readonly portId: string | null;
  readonly fixedIp: string | null;
  readonly isPublic: boolean;
}

/** What every image says about the machines that boot from it. */
export interface ImageLogin {
  readonly name: string;
  readonly minRamMb: number;
  readonly nameFilter: string | null;
  readonly flavorName: string | null;
  readonly username: string;
  readonly privateKeyFile: string;
  readonly sshPort: number;
  readonly userData: string | null;
  /** Null: the cloud decides. */
  readonly configDrive: boolean | null;
}

/** An image of the cloud that exists already: no row, never deleted by us. */
export interface CloudImageConfig extends ImageLogin {
  readonly imageId: string | null;
  readonly imageName: string | null;
  /** Key pair of the cloud that the servers are to trust, made by somebody else. */
  readonly keyName: string | null;
}

/** An image made by snapshot (reference 12), or uploaded from a disk image (0.3). */
export interface SnapshotImageConfig extends ImageLogin {
  readonly baseImage: string | null;
  readonly setup: string | null;
  /** Parsed and compared as ever; the original never used it either. */
  readonly reset: string | null;
  /** Rebuilt when this old, besides the `image-update` schedule. Null: by the schedule alone. */
  readonly rebuildAgeMs: number | null;
  /** Not rebuilt while true. */
  readonly isPaused: boolean;
  /** Launches that try out a new image before all others follow. */
  readonly canaries: number;
  /** Whether ready nodes from an older image are replaced, a few at a time. */
  readonly replaceOldNodes: boolean;
  readonly diskimage: string | null;
  readonly userHome: string;
  readonly meta: Readonly<Record<string, string>>;
}

export interface DiskImage {
  readonly name: string;
  /** Made by somebody else: only sent. */
  readonly file: string | null;
  /** Makes it; null: diskimage-builder does, of its elements. */
  readonly command: string | null;
  readonly elements: readonly string[];
  readonly release: string | null;
  readonly envVars: Readonly<Record<string, string>>;
  readonly rebuildAgeMs: number | null;
  readonly isPaused: boolean;
  readonly buildTimeoutMs: number;
  /** For diskimage-builder, where it makes qcow2. */
  readonly qemuImgOptions: string;
}

export interface Target {
  readonly name: string;
  /** Null: nodes become ready and nobody is told. */
  readonly jenkins: JenkinsMaster | null;
  readonly rateMs: number;
  /** Template of a node's host name (reference 2.8); null: the label's, or the usual one. */
  readonly hostname: string | null;
  readonly subnodeHostname: string | null;
  readonly assignViaGearman: boolean;
}

export interface JenkinsMaster {
  readonly url: string;
  readonly user: string;
  readonly apikey: string;
  readonly credentialsId: string | null;
  readonly testJob: string | null;
}

export interface GearmanServer {
  readonly host: string;
  readonly port: number;
  /** Absent: in the clear. */
  readonly tls?: GearmanTls;
}

export interface GearmanTls {
  /** Null: the authorities that the system trusts, and then the name in the certificate counts. */
  readonly caFile: string | null;
  /** Both or neither. */
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** TLS 1.0 and 1.1, and what goes with them. */
  readonly isLegacy: boolean;
}

/** Milliseconds each. The keys and defaults are in DESIGN 5, `timings`. */
export interface Timings {
  readonly pass: number;
  readonly deleteDelay: number;
  readonly nodeCleanup: number;
  readonly testCleanup: number;
  readonly imageCleanup: number;
  readonly serverList: number;
  readonly poll: number;
  readonly serverDelete: number;
  readonly address: number;
  readonly templateBoot: number;
  readonly templateSsh: number;
  readonly distroSsh: number;
  readonly snapshot: number;
  readonly subnodeWait: number;
  readonly checkSsh: number;
  readonly script: number;
  readonly api: number;
  readonly gearman: number;
  readonly demandAge: number;
  readonly stop: number;
}
