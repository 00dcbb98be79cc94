import { z } from 'zod';
import { usualHostnames } from '../domain/template.js';
import * as formats from './formats.js';
import type { Check } from './formats.js';

/**
 * Every key of nodepool.yaml, described once. Loading, validation, `docs/configuration.md` and `config/schema.json`
 * all come from this file: a key that is not here does not exist.
 *
 * Convict reads the keys marked `env` from the environment too; zod checks everything. Durations are seconds.
 */

export interface KeyNotes {
  /** Which generation brought it: the original of 2014, its release 0.3, its successors, or this program. */
  readonly since: '2014' | '0.3' | 'later' | 'here';
  /** Environment variable that goes before the file. */
  readonly env?: string;
  /** Never repeated in a message. */
  readonly isSecret?: true;
  /** What stands for an absent key when that is not a plain value. */
  readonly defaultText?: string;
}

const key = <T extends z.ZodType>(type: T, description: string, notes: KeyNotes | KeyNotes['since'] = '2014'): T =>
  type.meta({ description, ...(typeof notes === 'string' ? { since: notes } : notes) });

const checked = (...checks: Check[]) =>
  z.string().superRefine((value, context) => {
    for (const check of checks) {
      const complaint = check(value);
      if (complaint === null) continue;
      context.addIssue({ code: 'custom', message: complaint.message, params: { suggestion: complaint.suggestion } });
      return;
    }
  });

const text = () => checked(formats.nonEmpty);
const optional = <T extends z.ZodType>(type: T) => type.nullable().default(null);
const flag = (value: boolean) => z.boolean().default(value);
const whole = (min: number, max = 2_147_483_647) => z.int().min(min).max(max);
/** A year: a longer timer is a slip of the keyboard, and Node's own timers end at 24 days. */
const SECONDS_MAX = 366 * 86_400;
const seconds = (min = 0) => z.number().min(min).max(SECONDS_MAX);
/** The shortest pause of a loop; less would be a busy wait. */
const PAUSE_MIN = 0.01;
const port = () => z.int().min(0).max(65_535);
const texts = () => z.record(z.string(), z.string()).default({});

/** Glance's own limits in 2014. The original dropped the whole map beyond them, without a word. */
const PROPERTIES_MAX = 5;
const PROPERTY_LENGTH_MAX = 255;

const imageProperties = () =>
  z
    .record(z.string(), z.string())
    .superRefine((properties, context) => {
      const entries = Object.entries(properties);
      if (entries.length > PROPERTIES_MAX) {
        const message = `${entries.length} entries, of at most ${PROPERTIES_MAX}`;
        context.addIssue({ code: 'custom', message });
      }
      for (const [property, value] of entries) {
        if (property.length <= PROPERTY_LENGTH_MAX && value.length <= PROPERTY_LENGTH_MAX) continue;
        const message = `longer than ${PROPERTY_LENGTH_MAX} characters`;
        context.addIssue({ code: 'custom', message, path: [property] });
      }
    })
    .default({});

/** What a template may name (reference 2.8): the text and number keys that 2014's objects had, dashes as underscores. */
const own = ['node_id', 'timestamp'];
const labelFields = ['name', 'image', 'min_ready', 'subnodes', 'ready_script'].map(field => `label.${field}`);
const providerFields = (
  'name username auth_url project_id project_name service_type service_name region_name max_servers keypair pool ' +
  'rate boot_timeout launch_timeout image_type'
)
  .split(' ')
  .map(field => `provider.${field}`);
const imageFields = 'name base_image min_ram name_filter setup reset username diskimage user_home'
  .split(' ')
  .map(field => `image.${field}`);
export const fieldsOfTemplates = {
  hostname: [...own, ...labelFields, ...providerFields],
  'subnode-hostname': [...own, 'subnode_id', ...labelFields, ...providerFields],
  'template-hostname': ['timestamp', ...imageFields, ...providerFields],
} as const;
const template = (key: keyof typeof fieldsOfTemplates) => checked(formats.templateOf(fieldsOfTemplates[key]));

export function notesOf(type: z.ZodType): (KeyNotes & { readonly description: string }) | null {
  return (type.meta() ?? null) as (KeyNotes & { readonly description: string }) | null;
}

