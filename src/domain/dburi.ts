/**
 * `dburi` in SQLAlchemy's spellings, read as SQLAlchemy reads them: a password may contain `/`, `#`, `?` and `@` as they
 * are, or percent-encoded. A `dburi` that cannot be used is a configuration error, an ordinary `Error` whose message
 * never contains the password.
 */

export type EngineName = 'mysql' | 'postgresql';

export interface Database {
  readonly engine: EngineName;
  readonly host: string;
  readonly port: number;
  /** A Unix socket: for MySQL the socket itself, for PostgreSQL the directory it is in. */
  readonly socketPath: string | null;
  readonly user: string | null;
  readonly password: string | null;
  readonly name: string;
  /** Null: not encrypted. */
  readonly tls: DatabaseTls | null;
}

export interface DatabaseTls {
  readonly caFile: string | null;
  readonly certFile: string | null;
  readonly keyFile: string | null;
  /** `nothing`: encrypted, whoever is at the other end. `name`: the certificate must be that of the host asked for. */
  readonly verifies: 'nothing' | 'certificate' | 'name';
}

const engines: Readonly<Record<string, EngineName>> = {
  mysql: 'mysql',
  'mysql+pymysql': 'mysql',
  'mysql+mysqldb': 'mysql',
  mariadb: 'mysql',
  'mariadb+pymysql': 'mysql',
  postgresql: 'postgresql',
  'postgresql+psycopg2': 'postgresql',
  postgres: 'postgresql',
};
const defaultHost = '127.0.0.1';
const defaultPorts: Readonly<Record<EngineName, number>> = { mysql: 3306, postgresql: 5432 };
const example = 'mysql://USER:PASSWORD@HOST/DATABASE or postgresql://USER:PASSWORD@HOST/DATABASE';

/** Options that say how the original's driver speaks to Python: ours always speaks Unicode. */
const ignoredOptions = new Set(['charset', 'use_unicode', 'client_encoding']);

const form =
  /^(?<scheme>[\w+]+):\/\/(?:(?<user>[^:/]*)(?::(?<password>.*))?@)?(?:\[(?<ipv6>[^\]]*)\]|(?<host>[^/:?]*))(?::(?<port>[^/?]*))?(?:\/(?<name>[^?]*))?(?:\?(?<options>.*))?$/s;

export function parseDburi(dburi: string): Database {
  const parts = form.exec(dburi.trim())?.groups;
  if (parts === undefined) throw new Error(`it is not understood; it should look like ${example}`);
  const scheme = parts['scheme'] ?? '';
  const engine = engines[scheme];
  if (engine === undefined) throw new Error(`${scheme}:// is not supported; it should look like ${example}`);
  const host = parts['ipv6'] ?? decode(parts['host']);
  const options = readOptions(engine, host, parts['options'] ?? '');
  const name = decode(parts['name']);
  if (name === null) throw new Error(`it names no database; it should look like ${example}`);
  return {
    engine,
    host: host ?? options.host ?? defaultHost,
    port: readPort(parts['port'] ?? options.port) ?? defaultPorts[engine],
    socketPath: options.socketPath,
    user: decode(parts['user']),
    password: decode(parts['password']),
    name,
    tls: options.tls,
  };
}

/** For people: where the database is, without the password. */
export function databasePlace(database: Database): string {
  const host = database.host.includes(':') ? `[${database.host}]` : database.host;
  return `${database.socketPath ?? `${host}:${String(database.port)}`}/${database.name}`;
}

interface Options {
  readonly host: string | null;
  readonly port: string | undefined;
  readonly socketPath: string | null;
  readonly tls: DatabaseTls | null;
}

/** As PyMySQL and libpq call them. */
const tlsOptions: Readonly<Record<EngineName, readonly string[]>> = {
  mysql: ['ssl_ca', 'ssl_cert', 'ssl_key', 'ssl_verify_cert', 'ssl_check_hostname', 'ssl'],
  postgresql: ['sslmode', 'sslrootcert', 'sslcert', 'sslkey'],
};

