/** What every shell promises: run over machines in memory, over the simulated ones, and over Debian's sshd. */
import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';

import type { ShellLogin, ShellPort } from '../../src/ports/shell.js';
import { rejectsWith } from './cloud.suite.js';
import { writeKeyFiles, type KeyFiles } from './shell-keys.js';

/** A machine that lets `login` in. */
export interface ShellSubject {
  readonly login: ShellLogin;
  /** Where nobody listens. */
  readonly closedPort: number;
  open(keys: KeyFiles): ShellPort;
  /** Lets time pass until the outcome is there. */
  settle<T>(outcome: Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export function shellContract(start: () => Promise<ShellSubject>): void {
  let subject: ShellSubject;
  let keys: KeyFiles;
  let shell: ShellPort;

  beforeAll(async () => {
    keys = await writeKeyFiles();
    subject = await start();
  });

  beforeEach(() => {
    shell = subject.open(keys);
  });

  afterEach(() => shell.close());

  afterAll(async () => {
    await subject.close();
    await keys.remove();
  });

  const check = (more: Partial<ShellLogin> = {}, deadlineMs = 20_000) =>
    subject.settle(shell.check({ ...subject.login, ...more }, { deadlineMs }));

  it('logs in and tells the host key', async () => {
    const { hostKey, attempts } = await check();
    expect(hostKey).toMatch(/^[a-z0-9-]+ [A-Za-z0-9+/]+=*$/);
    expect(attempts).toBe(1);
  });

  it('takes files over the connection of the check', async () => {
    const path = join(tmpdir(), `nodepool-file-${randomUUID()}`);
    const files = [{ path, content: 'one\n', mode: 0o600 }];
    const { notWritten } = await subject.settle(shell.check(subject.login, { deadlineMs: 20_000, files }));
    await rm(path, { force: true });
    expect(notWritten).toBeNull();
  });

  it('logs in again to a machine with the recorded host key', async () => {
    const { hostKey } = await check();
    expect((await check({ hostKey })).hostKey).toBe(hostKey);
  });

  it('does not log in to a machine with another host key, and does not try again', async () => {
    const hostKey = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA';
    await rejectsWith(check({ hostKey }), 'ssh.host-key');
  });

  it('tries a refused key until the deadline', async () => {
    await rejectsWith(check({ privateKeyFile: keys.stranger }, 400), 'ssh.auth');
  });

  it('tries a closed port until the deadline', async () => {
    await rejectsWith(check({ port: subject.closedPort }, 400), 'ssh.unreachable');
  });

  it('does not try with a key file that is missing, encrypted, or no private key', async () => {
    await rejectsWith(check({ privateKeyFile: keys.missing }), 'ssh.key');
    await rejectsWith(check({ privateKeyFile: keys.encrypted }), 'ssh.key');
    await rejectsWith(check({ privateKeyFile: keys.publicOnly }), 'ssh.key');
    await rejectsWith(check({ privateKeyFile: keys.nonsense }), 'ssh.key');
  });

  it('does not try with a key file that everybody can read', async () => {
    await rejectsWith(check({ privateKeyFile: keys.exposed }), 'ssh.key-exposed');
  });

  it('is called off by its caller', async () => {
    const login = { ...subject.login, port: subject.closedPort };
    const abort = new AbortController();
    const outcome = rejectsWith(shell.check(login, { deadlineMs: 600_000, signal: abort.signal }), 'ssh.timeout');
    abort.abort();
    await outcome;
  });

  it('is called off when the port closes', async () => {
    const login = { ...subject.login, port: subject.closedPort };
    const outcome = rejectsWith(shell.check(login, { deadlineMs: 600_000 }), 'ssh.timeout');
    await shell.close();
    await outcome;
  });
}