/** The type inside `nullable` and `default`. */
export function bare(type: z.ZodType): z.ZodType {
  let inner = type;
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodNullable ||
    inner instanceof z.ZodOptional
  ) {
    inner = inner.unwrap() as z.ZodType;
  }
  return inner;
}

/** The keys of a map, in the order of their descriptions. */
export const entriesOf = (type: z.ZodObject): [string, z.ZodType][] =>
  Object.entries(type.shape as unknown as Record<string, z.ZodType>);

/** What a list holds, or a map of free keys; null for anything else. */
export function elementOf(type: z.ZodType): z.ZodType | null {
  if (type instanceof z.ZodArray) return bare(type.element as unknown as z.ZodType);
  return type instanceof z.ZodRecord ? bare(type.valueType as unknown as z.ZodType) : null;
}

const name = (what: string, since: KeyNotes['since'] = '2014') => key(text(), what, since);

const login = {
  'min-ram': key(
    optional(whole(0)),
    'MiB of memory that the flavor must have at least. Required, unless `flavor-name` is given.',
  ),
  'name-filter': key(optional(text()), 'Text that the name of the flavor must contain; upper and lower case differ.'),
  'flavor-name': key(optional(text()), 'Name of the flavor itself, instead of a choice by memory.', 'later'),
  username: key(text().default('jenkins'), 'SSH login on the machines.'),
  'private-key': key(
    text().default('/var/lib/jenkins/.ssh/id_rsa'),
    'File with the SSH key for that login; one that everybody can read is refused. Also sent to Jenkins, as a path, when the target has no `credentials-id`.',
  ),
  'ssh-port': key(port().min(1).default(22), 'Port of the SSH daemon.', 'here'),
  userdata: key(
    optional(checked(formats.nonEmpty, formats.userData)),
    'User data of the servers, as cloud-init reads it: at most 49,149 bytes, which Nova takes.',
    'later',
  ),
};

const configDrive = () =>
  key(optional(z.boolean()), 'Whether servers get a config drive.', {
    since: '0.3',
    defaultText: 'the cloud decides',
  });

export const imageKeys = z.strictObject({
  name: name('What labels call it. Equal names in several providers mean equivalent images.'),
  'base-image': key(
    optional(text()),
    'Name or UUID of the image of the cloud that the build starts from. Required, unless `diskimage` is given.',
  ),
  ...login,
  setup: key(optional(text()), 'Script in `script-dir` that is run while the image is built.'),
  reset: key(optional(text()), 'Accepted as ever, and as ever without effect.'),
  diskimage: key(optional(text()), 'A built disk image to use instead of a snapshot.', '0.3'),
  'user-home': key(text().default('/home/jenkins'), 'Remote root of the Jenkins slave.', '0.3'),
  meta: key(
    imageProperties(),
    'Properties of the image: at most 5, names and values of at most 255 characters.',
    '0.3',
  ),
  'config-drive': configDrive(),
  'rebuild-age': key(optional(seconds(1)), 'Also rebuilt when older than this.', {
    since: 'later',
    defaultText: 'only by `cron.image-update`',
  }),
  pause: key(flag(false), 'Not rebuilt while true.', 'later'),
  canary: key(
    whole(0, 1000).default(0),
    'So many launches try out a new image before all others follow; it is set back when a larger share of them fails ' +
      'than of the launches from its predecessor.',
    'here',
  ),
  'replace-old-nodes': key(
    flag(false),
    'Whether ready nodes from an older image are replaced, a tenth of them at a time.',
    'here',
  ),
});

export const cloudImageKeys = z.strictObject({
  name: name('What labels call it.', 'later'),
  'image-id': key(optional(text()), "The cloud's id of the image.", 'later'),
  'image-name': key(optional(text()), "The cloud's name of the image.", {
    since: 'later',
    defaultText: '`name`, without an `image-id`',
  }),
  ...login,
  'min-ram': key(whole(0).default(0), 'MiB of memory that the flavor must have at least.', 'later'),
  'config-drive': configDrive(),
  'key-name': key(
    optional(text()),
    'Existing key pair of the cloud that the servers are to trust, for images that trust no key of their own. Never ' +
      'deleted.',
    'later',
  ),
});

