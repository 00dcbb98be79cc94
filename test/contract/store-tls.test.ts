/** Encrypted connections to real servers, with certificates of an authority that only these tests know. */
import { chown, copyFile, mkdtemp, rm, chmod, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startEmbeddedPostgres, type EmbeddedPostgres } from '../../src/db/embedded.js';
import { openStore } from '../../src/db/store.js';
import { makeCertificates, type Certificates } from '../support/certificates.js';
import { startMariadb, type Mariadb } from '../support/mariadb.js';
import { ensureDebianPackages } from '../support/packages.js';
import { until } from '../support/until.js';
import { holder, startMs } from './store.world.js';

let dir: string;
let files: Certificates;

beforeAll(async () => {
  await ensureDebianPackages(['openssl']);
  dir = await mkdtemp(join(tmpdir(), 'nodepool-tls-'));
  await chmod(dir, 0o755);
  files = await makeCertificates(dir);
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** What a store makes of it: works, or the words of its fault. */
async function start(dburi: string): Promise<string> {
  try {
    const store = openStore({ dburi, now: () => startMs });
    try {
      await store.start(holder);
      const slot = await store.openSlot();
      expect(await slot.nodes()).toEqual([]);
      return 'works';
    } finally {
      await store.close();
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function suite(name: string, databaseAt: (host: string) => string, options: Readonly<Record<string, () => string>>) {
  const told = (which: string, host = 'localhost'): Promise<string> =>
    start(databaseAt(host) + (options[which]?.() ?? ''));

  describe(`TLS to ${name}`, () => {
    test('is refused where the server demands it and dburi does not', async () => {
      expect(await told('plain')).not.toBe('works');
    });
    test('encrypts, whoever answers', async () => expect(await told('encrypted')).toBe('works'));
    test('checks the certificate', async () => expect(await told('checked')).toBe('works'));
    test('checks that the certificate is of the host', async () => {
      expect(await told('named')).toBe('works');
      expect(await told('misnamed', '127.0.0.1')).toMatch(
        /its certificate is for another name|does not match|needs the name/i,
      );
      expect(await told('checked', '127.0.0.1')).toBe('works');
    });
    test('believes no other authority', async () => {
      expect(await told('unknown')).toMatch(
        /an authority that is not trusted here|self.signed|unable to (get|verify)/i,
      );
    });
    test('says which file cannot be read', async () => {
      expect(await told('missing')).toMatch(/cannot be read: ENOENT.*\/nonexistent\/ca\.pem/);
    });
  });
}

describe('MariaDB', () => {
  let server: Mariadb;
  beforeAll(async () => {
    const { ca, cert, key } = files;
    const flags = [`--ssl-ca=${ca}`, `--ssl-cert=${cert}`, `--ssl-key=${key}`, '--tls-version=TLSv1.2,TLSv1.3'];
    server = await startMariadb({ flags });
    await server.asRoot([
      "alter user 'nodepool'@'127.0.0.1' require ssl",
      "alter user 'nodepool'@'localhost' require ssl",
    ]);
  });
  afterAll(() => server.stop());

  suite('MariaDB', host => server.dburi.replace('127.0.0.1', host), {
    plain: () => '',
    encrypted: () => '?ssl=true',
    checked: () => `?ssl_ca=${files.ca}&ssl_check_hostname=false`,
    named: () => `?charset=utf8&ssl_ca=${files.ca}`,
    misnamed: () => `?ssl_ca=${files.ca}&ssl_check_hostname=true`,
    unknown: () => `?ssl_ca=/etc/ssl/certs/ca-certificates.crt`,
    missing: () => '?ssl_ca=/nonexistent/ca.pem',
  });
});

describe('PostgreSQL', () => {
  let server: EmbeddedPostgres;
  beforeAll(async () => {
    server = await startEmbeddedPostgres({ dir: join(dir, 'postgres'), maxConnections: 50 });
    const data = join(server.home, 'data');
    const { uid, gid } = await stat(data);
    for (const [from, to] of [
      [files.cert, 'server.crt'],
      [files.key, 'server.key'],
    ] as const) {
      await copyFile(from, join(data, to));
      await chmod(join(data, to), 0o600);
      await chown(join(data, to), uid, gid);
    }
    const client = new pg.Client({ connectionString: server.dburi });
    await client.connect();
    await client.query('alter system set ssl = on');
    await client.query('select pg_reload_conf()');
    await until(async () => (await client.query<{ ssl: string }>('show ssl')).rows[0]?.ssl === 'on');
    // Only encrypted connections from now on.
    await client.query(`copy (select 'hostssl all all all scram-sha-256') to '${join(data, 'pg_hba.conf')}'`);
    await client.query('select pg_reload_conf()');
    await client.end();
  });
  afterAll(() => server.stop());

  suite('PostgreSQL', host => server.dburi.replace('127.0.0.1', host), {
    plain: () => '',
    encrypted: () => '?sslmode=require',
    checked: () => `?sslmode=verify-ca&sslrootcert=${files.ca}`,
    named: () => `?sslmode=verify-full&sslrootcert=${files.ca}`,
    misnamed: () => `?sslmode=verify-full&sslrootcert=${files.ca}`,
    unknown: () => '?sslmode=verify-full&sslrootcert=/etc/ssl/certs/ca-certificates.crt',
    missing: () => '?sslmode=verify-ca&sslrootcert=/nonexistent/ca.pem',
  });
});
