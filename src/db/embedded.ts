/**
 * A PostgreSQL of our own (`dburi: embedded:`), beneath the state directory, on a free loopback port.
 *
 *     DIR/data          the database, owned by the uid that the server runs as
 *     DIR/password      of the one database user; mode 0600
 *     DIR/server.log    what the server says, since its last start
 *     DIR/users         a mark of each process that uses it
 *     DIR/moved-to      where all this is, when it cannot be in DIR
 *
 * PostgreSQL refuses to run as root: started by root it runs as an unprivileged uid. Where that uid cannot reach DIR (a
 * state directory in a home of mode 700), everything is kept beneath `/var/lib/nodepool/embedded`, in a directory named
 * for DIR, and `DIR/moved-to` says so; where it cannot read the installed programs, a copy of them is kept there too.
 *
 * A server that runs is used, whoever started it: a killed daemon leaves it behind, and a command line may read it
 * beside the daemon. The last one that leaves stops it. Starting, adopting and stopping are done by one process at a time.
 */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import pg from 'pg';
import { findHome, give, type Home } from './embedded-home.js';
import { oneAtATime } from './one-at-a-time.js';
import { UsersOf } from './users-of.js';

export interface EmbeddedPostgresOptions {
  /** Usually `STATE/postgres`; made where missing. */
  readonly dir: string;
  readonly maxConnections: number;
  /** Takes a line when something unusual is done: adopted, moved, copied. */
  readonly log?: (line: string) => void;
  /** Where data and programs go that the server's uid could not reach. */
  readonly shelter?: string;
}

export interface EmbeddedPostgres {
  readonly dburi: string;
  readonly port: number;
  readonly pid: number;
  /** Where the files really are. */
  readonly home: string;
  /** Starts the server again if it has ended; its port may be another then. */
  ensure(): Promise<void>;
  /** Stops the server and waits for its end; one that others use is left to them. */
  stop(): Promise<void>;
}

const user = 'nodepool';
const databaseName = 'nodepool';
const host = '127.0.0.1';
/** Another program may take the free port before the server does. */
const startsMax = 5;
/** Recovery after a crash, on a loaded machine. */
const startMs = 60_000;
const stopMs = 30_000;
const pollMs = 25;

export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dir, maxConnections, log = () => undefined, shelter = '/var/lib/nodepool' } = options;
  const home = await findHome({ dir, shelter, log });
  const users = new UsersOf(join(home.dir, 'users'));
  return alone(home, async () => {
    const password = await initialize(home);
    const place: Place = { home, password, maxConnections, users, log };
    const server = (await adopt(place)) ?? (await startServer(place));
    await createDatabase(server.port, password);
    return new RunningPostgres(place, server);
  });
}

/** A start with its recovery, and whoever waits before us. */
const waitMs = 4 * startMs;

function alone<T>(home: Home, work: () => Promise<T>): Promise<T> {
  return oneAtATime(home.dir, waitMs, work);
}

interface Place {
  readonly home: Home;
  readonly password: string;
  readonly maxConnections: number;
  readonly users: UsersOf;
  readonly log: (line: string) => void;
}

class RunningPostgres implements EmbeddedPostgres {
  readonly #place: Place;
  #server: Server;
  #isIn = false;

  constructor(place: Place, server: Server) {
    this.#place = place;
    this.#server = server;
    this.#enter();
  }

  get dburi(): string {
    return `postgresql://${user}:${this.#place.password}@${host}:${String(this.port)}/${databaseName}`;
  }

  get port(): number {
    return this.#server.port;
  }

  get pid(): number {
    return this.#server.pid;
  }

  get home(): string {
    return this.#place.home.dir;
  }