const networkKeys = z.strictObject({
  'net-id': key(optional(text()), 'Id of the network.'),
  name: key(optional(text()), 'Name of the network.', '0.3'),
  'net-label': key(optional(text()), 'The older spelling of `name`.', '0.3'),
  public: key(flag(false), 'Whether its addresses are the public ones.', '0.3'),
  'port-id': key(optional(text()), 'Id of an existing port to use.'),
  'v4-fixed-ip': key(optional(text()), 'IPv4 address to ask for.'),
});

const concurrencyKeys = z.strictObject({
  workers: key(whole(1, 64).default(1), "Worker threads for this provider's calls.", 'here'),
  calls: key(optional(whole(1, 1000)), 'API calls in flight.', {
    since: 'here',
    defaultText: '1 when `rate` is 0.1 or more, else 8',
  }),
  launches: key(optional(whole(1, 100_000)), 'Nodes being launched at once.', {
    since: 'here',
    defaultText: '`max-concurrency`, else 40',
  }),
  deletes: key(whole(1, 100_000).default(40), 'Nodes being deleted at once.', 'here'),
  'image-builds': key(whole(1, 1000).default(2), 'Images being built at once.', 'here'),
});

const domain: KeyNotes = { since: 'here', defaultText: 'the domain `default`' };

export const providerKeys = z.strictObject({
  name: name('Identity; stored in the database.'),
  cloud: key(
    optional(text()),
    'A cloud of `clouds.yaml`, or `envvars` for the one of the variables `OS_…`: see "Credentials of a cloud" below. ' +
      'The five keys of the credentials are then not needed; those that are given go before.',
    '0.3',
  ),
  username: key(optional(text()), 'Keystone user. Required without `cloud`.'),
  password: key(optional(text()), 'Keystone password. Required without `cloud`, here or as one of the below.', {
    since: '2014',
    env: 'NODEPOOLD_PROVIDER_NAME_PASSWORD',
    isSecret: true,
  }),
  'password-file': key(optional(text()), 'File with the password, instead of `password`.', 'here'),
  'auth-url': key(optional(checked(formats.nonEmpty, formats.httpUrl)), 'Keystone. Required without `cloud`.'),
  'project-id': key(
    optional(text()),
    'Name of the tenant, as in 2014, or an id of 32 hexadecimal digits. Required without `cloud`, or the next.',
  ),
  'project-name': key(optional(text()), 'The same by its later name.', '0.3'),
  'user-domain': key(optional(text()), 'Keystone v3 domain of the user, by name or id.', domain),
  'project-domain': key(optional(text()), 'Keystone v3 domain of the project, by name or id.', domain),
  cacert: key(
    optional(text()),
    "File with the certificates (PEM) of the cloud's authority, instead of the system's. Relative to the directory of " +
      'this file.',
    'here',
  ),
  'service-type': key(text().default('compute'), 'Entry of the service catalogue.'),
  'service-name': key(optional(text()), 'Entry of the service catalogue.'),
  'region-name': key(optional(text()), 'Region of the service catalogue.'),
  'max-servers': key(
    whole(-1_000_000, 1_000_000),
    'Nodes and subnodes at most, together. 0 or less drains the provider: nothing is launched, what is there finishes.',
  ),
  'max-cores': key(optional(whole(0)), 'Cores of all servers together, at most.', 'later'),
  'max-ram': key(optional(whole(0)), 'MiB of memory of all servers together, at most.', 'later'),
  'ignore-provider-quota': key(flag(false), "Whether the cloud's own quota is left out of account.", 'later'),
  keypair: key(
    optional(text()),
    'Existing key pair of the cloud to build images with; its private key comes from the SSH agent. Never deleted.',
  ),
  pool: key(
    optional(text()),
    'Pool or external network of the floating IPs that servers without a public address get. Without it: any.',
  ),
  rate: key(seconds().default(1), 'Pause between API calls.'),
  'api-timeout': key(optional(seconds(PAUSE_MIN)), 'Deadline of one API call.', {
    since: '0.3',
    defaultText: '`timings.api`',
  }),
  'boot-timeout': key(seconds().default(60), 'How long SSH is tried once a server is ACTIVE.'),
  'launch-timeout': key(seconds().default(3600), 'How long a server may take to become ACTIVE.'),
  'launch-retries': key(
    whole(1, 100).default(3),
    'Launches of subnodes that may fail before their whole group is given up. A single node that fails is replaced by ' +
      'another one.',
    'later',
  ),
  'host-key-checking': key(flag(true), "Whether a server's SSH host key is recorded and must stay the same.", 'later'),
  networks: key(z.array(networkKeys).default([]), 'Networks of the servers, each by one of its names.'),
  'security-groups': key(
    z.array(text()).default([]),
    'Security groups of the servers, by name or id, instead of the group `default` of the project.',
    'later',
  ),
  'availability-zones': key(z.array(text()).default([]), 'One is picked for each node; its subnodes use the same.'),
  'template-hostname': key(
    template('template-hostname').default('template-{image.name}-{timestamp}'),
    'Template of the name of the server an image is built on, and of the snapshot. The original of 2014 had ' +
      '`{image.name}-{timestamp}.template.openstack.org`.',
  ),
  'ipv6-preferred': key(flag(false), 'Whether the public IPv6 address is used if there is one.', '0.3'),
  'clean-floating-ips': key(flag(false), 'Whether all unattached floating IPs of the project are deleted.', '0.3'),
  'image-type': key(optional(text()), 'Disk-image format for uploads.', {
    since: '0.3',
    defaultText: "the cloud's profile",
  }),
  'max-concurrency': key(optional(whole(1, 100_000)), 'The later name of `concurrency.launches`.', 'later'),
  concurrency: key(concurrencyKeys.prefault({}), 'How much is done at once.', 'here'),
  images: key(z.array(imageKeys).default([]), 'Images that are built here. Required without `cloud-images`.'),
  'cloud-images': key(
    z.array(cloudImageKeys).default([]),
    'Images of the cloud that exist already: never built, never deleted. Labels may name them too.',
    'later',
  ),
});

