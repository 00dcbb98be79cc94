/** A MariaDB of the test's own: Debian's server on a data directory in a temporary place and a loopback port. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import mysql from 'mysql2/promise';
import { ensureDebianPackages } from './packages.js';
import { freePort } from './ports.js';
import { startServer, type ServerProcess } from './server-process.js';

const run = promisify(execFile);
const user = 'nodepool';
const password = 'sesame/#?@ 1';

export interface Mariadb {
  /** Of the database `nodepool`. */
  readonly dburi: string;
  readonly port: number;
  readonly pid: number;
  asRoot(statements: readonly string[]): Promise<void>;
  /** Makes an empty database; gives its dburi. */
  createDatabase(name: string): Promise<string>;
  stop(): Promise<void>;
  /** Ends the server without notice; `start` brings it back on the same port. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

export interface MariadbOptions {
  readonly maxConnections?: number;
  readonly isDurable?: boolean;
  /** More of its command line. */
  readonly flags?: readonly string[];
}

export async function startMariadb(options: MariadbOptions = {}): Promise<Mariadb> {
  await ensureDebianPackages(['mariadb-server']);
  const dir = await mkdtemp(join(tmpdir(), 'nodepool-mariadb-'));
  await chmod(dir, 0o755);
  const dataDir = join(dir, 'data');
  const socketDir = join(dir, 'run');
  await mkdir(socketDir);
  await chmod(socketDir, 0o777);
  // A server that starts deletes what others keep of their questions in a folder that it shares with them.
  const ownTmp = `--tmpdir=${socketDir}`;
  const asUser = process.getuid?.() === 0 ? ['--user=mysql'] : [];
  await run('mariadb-install-db', [
    '--no-defaults',
    ...asUser,
    `--datadir=${dataDir}`,
    ownTmp,
    '--auth-root-authentication-method=normal',
    '--skip-test-db',
    // Half of the time goes into creating a log of 96 MB.
    '--innodb-log-file-size=8M',
  ]);
  const port = await freePort();
  const dburiOf = (name: string) => `mysql://${user}:${encodeURIComponent(password)}@127.0.0.1:${String(port)}/${name}`;

  const launch = () =>
    startServer({
      program: 'mariadbd',
      flags: [
        '--no-defaults',
        ...asUser,
        `--datadir=${dataDir}`,
        `--socket=${join(socketDir, 'mysql.sock')}`,
        ownTmp,
        `--pid-file=${join(socketDir, 'mysql.pid')}`,
        '--bind-address=127.0.0.1',
        `--port=${String(port)}`,
        `--max-connections=${String(options.maxConnections ?? 200)}`,
        '--innodb-log-file-size=8M',
        '--innodb-buffer-pool-size=32M',
        '--performance-schema=OFF',
        ...(options.flags ?? []),
        // Tests kill the server, not the machine.
        `--innodb-flush-log-at-trx-commit=${options.isDurable === true ? '1' : '2'}`,
      ],
      isReady: () => answers(port),
    });

  let server: ServerProcess = await launch();
  const asRoot = async (statements: readonly (readonly [string, readonly string[]])[]) => {
    const connection = await mysql.createConnection({ host: '127.0.0.1', port, user: 'root' });
    try {
      for (const [sql, values] of statements) await connection.query(sql, [...values]);
    } finally {
      await connection.end();
    }
  };
  const createDatabase = async (name: string) => {
    await asRoot([
      [`create database ${name}`, []],
      [`grant all on ${name}.* to ?@'127.0.0.1' identified by ?`, [user, password]],
      [`grant all on ${name}.* to ?@'localhost' identified by ?`, [user, password]],
    ]);
    return dburiOf(name);
  };
  const dburi = await createDatabase('nodepool');
  return {
    dburi,
    port,
    get pid() {
      return server.pid;
    },
    asRoot: statements => asRoot(statements.map(sql => [sql, []])),
    createDatabase,
    stop: async () => {
      await server.stop();
      await rm(dir, { recursive: true, force: true });
    },
    kill: () => server.stop('SIGKILL'),
    start: async () => {
      server = await launch();
    },
  };
}

async function answers(port: number): Promise<boolean> {
  try {
    const connection = await mysql.createConnection({ host: '127.0.0.1', port, user: 'root', connectTimeout: 2_000 });
    await connection.end();
    return true;
  } catch {
    // Not yet; `startServer` gives up at its deadline.
    return false;
  }
}
