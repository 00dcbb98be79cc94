/**
 * The drivers beneath knex, mysql2 and pg: how a connection is configured, named, watched and cut. The only place that
 * knows their objects.
 */
import { readFileSync } from 'node:fs';
import type { Knex } from 'knex';
import type { Database, DatabaseTls, EngineName } from '../domain/dburi.js';
import { Fault } from '../domain/fault.js';
import { deadlines, type Log } from './options.js';
import type { Statement } from './row-change.js';
import './scram-keys.js';

/** A driver's connection. */
export interface RawConnection {
  on(event: 'end' | 'error', listener: () => void): void;
  /** pg: the process id of the backend. */
  readonly processID?: number;
  /** mysql2: the id of the connection. */
  readonly threadId?: number;
  /** mysql2 */
  readonly stream?: Cuttable;
  /** pg */
  readonly connection?: { readonly stream?: Cuttable };
  /** pg takes the statement as an object and gives a promise; mysql2 takes its parts and calls back. */
  query(statement: object): Promise<{ readonly rowCount: number | null }>;
  query(text: string, values: readonly unknown[], done: (error: Error | null, result: ResultHeader) => void): unknown;
}

interface ResultHeader {
  readonly affectedRows: number;
}

interface Cuttable {
  readonly closed: boolean;
  destroy(error?: Error): void;
  once(event: 'close', listener: () => void): void;
}

/** Server's id of a connection: `pg_backend_pid()` or `connection_id()`, known from the greeting. */
export function connectionId(raw: RawConnection): string {
  return String(raw.processID ?? raw.threadId);
}

/** What is used of knex's client, which its types do not name. */
interface LendingClient {
  acquireConnection(): Promise<RawConnection>;
  releaseConnection(raw: RawConnection): Promise<void>;
}

/** Takes a connection out of the pool until it is given back. */
export function borrow(knex: Knex): Promise<RawConnection> {
  return (knex.client as LendingClient).acquireConnection();
}

export function giveBack(knex: Knex, raw: RawConnection): Promise<void> {
  return (knex.client as LendingClient).releaseConnection(raw);
}

/** Runs a statement by itself and tells how many rows it found. PostgreSQL plans it once for each connection. */
export async function affectedRows(
  raw: RawConnection,
  engine: EngineName,
  { text, values }: Statement,
): Promise<number> {
  if (engine === 'postgresql') return (await raw.query({ name: nameOf(text), text, values })).rowCount ?? 0;
  const result = await new Promise<ResultHeader>((resolve, reject) => {
    raw.query(text, values, (error, header) => (error === null ? resolve(header) : reject(error)));
  });
  return result.affectedRows;
}

const statementNames = new Map<string, string>();

function nameOf(text: string): string {
  const known = statementNames.get(text) ?? `nodepool_${String(statementNames.size + 1)}`;
  statementNames.set(text, known);
  return known;
}

/** Closes a connection at once; a statement that waits on it fails. */
export function cut(raw: RawConnection, reason: Error): void {
  streamOf(raw)?.destroy(reason);
}

/**
 * Resolves when a connection is closed that was ended, or that has failed: the server closes it last, and counts it no
 * longer then. The drivers do not wait for that, or not for long. A server that does not close it in time is not waited for.
 */
export async function closed(raw: RawConnection): Promise<void> {
  const stream = streamOf(raw);
  if (!stream || stream.closed) return;
  const late = setTimeout(() => stream.destroy(), deadlines.disconnectMs);
  await new Promise<void>(resolve => stream.once('close', resolve));
  clearTimeout(late);
}

export function onceClosed(raw: RawConnection, then: () => void): void {
  streamOf(raw)?.once('close', then);
}

function streamOf(raw: RawConnection): Cuttable | undefined {
  return raw.stream ?? raw.connection?.stream;
}

export function knexConfig(database: Database, options: { statementMs: number; log: Log }): Knex.Config {
  const { log } = options;
  return {
    ...(database.engine === 'mysql' ? mysqlConfig(database) : postgresConfig(database, options.statementMs)),
    // Statements are told without their values, which may be long.
    compileSqlOnError: false,
    log: {
      warn: line => log(String(line)),
      error: line => log(String(line)),
      debug: () => undefined,
      deprecate: (method, alternative) => log(`${method} is deprecated in favour of ${alternative}`),
    },
  };
}

function mysqlConfig(database: Database): Knex.Config {
  const { host, port, socketPath, user, password, name, tls } = database;
  return {
    client: 'mysql2',
    connection: {
      ...(socketPath === null ? { host, port } : { socketPath }),
      ...(user === null ? {} : { user }),
      ...(password === null ? {} : { password }),
      database: name,
      ...(tls === null ? {} : { ssl: mysqlTls(tls) }),
      charset: 'utf8mb4',
      connectTimeout: deadlines.connectMs,
      enableKeepAlive: true,
      supportBigNumbers: true,
      // None is prepared; mysql2 would reserve half a megabyte a connection for 16,000 of them.
      maxPreparedStatements: 1,
    },
  };
}

function postgresConfig(database: Database, statementMs: number): Knex.Config {
  const { host, port, socketPath, user, password, name, tls } = database;
  return {
    client: 'pg',
    connection: {
      host: socketPath ?? host,
      port,
      ...(user === null ? {} : { user }),
      ...(password === null ? {} : { password }),
      database: name,
      ...(tls === null ? {} : { ssl: postgresTls(tls) }),
      application_name: 'nodepoold',
      connectionTimeoutMillis: deadlines.connectMs,
      keepAlive: true,
      // A server notices within a minute that a client vanished, and gives its locks back.
      options: `-c statement_timeout=${String(statementMs)} -c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3`,
    },
  };
}

// ── TLS ──────────────────────────────────────────────────────────────────────────────────────────────────────────

function mysqlTls(tls: DatabaseTls) {
  return {
    ...certificates(tls),
    rejectUnauthorized: tls.verifies !== 'nothing',
    verifyIdentity: tls.verifies === 'name',
  };
}

function postgresTls(tls: DatabaseTls) {
  return {
    ...certificates(tls),
    rejectUnauthorized: tls.verifies !== 'nothing',
    // Node.js compares the name unless it is told otherwise.
    ...(tls.verifies === 'name' ? {} : { checkServerIdentity: () => undefined }),
  };
}

/** Read for each pool, so that certificates may be renewed while the daemon runs. */
function certificates({ caFile, certFile, keyFile }: DatabaseTls) {
  return {
    ...(caFile === null ? {} : { ca: read(caFile) }),
    ...(certFile === null ? {} : { cert: read(certFile) }),
    ...(keyFile === null ? {} : { key: read(keyFile) }),
  };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Fault('store.refused', `a file that dburi names cannot be read: ${reason}`, { cause: error });
  }
}