export const labelKeys = z.strictObject({
  name: name('The label in Jenkins, and in demand.'),
  image: key(text(), 'Name of an image or cloud image of each of its providers.'),
  'min-ready': key(
    whole(-1_000_000, 1_000_000).default(2),
    'Stock to keep. 0: launch only on demand. Negative: the label is disabled.',
  ),
  subnodes: key(whole(0, 1000).default(0), 'Extra servers launched with each node.'),
  'ready-script': key(
    optional(text()),
    'Script in `/opt/nodepool-scripts` that is run on each machine of a node just before it is ready. A restart of ' +
      'the daemon may run it a second time.',
  ),
  providers: key(
    optional(z.array(z.strictObject({ name: name('Name of a provider.') }))),
    'Which providers may supply it. Required, unless `min-ready` is negative.',
  ),
  hostname: key(
    optional(template('hostname')),
    'Template of the names of its nodes, where the target has none. The manual of 2014 had it here, and the original ' +
      'did not read it.',
    '2014',
  ),
  'subnode-hostname': key(optional(template('subnode-hostname')), 'The same of its subnodes.', '2014'),
  'max-ready-age': key(
    optional(seconds(1)),
    'A node that has been ready for longer is replaced: a tenth of them at each cleanup, one at least.',
    {
      since: 'later',
      defaultText: 'never',
    },
  ),
  'console-log': key(flag(false), "Whether the server's console goes to the log when a launch fails.", 'later'),
});

const jenkinsKeys = z.strictObject({
  url: key(optional(checked(formats.nonEmpty, formats.httpUrl)), 'Address of the master.'),
  user: key(optional(text()), 'Its user.'),
  apikey: key(optional(text()), "That user's API token.", {
    since: '2014',
    env: 'NODEPOOLD_TARGET_NAME_APIKEY',
    isSecret: true,
  }),
  'apikey-file': key(optional(text()), 'File with the token, instead of `apikey`.', 'here'),
  'credentials-id': key(optional(text()), 'Jenkins credential for the SSH connections of the slaves.'),
  'test-job': key(optional(text()), 'Acceptance job: a node is ready when it succeeded there.'),
});

const targetImageKeys = z.strictObject({
  name: name('Name of an image of each of its providers, and of the label.'),
  'min-ready': key(whole(-1_000_000, 1_000_000).default(2), 'Stock to keep for this target.'),
  providers: key(
    optional(z.array(z.strictObject({ name: name('Name of a provider.') }))),
    'Which providers may supply it. Required, unless `min-ready` is negative.',
  ),
});