  async ensure(): Promise<void> {
    const { home } = this.#place;
    if (this.#isIn && home.isServer(this.pid)) return;
    await alone(home, async () => {
      this.#enter();
      if (home.isServer(this.pid)) return;
      const server = (await adopt(this.#place)) ?? (await startServer(this.#place));
      this.#place.log(`PostgreSQL ${String(this.pid)} in ${home.dir} had ended: ${String(server.pid)} takes its place`);
      this.#server = server;
    });
  }

  async stop(): Promise<void> {
    if (!this.#isIn) return;
    const { home, users } = this.#place;
    await alone(home, async () => {
      this.#leave();
      if (users.others().length === 0) await stopServer(home, this.pid);
    });
  }

  #enter(): void {
    if (this.#isIn) return;
    this.#isIn = true;
    this.#place.users.enter();
    process.once('exit', this.#atExit);
  }

  #leave(): void {
    this.#isIn = false;
    this.#place.users.leave();
    process.removeListener('exit', this.#atExit);
  }

  /** A daemon that crashes takes its server with it; SIGKILL leaves it running, to be adopted. */
  readonly #atExit = (): void => {
    const { home, users } = this.#place;
    this.#leave();
    if (users.others().length === 0 && home.isServer(this.pid)) signal(this.pid, 'SIGINT');
  };
}

interface Server {
  readonly pid: number;
  readonly port: number;
}

/** Makes the data directory in one step, so that one that exists is complete; gives the password. */
async function initialize({ dir, programs, identity, isNew, settle }: Home): Promise<string> {
  const passwordFile = join(dir, 'password');
  if (!(await isNew())) return (await readFile(passwordFile, 'utf8')).trim();
  const password = randomBytes(24).toString('base64url');
  await writeFile(passwordFile, `${password}\n`, { mode: 0o600 });
  await settle(async fresh => {
    const made = join(fresh, 'data');
    const handed = join(fresh, 'password');
    await writeFile(handed, password, { mode: 0o600 });
    await give(handed, identity);
    const flags = ['-U', user, '-A', 'scram-sha-256', `--pwfile=${handed}`, '--no-locale', '-E', 'UTF8'];
    await runToEnd(programs.initdb, ['-D', made, ...flags], { ...identity, cwd: fresh, env: { LC_ALL: 'C' } });
    return made;
  });
  return password;
}

async function runToEnd(program: string, flags: readonly string[], options: SpawnOptions): Promise<void> {
  const child = spawn(program, flags, { ...options, stdio: ['ignore', 'ignore', 'pipe'] });
  const said: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => said.push(chunk));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${program} failed: ${Buffer.concat(said).toString('utf8').trim()}`);
}

/** The server that already runs on the data directory, if there is one. */
async function adopt({ home, password, maxConnections, users, log }: Place): Promise<Server | null> {
  const server = await serverOf(home, password);
  if (server === null) return null;
  const others = users.others();
  if (others.length > 0) {
    log(`PostgreSQL ${String(server.pid)} in ${home.dir} is used by process ${others.join(', ')} as well`);
    return server;
  }
  if ((await allowedConnections(server.port, password)) < maxConnections) {
    await stopServer(home, server.pid);
    return null;
  }
  log(`adopted PostgreSQL ${String(server.pid)} in ${home.dir}, left running by an earlier daemon`);
  return server;
}

async function serverOf(home: Home, password: string): Promise<Server | null> {
  const deadline = Date.now() + startMs;
  for (;;) {
    const server = await readPidFile(home);
    if (server === null) return null;
    if (server.port !== null && (await answers(server.port, password, home))) return { ...server, port: server.port };
    if (Date.now() > deadline) {
      throw new Error(`PostgreSQL ${String(server.pid)} of ${home.data} runs but does not answer; see ${home.log}`);
    }
    await delay(pollMs);
  }
}

/** What `postmaster.pid` says, unless its process is gone or another; then the file is stale and removed. */
async function readPidFile(home: Home): Promise<{ pid: number; port: number | null } | null> {
  const file = join(home.data, 'postmaster.pid');
  const lines = (await readFile(file, 'utf8').catch(() => '')).split('\n');
  const pid = Number(lines[0]);
  if (!Number.isInteger(pid) || pid <= 0) return null;
  if (home.isServer(pid)) return { pid, port: Number(lines[3]) || null };
  await rm(file, { force: true });
  return null;
}

async function startServer({ home, password, maxConnections }: Place): Promise<Server> {
  for (let starts = 1; ; starts += 1) {
    // The port of last time: whoever lost the server finds it again.
    const port = (starts === 1 ? await lastPort(home) : null) ?? (await freePort());
    const child = launch(home, port, maxConnections);
    if (await isReady(child, port, password, home)) return { pid: child.pid ?? 0, port };
    const said = await readFile(home.log, 'utf8').catch(() => '');
    if (!/could not bind|Address already in use/.test(said) || starts === startsMax) {
      throw new Error(`PostgreSQL did not start in ${home.dir}: ${said.trim().split('\n').slice(-5).join(' | ')}`);
    }
  }
}

/** The server leaves its command line in its data directory. */
async function lastPort({ data }: Home): Promise<number | null> {
  const words = await readFile(join(data, 'postmaster.opts'), 'utf8').catch(() => '');
  const port = /"-p" "(\d+)"/.exec(words)?.[1];
  return port === undefined ? null : Number(port);
}

/**
 * In a session of its own, so that an interrupt at the terminal reaches the daemon alone; with a file for its words,
 * so that it outlives a daemon that is killed.
 */
function launch({ data, programs, identity, log }: Home, port: number, maxConnections: number): ChildProcess {
  const file = openSync(log, 'w', 0o600);
  const settings = {
    listen_addresses: host,
    unix_socket_directories: '',
    max_connections: String(maxConnections),
    logging_collector: 'off',
  };
  const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const child = spawn(programs.postgres, ['-D', data, '-p', String(port), ...flags], {
    ...identity,
    cwd: data,
    env: { LC_ALL: 'C' },
    stdio: ['ignore', file, file],
    detached: true,
  });
  closeSync(file);
  child.on('error', () => undefined);
  child.unref();
  return child;
}

async function isReady(child: ChildProcess, port: number, password: string, home: Home): Promise<boolean> {
  const deadline = Date.now() + startMs;
  while (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
    if (await answers(port, password, home)) return true;
    if (Date.now() > deadline) {
      child.kill('SIGQUIT');
      return false;
    }
    await delay(pollMs);
  }
  return false;
}

/** SIGINT ends connections and writes a checkpoint; SIGQUIT, when that takes too long, leaves recovery to the next start. */
async function stopServer(home: Home, pid: number): Promise<void> {
  for (const name of ['SIGINT', 'SIGQUIT'] as const) {
    const deadline = Date.now() + stopMs;
    if (home.isServer(pid)) signal(pid, name);
    while (Date.now() < deadline) {
      if (!home.isServer(pid)) return;
      await delay(pollMs);
    }
  }
  throw new Error(`PostgreSQL ${String(pid)} in ${home.dir} does not end`);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

/** Whether the server on the port is the one on our data directory; the password is proof enough of the rest. */
async function answers(port: number, password: string, home: Home): Promise<boolean> {
  try {
    const [row] = await ask(port, password, `select current_setting('data_directory') as value`);
    return row?.value === home.data;
  } catch {
    // Not yet up, or not ours: asked again until the deadline.
    return false;
  }
}

async function allowedConnections(port: number, password: string): Promise<number> {
  const [row] = await ask(port, password, `select current_setting('max_connections') as value`);
  return Number(row?.value);
}

async function createDatabase(port: number, password: string): Promise<void> {
  const found = await ask(port, password, `select datname as value from pg_database where datname = '${databaseName}'`);
  if (found.length === 0) await ask(port, password, `create database ${databaseName}`);
}

async function ask(port: number, password: string, sql: string): Promise<readonly { value: string }[]> {
  const client = new pg.Client({ host, port, user, password, database: 'postgres', connectionTimeoutMillis: 5_000 });
  client.on('error', () => undefined);
  await client.connect();
  try {
    return (await client.query<{ value: string }>(sql)).rows;
  } finally {
    await client.end();
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
