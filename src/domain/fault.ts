/**
 * A fault is trouble in the world outside: a cloud that refuses, a database that is away, a machine that does not
 * answer. It is made only in adapters and in `db`, and handled by the actor that asked. A bug is not a fault: it is a
 * failed assertion and crashes its actor.
 *
 * `kind` is stable: it names the statistics key, the API field and the test. Messages are for people.
 */
import { adviceIn } from './trouble.js';

/** What may be done about a fault: ask again at once, ask again later, ask somewhere else, or give up. */
export type Retry = 'now' | 'later' | 'elsewhere' | 'never';

/** Every kind of fault: how it may be retried, and what an operator should do next. */
export const faultKinds = {
  'cloud.unreachable': { retry: 'later', next: 'check auth-url, the network and the provider status page' },
  'cloud.timeout': { retry: 'later', next: 'see whether the cloud is slow; timings.api is the deadline of a call' },
  'cloud.auth': {
    retry: 'later',
    next: 'check username, password and project of the provider, and the roles of that user in it',
  },
  'cloud.no-credentials': {
    retry: 'later',
    next: 'write the cloud into clouds.yaml, or give auth-url, username, password and project-id of the provider',
  },
  'cloud.tls': {
    retry: 'later',
    next: 'name the certificate of its authority in cacert, or have the cloud renew its own',
  },
  'cloud.rate-limited': { retry: 'later', next: 'raise rate or lower concurrency.calls of the provider' },
  'cloud.quota': { retry: 'elsewhere', next: 'lower max-servers or ask the cloud for more quota' },
  'cloud.not-found': { retry: 'never', next: 'the object is gone; nothing needs doing' },
  'cloud.conflict': { retry: 'later', next: 'look at the server in the cloud; it may be locked or busy' },
  'cloud.refused': { retry: 'never', next: 'the cloud refused the request; its message says why' },
  'cloud.error': { retry: 'later', next: 'the cloud failed by itself; see the provider status page' },
  'cloud.bad-answer': { retry: 'later', next: 'the answer was not what the API documents; is auth-url the right one?' },
  'cloud.no-endpoint': {
    retry: 'later',
    next: 'check auth-url, and region-name, service-type and service-name against the catalogue',
  },
  'cloud.no-flavor': { retry: 'elsewhere', next: 'check min-ram and name-filter of the image' },
  'cloud.no-image': { retry: 'elsewhere', next: 'check the name of the image in the cloud' },
  'cloud.no-address': { retry: 'never', next: 'check networks and floating addresses of the provider' },
  'cloud.no-capacity': {
    retry: 'elsewhere',
    next: 'the cloud has no host for this flavor in this zone; it is tried again later, others meanwhile',
  },
  'cloud.no-network': { retry: 'elsewhere', next: 'check networks of the provider: names and ids are case sensitive' },
  'cloud.no-zone': { retry: 'elsewhere', next: 'check availability-zones of the provider' },
  'cloud.server-error': {
    retry: 'later',
    next: 'the server went to ERROR and is replaced; the message is the cloud’s own: ask its operator if it goes on',
  },
  'cloud.server-gone': {
    retry: 'later',
    next: 'somebody or the cloud deleted the server while it was launched: find out who, if it goes on',
  },
  'cloud.launch-timeout': { retry: 'later', next: 'raise launch-timeout or ask the cloud why servers are slow' },
  'ssh.unreachable': { retry: 'later', next: 'check security groups, the network and that sshd starts in the image' },
  'ssh.timeout': { retry: 'later', next: 'raise boot-timeout or look at the console of the machine' },
  'ssh.auth': { retry: 'later', next: 'check username and private-key of the image' },
  'ssh.protocol': {
    retry: 'later',
    next: 'what answered on the port is not an SSH server, or has no room: see its console',
  },
  'ssh.host-key': {
    retry: 'never',
    next: 'another machine may have its address: look in the cloud for two servers with the same one',
  },
  'ssh.command': { retry: 'never', next: 'run the command on a held node to see why it fails' },
  'ssh.key': { retry: 'never', next: 'check that private-key names a readable, unencrypted key file' },
  'ssh.key-exposed': { retry: 'never', next: 'chmod 600 the file of private-key: others can read the key' },
  'jenkins.unreachable': { retry: 'later', next: 'check jenkins.url and that the master runs' },
  'jenkins.timeout': { retry: 'later', next: 'the master is slow; see its load' },
  'jenkins.auth': { retry: 'later', next: 'check jenkins.user and jenkins.apikey, and their permissions' },
  'jenkins.refused': {
    retry: 'never',
    next: 'the master refused the request; its message says why (of a 404: is jenkins.url the root of a Jenkins?)',
  },
  'jenkins.error': { retry: 'later', next: 'look at the log of the master' },
  'jenkins.bad-answer': { retry: 'later', next: 'is jenkins.url the root of a Jenkins, and no proxy’s page?' },
  'gearman.unreachable': { retry: 'later', next: 'check gearman-servers and that Zuul runs' },
  'gearman.timeout': {
    retry: 'later',
    next: 'the Gearman server accepts but does not answer: see the load and the log of Zuul',
  },
  'gearman.tls': {
    retry: 'later',
    next: 'check ssl-ca, ssl-cert and ssl-key of gearman-servers; ssl-legacy where the server speaks nothing newer than TLS 1.1',
  },
  'gearman.bad-answer': {
    retry: 'later',
    next: 'what answers on the port is not a Gearman server: check gearman-servers',
  },
  'build.script': { retry: 'never', next: 'read the log of the build, which has all that the script said' },
  'build.image-error': { retry: 'never', next: 'the cloud could not save the image; see its status page' },
  'build.image-gone': { retry: 'never', next: 'the cloud or somebody else deleted the image while it was saved' },
  'build.image-timeout': { retry: 'never', next: 'raise timings.snapshot or ask the cloud why images are slow' },
  'build.file': {
    retry: 'later',
    next: 'check that state-dir and images-dir have room, and that the daemon may read and write there',
  },
  'build.command': { retry: 'never', next: 'read the log of the build, which has all that the command said' },
  'store.away': { retry: 'later', next: 'check dburi and that the database server runs' },
  'store.embedded': {
    retry: 'later',
    next: 'see server.log in that folder for why it does not start, or name a database server of your own in dburi',
  },
  'store.refused': { retry: 'later', next: 'the database refused the statement; its message says why' },
  'store.empty': { retry: 'later', next: 'start nodepoold, which makes it, or check dburi and state-dir' },
  'store.schema': {
    retry: 'later',
    next: 'name a database of the original of 2014 or later, or an empty one, in dburi; nothing was changed in this one',
  },
  'store.locked': { retry: 'never', next: 'stop the other daemon, or give this one a database of its own' },
  'store.stopped': { retry: 'never', next: 'the daemon is stopping' },
  'config.removed': { retry: 'never', next: 'it is launched again when the configuration has it again' },
  'actor.gone': {
    retry: 'later',
    next: 'nodepool tree shows that part of the daemon; nodepool restart PATH starts it anew',
  },
  'actor.timeout': {
    retry: 'later',
    next: 'nodepool tree shows what that part of the daemon does; nodepool restart PATH starts it anew',
  },
} as const satisfies Record<string, { retry: Retry; next: string }>;