export const targetKeys = z.strictObject({
  name: name('Identity; stored in the database.'),
  jenkins: key(
    optional(jenkinsKeys),
    'The Jenkins master: `url`, `user` and `apikey`, here or in `secure.conf`. Without one, nodes become ready and ' +
      'nobody is told.',
  ),
  rate: key(seconds().default(1), 'Pause between calls to Jenkins; taking a node offline does not wait for it.'),
  hostname: key(
    optional(template('hostname')),
    'Template of the name of a node. The original of 2014 added `.slave.openstack.org` to the default.',
    { since: '2014', defaultText: `that of the label, else \`${usualHostnames.hostname}\`` },
  ),
  'subnode-hostname': key(
    optional(template('subnode-hostname')),
    'Template of the name of a subnode. The original of 2014 added `.slave.openstack.org` to the default.',
    { since: '2014', defaultText: `that of the label, else \`${usualHostnames.subnodeHostname}\`` },
  ),
  'assign-via-gearman': key(flag(false), 'Whether nodes are handed to a Zuul launcher over Gearman.', '0.3'),
  images: key(
    z.array(targetImageKeys).default([]),
    'The layout of 2013, before there were labels: each image is read as a label of its name, and the stock that several ' +
      'targets want of it is added up.',
  ),
});

export const diskimageKeys = z.strictObject({
  name: name('What the images of the providers call it.', '0.3'),
  file: key(optional(text()), 'File of an image that is made by somebody else; it is only sent to the clouds.', 'here'),
  command: key(
    optional(text()),
    'Shell command that makes the image, instead of diskimage-builder: a file `$DIB_IMAGE_FILENAME.FORMAT` for each of ' +
      '`$NODEPOOL_IMAGE_FORMATS`.',
    'here',
  ),
  elements: key(z.array(text()).default([]), 'Elements of diskimage-builder.', '0.3'),
  release: key(optional(text()), 'Release of the distribution.', '0.3'),
  'env-vars': key(texts(), 'Environment of the build.', '0.3'),
  'qemu-img-options': key(
    text().default('compat=0.10'),
    'How diskimage-builder is to make qcow2; the default is what clouds of 2014 read. 0.3 had no such key any more.',
    '2014',
  ),
  'rebuild-age': key(optional(seconds(1)), 'Also rebuilt when older than this.', {
    since: 'later',
    defaultText: 'only by `cron.image-update`',
  }),
  pause: key(flag(false), 'Not rebuilt while true.', 'later'),
  'build-timeout': key(seconds(1).default(28_800), 'How long a build may take.', 'later'),
});

const gearmanServerKeys = z.strictObject({
  host: key(checked(formats.nonEmpty, formats.hostName), 'Host name or address.'),
  port: key(port().min(1).default(4730), 'Port.'),
  'ssl-ca': key(
    optional(text()),
    'File with the authority of the server’s certificate. One of the `ssl-` files, and the server is spoken to by TLS.',
    { since: 'here', defaultText: 'no TLS' },
  ),
  'ssl-cert': key(optional(text()), 'File with our certificate, for servers that ask for one, as Zuul’s do.', 'here'),
  'ssl-key': key(optional(text()), 'File with the key of that certificate.', 'here'),
  'ssl-legacy': key(
    flag(false),
    'Also TLS 1.0 and 1.1, which the Gearman server of Zuul 2 does not go beyond.',
    'here',
  ),
});

const timing = (value: number, description: string, min = 0) => key(seconds(min).default(value), description, 'here');

