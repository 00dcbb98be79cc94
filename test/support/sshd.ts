/** Debian's own sshd on a loopback port, with keys and configuration of its own, for the user that runs the tests. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

import { ensureDebianPackages } from './packages.js';
import { freePort } from './ports.js';
import { startServer } from './server-process.js';

const run = promisify(execFile);

export interface Sshd {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  /** Logs in and runs what it is asked to. */
  readonly privateKeyFile: string;
  /** `TYPE BASE64`. */
  readonly hostKey: string;
  /** Makes another key that logs in, whatever is asked, to this command. */
  addForcedKey(name: string, command: string): Promise<string>;
  /** Lets in whoever has the private key of this one. */
  authorize(publicKey: string): Promise<void>;
  close(): Promise<void>;
}

/** `more`: lines of its configuration. */
export async function startSshd({ more = [] }: { readonly more?: readonly string[] } = {}): Promise<Sshd> {
  await ensureDebianPackages(['openssh-server']);
  const folder = await mkdtemp(join(tmpdir(), 'nodepool-sshd-'));
  const authorized = join(folder, 'authorized_keys');
  const hostKey = await makeKey(folder, 'host');
  const client = await makeKey(folder, 'client');
  await writeFile(authorized, `${client.publicKey}\n`, { mode: 0o600 });
  // The service unit makes this directory; without it an sshd of root does not start.
  if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const port = await freePort();
  const config = join(folder, 'sshd_config');
  await writeFile(config, configText({ port, folder, authorized, hostKeyFile: hostKey.file, more }));
  const server = await startServer({
    program: '/usr/sbin/sshd',
    flags: ['-D', '-e', '-f', config],
    isReady: () => answers(port),
  });
  return {
    host: '127.0.0.1',
    port,
    username: userInfo().username,
    privateKeyFile: client.file,
    hostKey: hostKey.publicKey.split(' ').slice(0, 2).join(' '),
    async addForcedKey(name, command) {
      const key = await makeKey(folder, name);
      await writeFile(authorized, `command=${JSON.stringify(command)} ${key.publicKey}\n`, { flag: 'a' });
      return key.file;
    },
    authorize: publicKey => writeFile(authorized, `${publicKey}\n`, { flag: 'a' }),
    async close() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function makeKey(folder: string, name: string): Promise<{ readonly file: string; readonly publicKey: string }> {
  const file = join(folder, name);
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', name, '-f', file]);
  return { file, publicKey: (await readFile(`${file}.pub`, 'utf8')).trim() };
}

function configText(parts: {
  readonly port: number;
  readonly folder: string;
  readonly authorized: string;
  readonly hostKeyFile: string;
  readonly more: readonly string[];
}): string {
  return [
    `Port ${parts.port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${parts.hostKeyFile}`,
    `PidFile ${join(parts.folder, 'pid')}`,
    `AuthorizedKeysFile ${parts.authorized}`,
    'AuthenticationMethods publickey',
    'PermitRootLogin prohibit-password',
    // The folder of the keys is in /tmp, which everybody may write.
    'StrictModes no',
    'UsePAM no',
    'MaxStartups 100',
    'Subsystem sftp internal-sftp',
    ...parts.more,
    '',
  ].join('\n');
}

/** Whether the port greets as SSH does. */
function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', chunk => {
      resolve(chunk.toString('latin1').startsWith('SSH-2.0'));
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}
