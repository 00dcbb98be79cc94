import { copyFile, mkdir, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { connect, createServer, Socket, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { openShell } from '../../src/adapters/ssh/shell.js';
import { openWorkerShell, WorkerPools } from '../../src/adapters/workers/workers.js';
import type { ShellLogin } from '../../src/ports/shell.js';
import { freePort } from '../support/ports.js';
import { startSshd, type Sshd } from '../support/sshd.js';
import { rejectsWith } from './cloud.suite.js';
import { writeKeyFiles } from './shell-keys.js';
import { shellContract, type ShellSubject } from './shell.suite.js';

async function subjectOf(sshd: Sshd, open: ShellSubject['open']): Promise<ShellSubject> {
  return {
    login: loginOf(sshd),
    closedPort: await freePort(),
    open,
    settle: outcome => outcome,
    close: () => sshd.close(),
  };
}

function loginOf({ host, port, username, privateKeyFile }: Sshd): ShellLogin {
  return { host, port, username, privateKeyFile, hostKey: null };
}

describe('the sshd of Debian', () => {
  shellContract(async () => subjectOf(await startSshd(), openShell));
});

describe('the sshd of Debian, from worker threads', () => {
  shellContract(async () => {
    const pools = new WorkerPools();
    const subject = await subjectOf(await startSshd(), () => openWorkerShell('alpha', pools));
    return {
      ...subject,
      async close() {
        await pools.close();
        await subject.close();
      },
    };
  });
});

describe('a login', () => {
  let sshd: Sshd;
  const shell = openShell();

  beforeAll(async () => {
    sshd = await startSshd();
  });

  afterAll(async () => {
    await shell.close();
    await sshd.close();
  });

  it('gets each packet at once: held back, thirty of them would wait 40 ms each', async () => {
    const setNoDelay = vi.spyOn(Socket.prototype, 'setNoDelay');
    await shell.check(loginOf(sshd), { deadlineMs: 20_000 });
    expect(setNoDelay.mock.calls).toEqual([[true]]);
    setNoDelay.mockRestore();
  });

  it('tells the host key as the machine has it', async () => {
    expect((await shell.check(loginOf(sshd), { deadlineMs: 20_000 })).hostKey).toBe(sshd.hostKey);
  });

  it('and the files that go with it are one connection, and a file that cannot be written refuses nobody', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nodepool-login-'));
    const path = join(folder, 'id_rsa');
    const file = (content: string, mode: number, name = path) => ({ path: name, content, mode });
    let connections = 0;
    const counting = await startPeer((socket, count) => {
      connections = count;
      relay(socket, connect(sshd.port, sshd.host));
    });
    const check = (...files: ReturnType<typeof file>[]) =>
      shell.check({ ...loginOf(sshd), port: counting.port }, { deadlineMs: 20_000, files });
    const others = Array.from({ length: 8 }, (_, n) => file(`${n}\n`, 0o644, join(folder, String(n))));
    expect((await check(file('first and longer', 0o644), ...others)).notWritten).toBeNull();
    expect((await check(file('second', 0o600))).notWritten).toBeNull();
    expect(connections).toBe(2);
    expect(await readFile(path, 'utf8')).toBe('second');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await Promise.all(others.map(({ path: name }) => readFile(name, 'utf8')))).toEqual(
      others.map(({ content }) => content),
    );
    const refused = await check(file('', 0o600, join(folder, 'no', 'such')));
    expect(refused).toMatchObject({ attempts: 1, hostKey: sshd.hostKey });
    expect(refused.notWritten).toBe(
      `${sshd.username}@${sshd.host}:${counting.port}: the machine does not take the file ${join(folder, 'no', 'such')}: No such file`,
    );
    await counting.close();
    await rm(folder, { recursive: true });
  });

  it('that answers something else is refused, and says what it answered', async () => {
    const privateKeyFile = await sshd.addForcedKey('polite', 'echo Please log in as ubuntu; exit 3');
    const fault = await rejectsWith(shell.check({ ...loginOf(sshd), privateKeyFile }, { deadlineMs: 900 }), 'ssh.auth');
    expect(fault.message).toContain('ended with 3 and answered "Please log in as ubuntu"');
  });

  it('that is cut while the command runs is no success', async () => {
    const privateKeyFile = await sshd.addForcedKey('cut', 'echo access okay; sleep 0.1; kill -9 $PPID');
    await rejectsWith(shell.check({ ...loginOf(sshd), privateKeyFile }, { deadlineMs: 900 }), 'ssh.unreachable');
  });

  it('that hangs ends at the deadline', async () => {
    // Unlike a sleep, it ends with its connection.
    const privateKeyFile = await sshd.addForcedKey('hung', 'cat');
    await rejectsWith(shell.check({ ...loginOf(sshd), privateKeyFile }, { deadlineMs: 500 }), 'ssh.timeout');
  });

  it('offers the configured key and no other: neither of an agent, nor of the home directory, lesson 127', async () => {
    const home = await mkdtemp(join(tmpdir(), 'nodepool-home-'));
    await mkdir(join(home, '.ssh'));
    await copyFile(sshd.privateKeyFile, join(home, '.ssh', 'id_ed25519'));
    let asked = 0;
    const agent = createServer(socket => {
      asked++;
      socket.destroy();
    });
    const socketFile = join(home, 'agent');
    await new Promise<void>(resolve => agent.listen(socketFile, resolve));
    vi.stubEnv('HOME', home);
    vi.stubEnv('SSH_AUTH_SOCK', socketFile);
    const keys = await writeKeyFiles();
    await rejectsWith(
      shell.check({ ...loginOf(sshd), privateKeyFile: keys.stranger }, { deadlineMs: 600 }),
      'ssh.auth',
    );
    vi.unstubAllEnvs();
    expect(asked).toBe(0);
    await new Promise(resolve => agent.close(resolve));
    await keys.remove();
    await rm(home, { recursive: true });
  });

  it('that is cut at first succeeds at the next attempt', async () => {
    const booting = await startPeer((socket, count) => {
      if (count === 1) socket.destroy();
      else relay(socket, connect(sshd.port, sshd.host));
    });
    const outcome = await shell.check({ ...loginOf(sshd), port: booting.port }, { deadlineMs: 20_000 });
    expect(outcome.attempts).toBe(2);
    await booting.close();
  });

  it.each<[string, (socket: Socket) => void, 'ssh.timeout' | 'ssh.protocol' | 'ssh.unreachable']>([
    ['says nothing', () => undefined, 'ssh.timeout'],
    ['only greets', socket => void socket.write('SSH-2.0-OpenSSH_9.2\r\n'), 'ssh.timeout'],
    ['speaks HTTP', socket => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'), 'ssh.protocol'],
    ['hangs up', socket => void socket.end(), 'ssh.protocol'],
    ['resets', socket => void socket.resetAndDestroy(), 'ssh.unreachable'],
  ])('at a port that %s is a fault', async (_what, greet, kind) => {
    const peer = await startPeer(greet);
    await rejectsWith(shell.check({ ...loginOf(sshd), port: peer.port }, { deadlineMs: 300 }), kind);
    await peer.close();
  });
});

/** Ends both when one ends: an sshd waits for a client that it believes to be there. */
function relay(client: Socket, machine: Socket): void {
  client.pipe(machine).pipe(client);
  client.on('close', () => machine.destroy());
  machine.on('close', () => client.destroy());
  machine.on('error', () => client.destroy());
}

async function startPeer(
  greet: (socket: Socket, count: number) => void,
): Promise<{ readonly port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    greet(socket, sockets.size);
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