export const timingKeys = z.strictObject({
  pass: timing(10, 'Fallback allocation round, probe of the targets, poll of Gearman.', PAUSE_MIN),
  'delete-delay': timing(60, 'Between the end of a job and the deletion of its node, for Jenkins to fetch the log.'),
  'node-cleanup': timing(28_800, 'A node in a state other than ready and hold for so long is deleted.'),
  'test-cleanup': timing(300, 'The same in state test.'),
  'image-cleanup': timing(28_800, 'An image that is not kept is deleted at this age.'),
  'server-list': timing(5, 'Age at which the list of servers is fetched again.'),
  poll: timing(2, 'Pause of every loop that waits for the cloud.', PAUSE_MIN),
  'server-delete': timing(600, 'How long a server may take to be gone before its deletion is asked again.', PAUSE_MIN),
  address: timing(600, 'How long a floating IP may take to be attached.', PAUSE_MIN),
  'template-boot': timing(3600, 'How long the server of an image build may take to become ACTIVE.', PAUSE_MIN),
  'template-ssh': timing(600, 'How long SSH to that server is tried.', PAUSE_MIN),
  'distro-ssh': timing(10, "How long each distribution's user is tried there.", PAUSE_MIN),
  snapshot: timing(21_600, 'How long a snapshot may take to become ACTIVE.', PAUSE_MIN),
  'subnode-wait': timing(28_740, 'How long a node waits for its subnodes, from the start of its launch.', PAUSE_MIN),
  'check-ssh': timing(60, 'How long the periodic check tries SSH.', PAUSE_MIN),
  script: timing(3600, 'How long a setup or ready script may take.', PAUSE_MIN),
  api: timing(60, 'Deadline of one call to a cloud or to Jenkins.', PAUSE_MIN),
  gearman: timing(90, 'Deadline of one question to a Gearman server.', PAUSE_MIN),
  'demand-age': timing(60, 'How long the last good answer of Gearman counts.'),
  stop: timing(30, 'How long a graceful stop may take.'),
});

const cron = (value: string, what: string) => key(checked(formats.cronExpression).default(value), what);

const cronKeys = z.strictObject({
  'image-update': cron('14 2 * * *', 'Rebuild every image.'),
  cleanup: cron('* * * * *', 'Delete what should have been deleted.'),
  check: cron('*/15 * * * *', 'Check the ready nodes by SSH.'),
});

const controlKeys = z.strictObject({
  socket: key(optional(text()), 'Unix socket of the daemon.', {
    since: 'here',
    defaultText: '`nodepoold.sock` in `/run/nodepool`, else in `state-dir`',
  }),
  http: key(optional(checked(formats.loopbackHostPort)), 'HOST:PORT on loopback for API, metrics and live page.', {
    since: 'here',
    env: 'NODEPOOLD_HTTP',
  }),
  'write-token-file': key(optional(text()), 'File with the bearer token for writes over TCP.', 'here'),
  'read-token-file': key(optional(text()), 'File with the bearer token for reads over TCP.', 'here'),
});

const webappKeys = z.strictObject({
  port: key(port().default(8005), 'Port of `control.http`, by its later name.', 'later'),
  listen_address: key(checked(formats.loopbackHost).default('127.0.0.1'), 'Address of the same.', 'later'),
});

const statsdKeys = z.strictObject({
  host: key(
    optional(checked(formats.nonEmpty, formats.hostName)),
    'Where statsd is. Without it and `port` nothing is sent.',
    {
      since: 'here',
      env: 'STATSD_HOST',
      defaultText: '`localhost` where `port` is given',
    },
  ),
  port: key(optional(port().min(1)), 'Its UDP port.', { since: 'here', env: 'STATSD_PORT', defaultText: '`8125`' }),
  prefix: key(z.string().default(''), 'Put before every key.', { since: 'here', env: 'STATSD_PREFIX' }),
  keys: key(z.enum(['seed', '0.3', 'both']).default('seed'), 'Whose names of keys are used.', 'here'),
});

