/** Keys, logs and disk images on this machine. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openBuilds, type BuildsConfig } from '../../src/adapters/builds/builds.js';
import { tag } from '../../src/domain/ids.js';
import type { DiskImage } from '../../src/domain/pool-config.js';
import type { BuildsPort } from '../../src/ports/builds.js';
import { until } from '../support/until.js';
import { rejectsWith } from './cloud.suite.js';

let dir: string;
let config: BuildsConfig;
const warnings: string[] = [];
const log = {
  debug: () => undefined,
  info: () => undefined,
  warn: (line: string) => void warnings.push(line),
  error: () => undefined,
};
const open = (env: Record<string, string | undefined> = {}): BuildsPort =>
  openBuilds({ config: () => config, env, log });

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'nodepool-builds-'));
  config = {
    stateDir: dir,
    buildLogs: { dir: null, retention: 3 },
    imagesDir: null,
    elementsDir: null,
    scriptDir: null,
  };
  warnings.length = 0;
});
afterEach(() => rm(dir, { recursive: true }));

describe('the key of a build', () => {
  test('is one that OpenSSH reads, in a file for us alone', async () => {
    const { publicKey, privateKeyFile } = await open().key(tag('np-a-1'));
    expect((await stat(privateKeyFile)).mode & 0o777).toBe(0o600);
    const { stdout } = await promisify(execFile)('ssh-keygen', ['-y', '-f', privateKeyFile]);
    expect(stdout.trim().split(' ').slice(0, 2).join(' ')).toBe(publicKey);
  });

  test('is the same at each question, also after a restart, and whoever asks at once', async () => {
    const builds = open();
    const keys = await Promise.all([1, 2, 3, 4].map(() => builds.key(tag('np-a-1'))));
    keys.push(await open().key(tag('np-a-1')));
    expect(new Set(keys.map(key => key.publicKey)).size).toBe(1);
    expect((await builds.key(tag('np-a-2'))).publicKey).not.toBe(keys[0]?.publicKey);
  });

  test('is made anew where a full disk has left an empty file, and leaves nothing beside it', async () => {
    const keys = join(dir, 'build-keys');
    await mkdir(keys);
    await writeFile(join(keys, 'np-a-1'), '');
    const { publicKey } = await open().key(tag('np-a-1'));
    expect(publicKey).toMatch(/^ssh-ed25519 /);
    expect(await readdir(keys)).toEqual(['np-a-1']);
    expect((await stat(join(keys, 'np-a-1'))).mode & 0o777).toBe(0o600);
  });

  test('is forgotten once, and again', async () => {
    const builds = open();
    const { privateKeyFile } = await builds.key(tag('np-a-1'));
    await builds.forgetKey(tag('np-a-1'));
    await builds.forgetKey(tag('np-a-1'));
    await expect(stat(privateKeyFile)).rejects.toThrow('ENOENT');
  });

  test('that cannot be kept is a fault', async () => {
    await writeFile(join(dir, 'no-directory'), '');
    config = { ...config, stateDir: join(dir, 'no-directory') };
    const fault = await rejectsWith(open().key(tag('np-a-1')), 'build.file');
    const folder = join(dir, 'no-directory', 'build-keys');
    expect(fault.message).toBe(
      `cannot keep the key ${join(folder, 'np-a-1')}: ENOTDIR: not a directory, mkdir '${folder}'`,
    );
  });
});

describe('the log of a build', () => {
  const place = (version: number, image = 'precise') => ({ provider: 'rax/ord', image, version });

  test('has its lines with their times, in a file with a name that a file may have', async () => {
    const builds = open();
    await builds.log(place(7), 0, 'it begins');
    await builds.log(place(7), 1_000, 'it ends');
    const file = builds.logFile(place(7));
    expect(file).toBe(join(dir, 'build-logs', 'rax%2Ford.precise.7.log'));
    expect(await readFile(file, 'utf8')).toBe('1970-01-01T00:00:00.000Z it begins\n1970-01-01T00:00:01.000Z it ends\n');
  });

  test('is kept as long as it is one of the newest of its image', async () => {
    const builds = open();
    for (const version of [8, 9, 10, 11, 12]) await builds.log(place(version), 0, 'x');
    await builds.log(place(1, 'trusty'), 0, 'x');
    await builds.log(place(2, 'precise.7'), 0, 'x');
    expect((await readdir(join(dir, 'build-logs'))).sort()).toEqual([
      'rax%2Ford.precise.10.log',
      'rax%2Ford.precise.11.log',
      'rax%2Ford.precise.12.log',
      'rax%2Ford.precise.7.2.log',
      'rax%2Ford.trusty.1.log',
    ]);
  });

  test('that cannot be written breaks nothing, and is told of once', async () => {
    await writeFile(join(dir, 'no-directory'), '');
    config = { ...config, buildLogs: { dir: join(dir, 'no-directory', 'logs'), retention: 3 } };
    const builds = open();
    await builds.log(place(1), 0, 'x');
    await builds.log(place(1), 0, 'x');
    expect(warnings).toHaveLength(1);
  });
});

test('scripts are given what begins with NODEPOOL_, and nothing else', () => {
  const env = {
    NODEPOOL_SSH_KEY: 'AAAA',
    NODEPOOLD_DBURI: 'secret',
    NODEPOOL: 'x',
    PATH: '/bin',
    NODEPOOL_NONE: undefined,
  };
  expect(open(env).environment).toEqual({ NODEPOOL_SSH_KEY: 'AAAA' });
});

describe('a disk image', () => {
  const disk = (more: Partial<DiskImage> = {}): DiskImage => ({
    name: 'disk',
    file: null,
    command: 'for f in $NODEPOOL_IMAGE_FORMATS; do printf %s "$f" > $DIB_IMAGE_FILENAME.$f; done',
    elements: [],
    release: null,
    envVars: {},
    rebuildAgeMs: null,
    isPaused: false,
    buildTimeoutMs: 60_000,
    qemuImgOptions: 'compat=0.10',
    ...more,
  });
  const make = (builds: BuildsPort, version: number, more: Partial<DiskImage> = {}, deadlineMs = 20_000) =>
    builds.make(
      { diskimage: disk(more), version, formats: ['qcow2', 'raw'] },
      { deadlineMs, signal: new AbortController().signal },
    );
  const files = () => readdir(join(dir, 'images')).then(names => names.sort());

  test('is made in all its formats, and its newest version is found', async () => {
    const builds = open();
    expect(await builds.newest('disk', 'raw')).toBeNull();
    await make(builds, 100);
    await make(builds, 101);
    const found = await builds.newest('disk', 'raw');
    expect(found).toMatchObject({ version: 101, bytes: 3, file: join(dir, 'images', 'disk-101.raw') });
    expect(await builds.newest('disk', 'vhd')).toBeNull();
    expect(await builds.newest('dis', 'raw')).toBeNull();
  });

  test('keeps two versions, and those of others', async () => {
    const builds = open();
    await make(builds, 1, { name: 'disk-2' });
    for (const version of [100, 101, 102]) await make(builds, version);
    expect(await files()).toEqual(
      ['disk-101.qcow2', 'disk-101.raw', 'disk-102.qcow2', 'disk-102.raw', 'disk-2-1.qcow2', 'disk-2-1.raw'].sort(),
    );
  });

  test('gets its environment, and what it says is in its log', async () => {
    config = { ...config, elementsDir: '/elements', scriptDir: '/scripts' };
    const command =
      'echo $DIB_RELEASE $DIB_IMAGE_NAME $ELEMENTS_PATH $NODEPOOL_SCRIPTDIR "$OWN" $PARENT; for f in $NODEPOOL_IMAGE_FORMATS; do : > $DIB_IMAGE_FILENAME.$f; done';
    const builds = open({ ...process.env, PARENT: 'p' });
    await make(builds, 5, { command, release: 'trusty', envVars: { OWN: `it's "$x"` } });
    const logFile = builds.logFile({ provider: 'diskimages', image: 'disk', version: 5 });
    await until(async () => (await readFile(logFile, 'utf8')) === `trusty disk /elements /scripts it's "$x" p\n`);
  });

  test.each([
    [
      'ends with trouble',
      'echo no space left >&2; exit 3',
      'build.command',
      'the build ended with 3; it said:\nno space left',
    ],
    ['makes nothing', 'true', 'build.command', 'the build ended well without a qcow2 in $DIB_IMAGE_FILENAME.qcow2'],
    ['makes one format of two', ': > $DIB_IMAGE_FILENAME.qcow2', 'build.command', 'without a raw in'],
    ['cannot be started', '/no/such/program', 'build.command', 'ended with 127'],
  ] as const)('whose command %s is a fault, and leaves nothing', async (_what, command, kind, words) => {
    const fault = await rejectsWith(make(open(), 1, { command }), kind);
    expect(fault.message.toLowerCase()).toContain(words.toLowerCase());
    expect(await files()).toEqual([]);
  });

  test('whose command hangs is ended in time, with all that it started', async () => {
    const mark = join(dir, 'alive');
    const command = `(trap '' TERM; while :; do touch ${mark}; sleep 0.05; done) & echo begun; wait`;
    const fault = await rejectsWith(make(open(), 1, { command }, 500), 'build.command');
    expect(fault.message).toMatch(/was not done within .*begun/s);
    await until(async () => {
      await rm(mark, { force: true });
      await new Promise(resolve => setTimeout(resolve, 200));
      return stat(mark).then(
        () => false,
        () => true,
      );
    });
  });

  test('that is no longer wanted is called off', async () => {
    const abort = new AbortController();
    const making = open().make(
      { diskimage: disk({ command: 'sleep 600' }), version: 1, formats: ['raw'] },
      { deadlineMs: 600_000, signal: abort.signal },
    );
    setTimeout(() => abort.abort(), 200);
    expect((await rejectsWith(making, 'build.command')).message).toContain('is no longer wanted');
  });

  test('that was cut off is never taken for whole, lesson 119', async () => {
    await mkdir(join(dir, 'images', 'disk-200.d'), { recursive: true });
    await writeFile(join(dir, 'images', '.making@disk@200.raw'), 'half');
    await mkdir(join(dir, 'images', 'disk-201.raw'));
    const builds = open();
    expect(await builds.newest('disk', 'raw')).toBeNull();
    await make(builds, 202);
    expect(await files()).not.toContain('.making@disk@200.raw');
  });

  test('of somebody else is told by what it is now', async () => {
    const file = join(dir, 'theirs.qcow2');
    await writeFile(file, '1234');
    const builds = open();
    const first = await builds.look(file);
    expect(first).toMatchObject({ file, bytes: 4 });
    await utimes(file, 1, 1);
    expect((await builds.look(file)).fingerprint).not.toBe(first.fingerprint);
    await rejectsWith(builds.look(join(dir, 'none')), 'build.file');
    await rejectsWith(builds.look(dir), 'build.file');
  });

  test('without a command is made by diskimage-builder of its elements', async () => {
    const bin = join(dir, 'bin');
    await mkdir(bin);
    const program =
      '#!/bin/sh\necho "$@"\nwhile [ "$1" != -o ]; do shift; done\n: > "$2.qcow2"; : > "$2.raw"; mkdir "$2.d"\n';
    await writeFile(join(bin, 'disk-image-create'), program, { mode: 0o755 });
    const builds = open({ ...process.env, PATH: `${bin}:${process.env['PATH'] ?? ''}` });
    await make(builds, 9, { command: null, elements: ['ubuntu', "it's"] });
    const logFile = builds.logFile({ provider: 'diskimages', image: 'disk', version: 9 });
    await until(async () => (await readFile(logFile, 'utf8')).length > 0);
    expect(await readFile(logFile, 'utf8')).toMatch(
      /^-x -t qcow2,raw --no-tmpfs --qemu-img-options compat=0\.10 -o \S+ ubuntu it's\n$/,
    );
    expect(await files()).toEqual(['disk-9.qcow2', 'disk-9.raw']);
  });
});