function readOptions(engine: EngineName, named: string | null, text: string): Options {
  const given = new URLSearchParams(text);
  const known = [...(engine === 'mysql' ? ['unix_socket'] : ['host', 'port']), ...tlsOptions[engine]];
  for (const key of given.keys()) {
    // Where a character was lost or is not escaped, what stands there may be the password.
    if (!/^\w+$/.test(key)) throw new Error(`what follows its ? is not understood; it should look like ${example}`);
    if (!known.includes(key) && !ignoredOptions.has(key)) {
      throw new Error(`the option ${key} is not supported; known are ${known.join(', ')}, charset`);
    }
  }
  const host = given.get('host');
  if (engine === 'mysql') {
    return { host: null, port: undefined, socketPath: given.get('unix_socket'), tls: readMysqlTls(given, named) };
  }
  const isSocket = host?.startsWith('/') ?? false;
  return {
    host: isSocket ? null : host,
    port: given.get('port') ?? undefined,
    socketPath: isSocket ? host : null,
    tls: readPostgresTls(given),
  };
}

/**
 * A certificate that was given to check the server by is used for that, unless the options say otherwise. The driver
 * compares names alone: of a server that is asked by its address it could not say whether it is that one.
 */
function readMysqlTls(given: URLSearchParams, named: string | null): DatabaseTls | null {
  if (!tlsOptions.mysql.some(option => given.has(option))) return null;
  if (readFlag(given, 'ssl') === false) return null;
  const caFile = given.get('ssl_ca');
  const isVerified = readFlag(given, 'ssl_verify_cert') ?? caFile !== null;
  const isAddress = /^[\d.]+$|:/.test(named ?? defaultHost);
  const isNamed = readFlag(given, 'ssl_check_hostname') ?? (isVerified && !isAddress);
  if (isNamed && isAddress) throw new Error('ssl_check_hostname needs the name of the host instead of its address');
  return {
    caFile,
    certFile: given.get('ssl_cert'),
    keyFile: given.get('ssl_key'),
    verifies: !isVerified ? 'nothing' : isNamed ? 'name' : 'certificate',
  };
}

function readFlag(given: URLSearchParams, option: string): boolean | null {
  const text = given.get(option)?.toLowerCase();
  if (text === undefined) return null;
  if (['true', '1', 'yes', 'on'].includes(text)) return true;
  if (['false', '0', 'no', 'off'].includes(text)) return false;
  throw new Error(`${option} is true or false`);
}

/** libpq would try without encryption where a server has none (`prefer`): that is no promise, and read as `disable`. */
const sslModes: Readonly<Record<string, DatabaseTls['verifies'] | null>> = {
  disable: null,
  allow: null,
  prefer: null,
  require: 'nothing',
  'verify-ca': 'certificate',
  'verify-full': 'name',
};

function readPostgresTls(given: URLSearchParams): DatabaseTls | null {
  const caFile = given.get('sslrootcert');
  const mode = given.get('sslmode') ?? (caFile === null ? 'disable' : 'verify-ca');
  const verifies = Object.hasOwn(sslModes, mode) ? sslModes[mode] : undefined;
  if (verifies === undefined) {
    throw new Error(`sslmode is one of ${Object.keys(sslModes).join(', ')}`);
  }
  if (verifies === null) return null;
  // libpq's own rule: with a certificate to check by, `require` checks.
  const isChecked = verifies === 'nothing' && caFile !== null;
  return {
    caFile,
    certFile: given.get('sslcert'),
    keyFile: given.get('sslkey'),
    verifies: isChecked ? 'certificate' : verifies,
  };
}

function readPort(text: string | undefined): number | null {
  if (text === undefined || text === '') return null;
  const port = Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error('the port is no number from 1 to 65535');
  return port;
}

/** Like Python's `unquote`: what is no percent-encoding stays as it is. */
function decode(text: string | undefined): string | null {
  if (text === undefined || text === '') return null;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