export const fileKeys = z.strictObject({
  'group-key-type': key(
    z.enum(['ed25519', 'rsa']).default('ed25519'),
    'Key by which the nodes of a group reach each other; `rsa` for images whose SSH is older than 2014.',
    'here',
  ),
  'script-dir': key(optional(text()), 'Directory whose files are copied to the server of an image build.'),
  dburi: key(
    optional(checked(formats.nonEmpty, formats.databaseUri)),
    'The database: `mysql://`, `mysql+pymysql://`, `postgresql://`, `postgresql+psycopg2://`, or `embedded:` for a ' +
      'PostgreSQL of its own below `state-dir`. TLS by options: `ssl_ca`, `ssl_cert`, `ssl_key`, `ssl_verify_cert`, ' +
      '`ssl_check_hostname` for MySQL, `sslmode`, `sslrootcert`, `sslcert`, `sslkey` for PostgreSQL. Required, here or ' +
      'as one of the below.',
    { since: '2014', env: 'NODEPOOLD_DBURI', isSecret: true },
  ),
  'dburi-file': key(optional(text()), 'File with the `dburi`, instead of it.', {
    since: 'here',
    env: 'NODEPOOLD_DBURI_FILE',
  }),
  database: key(
    z
      .strictObject({
        'max-connections': key(
          optional(whole(1, 100_000)),
          'Connections at most: five of the daemon itself, the others lent to nodes and images, one at least.',
          {
            since: 'here',
            defaultText: 'what the server allows, less 10',
          },
        ),
      })
      .prefault({}),
    'The connections to it.',
    'here',
  ),
  'state-dir': key(optional(text()), 'Where the daemon keeps what is its own.', {
    since: 'here',
    env: 'NODEPOOLD_STATE_DIR',
    defaultText: '`$STATE_DIRECTORY`, `/var/lib/nodepool` if writable, else `~/.local/state/nodepool`',
  }),
  cron: key(
    cronKeys.prefault({}),
    'Schedules: `minute hour day month weekday`, and seconds as a sixth field. Sunday is 0 or 7.',
  ),
  'zmq-publishers': key(
    z.array(checked(formats.nonEmpty, formats.zmqEndpoint)).default([]),
    'Endpoints of the ZMQ Event Publisher of each Jenkins master, as `tcp://HOST:8888`.',
  ),
  'gearman-servers': key(
    z.array(gearmanServerKeys).default([]),
    "Zuul's Gearman servers, asked for demand. Without one, `min-ready` alone counts.",
  ),
  labels: key(z.array(labelKeys).default([]), 'What jobs ask for.'),
  providers: key(z.array(providerKeys).default([]), 'The clouds.'),
  targets: key(z.array(targetKeys).default([]), 'The Jenkins masters.'),
  diskimages: key(z.array(diskimageKeys).default([]), 'Images for diskimage-builder.', '0.3'),
  'zookeeper-servers': key(
    z
      .array(
        gearmanServerKeys.pick({ host: true }).extend({
          port: key(port().min(1).default(2181), 'Port.'),
          chroot: key(optional(text()), 'Path.'),
        }),
      )
      .default([]),
    'Accepted, and without effect: all state is in the database.',
    'later',
  ),
  'elements-dir': key(optional(text()), 'Elements of diskimage-builder.', '0.3'),
  'images-dir': key(optional(text()), 'Where built disk images are written.', '0.3'),
  'build-log-dir': key(optional(text()), 'Where the logs of image builds are written.', 'later'),
  'build-log-retention': key(whole(1, 10_000).default(7), 'Logs kept of each image.', 'later'),
  'max-hold-age': key(optional(seconds(1)), 'How long a node is held when `hold` names no time.', {
    since: 'later',
    defaultText: 'for ever',
  }),
  control: key(controlKeys.prefault({}), "The daemon's API.", 'here'),
  webapp: key(optional(webappKeys), 'The later spelling of `control.http`, which goes before it.', 'later'),
  statsd: key(statsdKeys.prefault({}), 'Statistics over UDP.', 'here'),
  timings: key(timingKeys.prefault({}), 'Every pause and deadline, in seconds.', 'here'),
});

export type FileKeys = z.infer<typeof fileKeys>;
export type ProviderKeys = z.infer<typeof providerKeys>;
export type ImageKeys = z.infer<typeof imageKeys>;
export type CloudImageKeys = z.infer<typeof cloudImageKeys>;
export type LabelKeys = z.infer<typeof labelKeys>;
export type TargetImageKeys = z.infer<typeof targetImageKeys>;
export type TargetKeys = z.infer<typeof targetKeys>;

/** Keys whose last part is one of these hold secrets, wherever they stand. */
export const secretKeys: ReadonlySet<string> = new Set(['dburi', 'password', 'apikey']);

/** Spellings taken for another key. */
export const otherSpellings: ReadonlyMap<string, string> = new Map([
  // As the manuals of 2013 had it; the original looked for the other one.
  ['update-image', 'image-update'],
  ['dburi_file', 'dburi-file'],
  ['password_file', 'password-file'],
  ['apikey_file', 'apikey-file'],
]);
