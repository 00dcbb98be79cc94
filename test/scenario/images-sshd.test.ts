/**
 * A snapshot is built on a machine that is a real sshd, over the real SSH of the daemon. The cloud, the database and
 * their time are in memory; they wait for what takes time on the wall.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openBuilds } from '../../src/adapters/builds/builds.js';
import { openShell } from '../../src/adapters/ssh/shell.js';
import type { ShellLogin, ShellPort } from '../../src/ports/shell.js';
import { startPool, type Pool } from '../support/pool.js';
import { dayMs, imagesWish, minuteMs } from '../support/pool-images.js';
import { startTemplateMachine, type TemplateMachine } from '../support/template-machine.js';
import { until } from '../support/until.js';

/** What a shell would take for its own, and a terminal too. */
const environment = {
  NODEPOOL_QUOTES: `it's "quoted" \\ and \\'so on`,
  NODEPOOL_SHELL: '$HOME $(id) `id` ${x} ; rm -rf . & | > < * ? [a] ~ # !x',
  NODEPOOL_LINES: 'one\ntwo\n\nfour',
  NODEPOOL_EMPTY: '',
  NODEPOOL_TAB: 'a\tb',
  NODEPOOL_ALPHABET: 'grüße 🔧',
};

let machine: TemplateMachine;
let shell: ShellPort;
let folder: string;

beforeEach(async () => {
  machine = await startTemplateMachine();
  shell = openShell();
  folder = await mkdtemp(join(tmpdir(), 'nodepool-images-'));
  await mkdir(join(folder, 'scripts'));
});

afterEach(async () => {
  await shell.close();
  await machine.close();
  await rm(folder, { recursive: true });
});

const script = (name: string, text: string, mode = 0o755): Promise<void> =>
  writeFile(join(folder, 'scripts', name), text, { mode });

/** Builds one image until it comes to something, on the machine that stands for every server of the cloud. */
async function build(scriptMs = minuteMs): Promise<Pool> {
  const { sshd } = machine;
  const there = (login: ShellLogin): ShellLogin => ({ ...login, host: sshd.host });
  const builds = openBuilds({
    config: () => ({
      stateDir: folder,
      scriptDir: null,
      imagesDir: null,
      elementsDir: null,
      buildLogs: { dir: null, retention: 0 },
    }),
    env: { ...environment, PATH: process.env['PATH'] },
    log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
  });
  const wish = imagesWish(
    { username: sshd.username, sshPort: sshd.port, setup: 'set up.sh' },
    {
      labels: [{ name: 'bare', image: 'snap', minReady: 0 }],
      scriptDir: join(folder, 'scripts'),
      // Virtual time runs ahead of a login, which has time on the wall.
      timings: { templateSsh: dayMs, distroSsh: 5_000, script: scriptMs },
      builds,
      shell: {
        check: (login, call) => shell.check(there(login), call),
        work: (login, job, call) => shell.work(there(login), job, call),
        close: () => Promise.resolve(),
      },
    },
  );
  const pool = await startPool(wish);
  await passing(pool, () => pool.cloud().keypairs.size > 0);
  // What a cloud does with the key pair that a server is made with.
  for (const key of pool.cloud().keypairs.values()) await sshd.authorize(key);
  await passing(pool, () => pool.snapshots().some(({ state }) => state !== 'building'));
  return pool;
}

/** Both times pass until it is so. */
async function passing(pool: Pool, condition: () => boolean): Promise<void> {
  const look = async (): Promise<boolean> => {
    await pool.advance(1_000);
    return condition();
  };
  await until(look, { withinMs: minuteMs, everyMs: 5 });
}

const buildLog = async (): Promise<string> => {
  const logs = join(folder, 'build-logs');
  const [name = ''] = await readdir(logs);
  return readFile(join(logs, name), 'utf8');
};

test('the scripts are copied and the setup is run on a real machine, and every variable comes as it is, lesson 136', async () => {
  const names = Object.keys(environment).join(' ');
  await script('set up.sh', `#!/bin/bash\n./show "$@" > "$PWD/seen"\nprintenv -0 ${names} > "$PWD/environment"\n`);
  await script('show', '#!/bin/sh\necho "in $PWD for $*"\necho "path $PATH"\n');
  await script('secret', 'readable for all on the machine', 0o600);
  await mkdir(join(folder, 'scripts', 'below'));
  const pool = await build();
  const { hostname, imageId, username } = pool.snapshot('ready');
  expect(username).toBe(machine.sshd.username);
  expect(pool.cloud().ownImages).toMatchObject([{ id: imageId, name: hostname, status: 'active' }]);

  const scripts = join(machine.root, 'opt', 'nodepool-scripts');
  const output = (name: string): Promise<string> => readFile(join(scripts, name), 'utf8');
  expect((await readdir(scripts)).sort()).toEqual(['environment', 'secret', 'seen', 'set up.sh', 'show']);
  expect((await stat(join(scripts, 'secret'))).mode & 0o777).toBe(0o755);
  expect((await output('environment')).split('\0').slice(0, -1)).toEqual(Object.values(environment));
  expect((await output('seen')).split('\n')).toEqual([
    `in ${scripts} for ${hostname}`,
    'path /usr/local/sbin:/sbin:/usr/sbin:/usr/local/bin:/bin:/usr/bin',
    '',
  ]);
  expect((await stat(join(machine.root, 'etc', 'nodepool'))).mode & 0o777).toBe(0o777);
  expect(await machine.calls()).toEqual(['sync', 'sleep 5']);
});

/** Ends the process of sshd that serves this connection. */
const killSshd = `p=$PPID
while ! grep -q '^sshd' /proc/$p/comm; do p=$(awk '{print $4}' /proc/$p/stat); done
kill -9 $p
sleep 60`;

test.each([
  ['hangs', 'echo waits; sleep 600', 1_000, 'ssh.timeout', 'not done within 1000 ms'],
  [
    'floods its output and fails',
    'yes flood | head -c 6000000; echo E: no mirror; exit 4',
    minuteMs,
    'build.script',
    'flood\nE: no mirror',
  ],
  ['kills sshd', `echo last words; sleep 0.2; ${killSshd}`, minuteMs, 'ssh.unreachable', 'last words'],
])('a setup that %s fails its build with its reason', async (_how, text, scriptMs, kind, words) => {
  await script('set up.sh', `#!/bin/sh\n${text}\n`);
  const pool = await build(scriptMs);
  const { lastError } = pool.snapshot('delete');
  expect(lastError).toContain(words);
  expect(lastError?.length).toBeLessThan(5_000);
  const line = pool.log.find(({ message }) => message.includes('its build failed at setup'));
  expect(line?.fault).toBe(kind);
  await until(async () => {
    const log = await buildLog();
    return log.includes('it failed at setup') && log.includes(words.replace('\n', '\r\n'));
  });
  expect(pool.cloud().ownImages).toEqual([]);
});
