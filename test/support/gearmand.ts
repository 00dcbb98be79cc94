/** Debian's gearmand on a free loopback port. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { ensureDebianPackages } from './packages.js';
import { freePort } from './ports.js';
import { startServer } from './server-process.js';

export interface Gearmand {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

export async function startGearmand(): Promise<Gearmand> {
  await ensureDebianPackages(['gearman-job-server']);
  const host = '127.0.0.1';
  const port = await freePort();
  const server = await startServer({
    program: 'gearmand',
    // It will not run as root without being told whom to be.
    flags: [`--listen=${host}`, `--port=${String(port)}`, '--log-file=stderr', ...asUser()],
    isReady: () => listens(host, port),
  });
  return { host, port, pid: server.pid, stop: () => server.stop() };
}

function asUser(): readonly string[] {
  return process.getuid?.() === 0 ? ['--user=gearman'] : [];
}

async function listens(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    // Not yet; `startServer` gives up at its deadline.
    return false;
  } finally {
    socket.destroy();
  }
}
