/**
 * Two clouds in trouble, in a process of their own and of the lowest priority, since in truth they are elsewhere. `hang`
 * lets in, takes every call and answers none. `burn` wants a TLS handshake for each call, and its machines shake hands by SSH as
 * often as they are asked, and let nobody in.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request, type IncomingHttpHeaders } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { startWorld } from '../../../src/sim/world.js';
import { makeCertificates } from '../../support/certificates.js';
import { providerOf } from '../../support/e2e-config.js';
import { imageName } from '../../support/e2e-world.js';

export interface Trouble {
  /** Their entries in the configuration file. */
  readonly providers: readonly Readonly<Record<string, unknown>>[];
  calls(): Promise<TroubleCalls>;
  stop(): Promise<void>;
}

export interface TroubleCalls {
  readonly hanging: number;
  readonly tls: number;
}

const cloud = { bootMs: [500, 1_500], sshDelayMs: [0, 0], deleteMs: [500, 1_500], callMs: [50, 200] } as const;
const servers = 100;

const script = fileURLToPath(import.meta.url);
if (process.argv[1] === script) await serve();

export async function startTrouble(): Promise<Trouble> {
  const child = fork(script, { execArgv: ['--import', 'tsx'] });
  const [providers] = (await once(child, 'message')) as [Trouble['providers']];
  return {
    providers,
    async calls() {
      const answer = once(child, 'message');
      child.send('say');
      return ((await answer) as [TroubleCalls])[0];
    },
    async stop() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

async function serve(): Promise<void> {
  setPriority(19);
  const world = await startWorld({
    clouds: ['hang', 'burn'].map(name => ({ name, images: [imageName], ...cloud })),
    masters: [],
    // Nobody whom the pool knows.
    usernames: ['stranger'],
  });
  const [hang, burn] = [...world.clouds.values()];
  if (!hang || !burn) throw new Error('the world has no clouds');
  hang.faults.rate('*', 1, { kind: 'hang' });
  // One login serves all calls: they would wait for it, and none would come here.
  hang.faults.rate('authenticate', Number.MIN_VALUE, { kind: 'hang' });
  const dir = await mkdtemp(join(tmpdir(), 'nodepool-trouble-'));
  const certificates = await makeCertificates(dir);
  const front = await startFront(certificates, new URL(burn.authUrl).origin);
  const own = {
    'max-servers': servers,
    'boot-timeout': 600,
    'launch-timeout': 900,
    concurrency: { launches: servers },
  };
  const images = { 'cloud-images': [{ ...imageOf(providerOf(burn, world.ssh)), username: 'jenkins' }] };
  process.send?.([
    { ...providerOf(hang, world.ssh), ...own, ...images },
    { ...providerOf(burn, world.ssh), ...own, ...images, 'auth-url': `${front.origin}/v3`, cacert: certificates.ca },
  ]);
  process.on('message', () => {
    const hanging = Object.values(hang.counts().calls).reduce((sum, count) => sum + count, 0);
    process.send?.({ hanging, tls: front.handshakes() } satisfies TroubleCalls);
  });
  process.once('disconnect', () => {
    void rm(dir, { recursive: true }).then(() => process.exit());
  });
}

function imageOf(provider: Readonly<Record<string, unknown>>): object {
  return (provider['cloud-images'] as readonly object[])[0] ?? {};
}

/** TLS in front of a cloud that speaks without it, its addresses in every answer its own; one connection for each call. */
async function startFront(
  { cert, key }: { readonly cert: string; readonly key: string },
  behind: string,
): Promise<{ readonly origin: string; handshakes(): number }> {
  let handshakes = 0;
  const server = createServer({ cert: await readFile(cert), key: await readFile(key) }, (asked, answer) => {
    const passed = request(
      behind + (asked.url ?? '/'),
      { method: asked.method ?? 'GET', headers: without(asked.headers, 'host') },
      reply => {
        void text(reply).then(body => {
          const kept = without(reply.headers, 'content-length', 'transfer-encoding', 'connection');
          answer.writeHead(reply.statusCode ?? 500, { ...kept, connection: 'close' });
          answer.end(body.replaceAll(behind, origin));
        });
      },
    );
    passed.on('error', () => answer.destroy());
    asked.pipe(passed);
  });
  server.on('secureConnection', () => handshakes++);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `https://localhost:${(server.address() as AddressInfo).port}`;
  return { origin, handshakes: () => handshakes };
}

function without(headers: IncomingHttpHeaders, ...names: readonly string[]): IncomingHttpHeaders {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));
}
