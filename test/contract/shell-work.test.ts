/** What a job does on a real machine: Debian's sshd, from this thread and from worker threads. */
import { mkdir, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { openShell } from '../../src/adapters/ssh/shell.js';
import { openWorkerShell, WorkerPools } from '../../src/adapters/workers/workers.js';
import { environmentPrefix } from '../../src/domain/quote.js';
import type { ShellJob, ShellLogin, ShellPort } from '../../src/ports/shell.js';
import { openCrookedWay } from '../support/crooked-way.js';
import { startSshd, type Sshd } from '../support/sshd.js';
import { until } from '../support/until.js';
import { rejectsWith } from './cloud.suite.js';

const nothing: ShellJob = { files: [], directory: null, command: null, logFile: null };

describe.each([
  ['this thread', () => ({ shell: openShell(), close: () => Promise.resolve() })],
  [
    'a worker thread',
    () => {
      const pools = new WorkerPools();
      return { shell: openWorkerShell('alpha', pools), close: () => pools.close() };
    },
  ],
])('a job, from %s,', (_name, open) => {
  let sshd: Sshd;
  let shell: ShellPort;
  let closeThreads: () => Promise<void>;
  let dir: string;
  let login: ShellLogin;

  beforeAll(async () => {
    ({ shell, close: closeThreads } = open());
    sshd = await startSshd();
    dir = await mkdtemp(join(tmpdir(), 'nodepool-work-'));
    const { host, port, username, privateKeyFile } = sshd;
    login = { host, port, username, privateKeyFile, hostKey: null };
  });

  afterAll(async () => {
    await shell.close();
    await closeThreads();
    await sshd.close();
    await rm(dir, { recursive: true });
  });

  const work = (
    job: Partial<ShellJob>,
    { deadlineMs = 20_000, ...more }: { deadlineMs?: number; signal?: AbortSignal } = {},
  ) => shell.work(login, { ...nothing, ...job }, { loginDeadlineMs: 20_000, deadlineMs, ...more });

  it('runs its command, and tells how it ended and what it said', async () => {
    const { hostKey, ...ending } = await work({ command: 'echo one; echo two >&2; exit 3' });
    expect(hostKey).toBe(sshd.hostKey);
    expect(ending).toEqual({ exitCode: 3, signal: null, output: 'one\ntwo\n', droppedBytes: 0 });
  });

  it('tells the signal that ended its command', async () => {
    expect(await work({ command: 'kill -TERM $$' })).toMatchObject({
      exitCode: null,
      signal: expect.stringMatching(/TERM/) as string,
    });
  });

  it('passes every value as it is: quotes, $, back-ticks, line feeds, lesson 136', async () => {
    const values = {
      NODEPOOL_QUOTES: `it's "quoted" \\ and \\'so on`,
      NODEPOOL_SHELL: '$HOME $(id) `id` ; rm -rf / & | > < * ? [a] {b} ~ # !x',
      NODEPOOL_LINES: 'one\ntwo\n\nfour',
      NODEPOOL_EMPTY: '',
      NODEPOOL_ALPHABET: 'grüße 🔧',
    };
    const dump = `printenv -0 ${Object.keys(values).join(' ')} | base64 -w0`;
    const { output } = await work({ command: `${environmentPrefix(values)}sh -c ${`'${dump}'`}` });
    expect(Buffer.from(output, 'base64').toString('utf8').split('\0').slice(0, -1)).toEqual(Object.values(values));
  });

  it('copies files with their modes, over those that are there', async () => {
    const path = join(dir, 'file');
    const file = (content: string, mode: number) => ({ path, content, mode });
    await work({ files: [file('a long first version', 0o644)] });
    await work({ files: [file('second', 0o600)] });
    expect(await readFile(path, 'utf8')).toBe('second');
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('copies the regular files of a directory and nothing else, and then runs its command, lesson 115', async () => {
    const local = join(dir, 'scripts');
    await mkdir(join(local, 'below'), { recursive: true });
    await writeFile(join(local, 'setup.sh'), '#!/bin/sh\necho "$1 $NODEPOOL_KEY"\n', { mode: 0o755 });
    await writeFile(join(local, 'data'), Buffer.alloc(300_000, 7));
    await writeFile(join(local, 'below', 'deep'), '');
    const remote = join(dir, 'copied');
    const { output } = await work({
      directory: { local, remote },
      command: `ls ${remote}; cd ${remote} && NODEPOOL_KEY='a b' ./setup.sh host-1`,
    });
    expect(output.trim().split(/\s+/)).toEqual(['data', 'setup.sh', 'host-1', 'a', 'b']);
    expect(await readFile(join(remote, 'data'))).toHaveLength(300_000);
  });

  it('says which directory it cannot read, and which file it cannot write', async () => {
    const directory = { local: join(dir, 'none'), remote: 'x' };
    const none = join(dir, 'none');
    expect((await rejectsWith(work({ directory }), 'build.file')).message).toBe(
      `cannot read the scripts in ${none}: ENOENT: no such file or directory, scandir '${none}'`,
    );
    const file = { path: '/proc/no/such', content: '', mode: 0o600 };
    const fault = await rejectsWith(work({ files: [file] }), 'ssh.command');
    expect(fault.message).toMatch(/^\S+@\S+:\d+: the machine does not take the file \/proc\/no\/such: No such file$/);
    expect(fault.next).toBe(
      'see that sshd of the image offers sftp, that this user may write there, and that the disk of the machine has room',
    );
  });

  it('says of a connection that is cut in mid-copy that it was, and not that a file cannot be read', async () => {
    const way = await openCrookedWay(sshd);
    const [local, remote] = [join(dir, 'large'), join(dir, 'cut')];
    await mkdir(local);
    await writeFile(join(local, 'disk'), '');
    await truncate(join(local, 'disk'), 2 ** 31);
    const { host, port } = way;
    const outcome = rejectsWith(
      shell.work(
        { ...login, host, port },
        { ...nothing, directory: { local, remote } },
        { loginDeadlineMs: 20_000, deadlineMs: 20_000 },
      ),
      'ssh.unreachable',
    );
    await until(async () => ((await stat(join(remote, 'disk')).catch(() => null))?.size ?? 0) > 0);
    await way.become('refusing');
    expect((await outcome).message).not.toMatch(/cannot read|does not take/);
    await way.close();
    await rm(local, { recursive: true });
    await rm(remote, { recursive: true });
  });

  it('keeps the last of a flood, and all of it in the log up to a limit', async () => {
    const logFile = join(dir, 'flood.log');
    const { output, droppedBytes, exitCode } = await work({
      command: 'yes flood | head -c 30000000; echo the end',
      logFile,
    });
    expect(exitCode).toBe(0);
    expect(output).toMatch(/flood\n.*the end\n$/s);
    expect(output.length).toBeLessThanOrEqual(65_536);
    expect(droppedBytes).toBeGreaterThan(29_000_000);
    await until(async () => (await readFile(logFile, 'utf8')).endsWith('the rest is not kept\n'));
    expect((await stat(logFile)).size).toBeLessThan(17 * 1024 * 1024);
  });

  it('that hangs ends at its deadline, and so does what it runs, lesson 125', async () => {
    const mark = join(dir, 'hung');
    const command = `echo begun; trap 'touch ${mark}; exit' HUP; while true; do sleep 0.1; done`;
    const fault = await rejectsWith(work({ command }, { deadlineMs: 700 }), 'ssh.timeout');
    expect(fault.message).toContain('begun');
    await until(() => stat(mark).catch(() => false));
  });

  it('is called off by its caller', async () => {
    const abort = new AbortController();
    const outcome = rejectsWith(work({ command: 'sleep 600' }, { signal: abort.signal }), 'ssh.timeout');
    setTimeout(() => abort.abort(), 300);
    await outcome;
  });

  it('whose script ends the connection is a fault, with the last that was said', async () => {
    const fault = await rejectsWith(work({ command: 'echo last words; sleep 0.2; kill -9 $PPID' }), 'ssh.unreachable');
    expect(fault.message).toContain('last words');
  });

  it('that has nothing to run is done when the files are there', async () => {
    expect(await work({})).toMatchObject({ exitCode: 0, output: '' });
  });
});
