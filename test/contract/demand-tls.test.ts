import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { openGearman } from '../../src/adapters/gearman/client.js';
import type { GearmanServer, GearmanTls } from '../../src/domain/pool-config.js';
import { makeCertificates, type Certificates } from '../support/certificates.js';
import { startGearmand } from '../support/gearmand.js';
import { startTlsFront, passOnTo, type TlsFront } from '../support/tls-front.js';
import { faultOf, soon } from './demand.suite.js';

let dir: string;
let files: Certificates;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'nodepool-gearman-tls-'));
  files = await makeCertificates(dir);
});
afterAll(() => rm(dir, { recursive: true }));

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function front(...args: Parameters<typeof startTlsFront>): Promise<TlsFront> {
  const started = await startTlsFront(...args);
  ends.push(() => started.end());
  return started;
}

/** Zuul's certificates bear any name: ours is of `localhost`, and asked for by its address. */
function at(
  { host, port }: { readonly host: string; readonly port: number },
  tls: Partial<GearmanTls> = {},
): GearmanServer {
  return { host, port, tls: { caFile: files.ca, certFile: files.cert, keyFile: files.key, isLegacy: false, ...tls } };
}

const lines = ['build:a:b\t3\t1\t2\n', 'build:prüfen:c d\t2\t0\t0\n', '.\n'];

/** As Zuul's own server in Python: it sends each line by itself. */
function lineByLine(socket: TLSSocket): void {
  socket.once('data', () => {
    const next = ([line, ...more]: readonly string[]): void => {
      if (line !== undefined) socket.write(line, () => setImmediate(next, more));
    };
    next(lines);
  });
}

const gearman = openGearman();
const asked = [
  { name: 'build:a:b', total: 3, running: 1, workers: 2 },
  { name: 'build:prüfen:c d', total: 2, running: 0, workers: 0 },
];

describe('a Gearman server behind TLS', () => {
  it('is asked with our certificate, and answers each line in a packet of its own', async () => {
    const server = await front(files, lineByLine);
    expect((await gearman.status(at(server), soon)).functions).toEqual(asked);
    expect(server.protocols).toEqual(['TLSv1.3']);
  });

  it('may be gearmand itself behind a proxy', async () => {
    const gearmand = await startGearmand();
    ends.push(() => gearmand.stop());
    const server = await front(files, passOnTo(gearmand));
    expect(await gearman.status(at(server), soon)).toEqual({ functions: [], malformed: [] });
  });

  it('of 2014 speaks TLS 1.0, and is understood where ssl-legacy says so', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    const server = await front(files, lineByLine, old);
    expect(await faultOf(gearman.status(at(server), soon))).toBe('gearman.tls');
    expect((await gearman.status(at(server, { isLegacy: true }), soon)).functions).toEqual(asked);
    expect(server.protocols).toEqual(['TLSv1']);
  });

  it('that does not know our certificate, or gets none, is a fault of TLS', async () => {
    const server = await front(files, lineByLine);
    const own = await foreignCertificate();
    expect(await faultOf(gearman.status(at(server, own), soon))).toBe('gearman.tls');
    expect(await faultOf(gearman.status(at(server, { certFile: null, keyFile: null }), soon))).toBe('gearman.tls');
  });

  it('of another authority is not believed', async () => {
    const server = await front(files, lineByLine);
    const { certFile } = await foreignCertificate();
    expect(await faultOf(gearman.status(at(server, { caFile: certFile }), soon))).toBe('gearman.tls');
    const nameCounts = { ...at(server, { caFile: null }), host: 'localhost' };
    expect(await faultOf(gearman.status(nameCounts, soon))).toBe('gearman.tls');
  });

  it('is not asked without the files, and the one that is missing is named', async () => {
    const server = await front(files, lineByLine);
    await expect(gearman.status(at(server, { keyFile: '/nowhere/zuul.key' }), soon)).rejects.toThrow(
      `gearman 127.0.0.1:${server.port}: cannot read /nowhere/zuul.key: ENOENT`,
    );
    await writeFile(join(dir, 'nonsense.pem'), 'no certificate\n');
    const nonsense = at(server, { certFile: join(dir, 'nonsense.pem') });
    expect(await faultOf(gearman.status(nonsense, soon))).toBe('gearman.tls');
  });

  it('is unreachable when nobody listens, and of TLS when what listens speaks none', async () => {
    const server = await front(files, lineByLine);
    await server.end();
    expect(await faultOf(gearman.status(at(server), soon))).toBe('gearman.unreachable');
    const port = await plainServer(socket => socket.write('ERR unknown_command\n'));
    expect(await faultOf(gearman.status(at({ host: '127.0.0.1', port }), soon))).toBe('gearman.tls');
  });

  it('that accepts and says nothing is given up at the deadline', async () => {
    const port = await plainServer(() => undefined);
    const question = gearman.status(at({ host: '127.0.0.1', port }), { deadlineMs: 100 });
    expect(await faultOf(question)).toBe('gearman.timeout');
  });
});

async function plainServer(answer: (socket: Socket) => unknown): Promise<number> {
  const server = createServer(socket => {
    // What the client says is read, or its end would never be seen.
    socket.on('error', () => undefined).resume();
    answer(socket);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => new Promise(resolve => server.close(resolve)));
  return (server.address() as AddressInfo).port;
}

/** Of an authority that the server does not know. */
async function foreignCertificate(): Promise<{ certFile: string; keyFile: string }> {
  const [certFile, keyFile] = [join(dir, 'foreign.pem'), join(dir, 'foreign.key')];
  const flags = ['-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=foreign'];
  await promisify(execFile)('openssl', ['req', ...flags, '-keyout', keyFile, '-out', certFile]);
  return { certFile, keyFile };
}