export type FaultKind = keyof typeof faultKinds;

/** After these nobody knows whether a call took effect. */
const inDoubt: ReadonlySet<FaultKind> = new Set<FaultKind>([
  'cloud.timeout',
  'cloud.unreachable',
  'cloud.error',
  'cloud.bad-answer',
  'actor.gone',
  'actor.timeout',
]);

export function leavesDoubt({ kind }: Fault): boolean {
  return inDoubt.has(kind);
}

/** A fault as people and rows are told of it: its name first, which `nextOf` reads back. */
export function named({ kind, message }: Pick<Fault, 'kind' | 'message'>): string {
  return `${kind}: ${message}`;
}

/** What an operator should do about a text in which `named` wrote; null: nobody knows. */
export function nextOf(text: string): string | null {
  for (const [, kind = ''] of text.matchAll(/(?<![\w.-])([a-z]+\.[a-z-]+): /g)) {
    if (Object.hasOwn(faultKinds, kind)) return adviceIn(text) ?? faultKinds[kind as FaultKind].next;
  }
  return null;
}

/** Both in one line. */
export function withNext(text: string): string {
  const next = nextOf(text);
  return next === null ? text : `${text} -> ${next}`;
}

/** A fault as data: crosses worker threads, the database and the API. */
export interface FaultRecord {
  readonly kind: FaultKind;
  readonly message: string;
  readonly retryAfterMs: number | null;
}

export class Fault extends Error {
  override readonly name = 'Fault';
  readonly kind: FaultKind;
  readonly retry: Retry;
  /** What an operator should do. */
  readonly next: string;
  /** What the other side asked us to wait, in milliseconds. */
  readonly retryAfterMs: number | null;

  constructor(kind: FaultKind, message: string, options: { cause?: unknown; retryAfterMs?: number | null } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.kind = kind;
    this.retry = faultKinds[kind].retry;
    this.next = adviceIn(message) ?? faultKinds[kind].next;
    this.retryAfterMs = options.retryAfterMs ?? null;
  }

  toRecord(): FaultRecord {
    return { kind: this.kind, message: this.message, retryAfterMs: this.retryAfterMs };
  }

  static fromRecord(record: FaultRecord): Fault {
    return new Fault(record.kind, record.message, { retryAfterMs: record.retryAfterMs });
  }
}
