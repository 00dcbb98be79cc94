/** Completion in real shells, with names from a daemon that answers. */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ControlServer } from '../../src/ports/control.js';
import { actor, FakeControl, node, provider, serveFake } from '../contract/http/fake-control.js';
import { ensureDebianPackages } from '../support/packages.js';

const run = promisify(execFile);
const program = resolve('bin/nodepool');
const api = new FakeControl();
let dir: string;
let server: ControlServer;

beforeAll(async () => {
  await ensureDebianPackages(['bash', 'zsh', 'fish']);
  api.nodeViews = [node(17), node(23, { state: 'hold', reason: 'mine' })];
  api.providerViews = [provider('rax-ord'), provider('hp')];
  const image = actor('/providers/hp/images/trusty-$(touch)');
  const images = actor('/providers/hp/images', { children: [image] });
  const source = actor('/events/tcp:127.0.0.1:8888');
  api.root = actor('/', {
    children: [actor('/providers/hp', { children: [images] }), actor('/events', { children: [source] })],
  });
  dir = await mkdtemp(join(tmpdir(), 'completion-'));
  server = await serveFake(api, join(dir, 'control.sock'));
  // By the name that is completed; what else it is asked it repeats.
  const script = `#!/bin/sh\ntest "$1" = complete || { echo "ran: $*"; exit; }\nexec node ${program} "$@"\n`;
  await writeFile(join(dir, 'nodepool'), script);
  await chmod(join(dir, 'nodepool'), 0o755);
  for (const shell of ['bash', 'zsh', 'fish']) {
    await writeFile(join(dir, shell), (await run(process.execPath, [program, 'completion', shell])).stdout);
  }
});
afterAll(async () => {
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

interface Asked {
  readonly shell: string;
  readonly args: readonly string[];
  readonly socket?: string;
}

async function ask({ shell, args, socket = join(dir, 'control.sock') }: Asked): Promise<string> {
  const env = { PATH: `${dir}:${process.env['PATH'] ?? ''}`, HOME: dir, LANG: 'C.UTF-8', NODEPOOLD_SOCKET: socket };
  const { stdout, stderr } = await run(shell, args, { env, cwd: dir, timeout: 60_000 });
  expect(stderr).toBe('');
  return stdout;
}

/** What fish offers, with what it says of it. */
async function fish(line: string, socket?: string): Promise<string[]> {
  const args = ['--no-config', '-c', `source ${dir}/fish; complete -C '${line}'`];
  const offered = await ask({ shell: 'fish', args, ...(socket === undefined ? {} : { socket }) });
  return offered.split('\n').filter(Boolean);
}

async function bash(line: string, socket?: string): Promise<string[]> {
  const script = `source ${dir}/bash; COMP_LINE='${line}' COMP_POINT=${line.length}; _nodepool; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const args = ['--norc', '-c', script];
  return (await ask({ shell: 'bash', args, ...(socket === undefined ? {} : { socket }) })).split('\n').filter(Boolean);
}

/** Types the line with a tab into a zsh on a terminal; what the command that it became was given. */
async function zsh(line: string, expected: string): Promise<void> {
  const script = `
zmodload zsh/zpty
zpty inner zsh -f -i
zpty -w inner 'autoload -U compinit; compinit -D -u; source ${dir}/zsh; echo is-$((1+1))-up'
zpty -r -m inner seen '*is-2-up*'
zpty -w inner '${line}'$'\\t'
zpty -r -m inner seen '*ran: *$*'
zpty -d inner
print -r -- "\${seen##*ran: }"`.replace('*$*', `${expected}*`);
  expect(await ask({ shell: 'zsh', args: ['-f', '-c', script] })).toContain(expected);
}

it('offers nodes, those that are held, providers, images, labels and actors, as the daemon has them', async () => {
  expect(await fish('nodepool hold ')).toEqual(['17\tready, precise in rax-ord', '23\thold, precise in rax-ord: mine']);
  expect(await bash('nodepool --debug hold --reason why ')).toEqual(['17', '23']);
  expect(await bash('nodepool release ')).toEqual(['23']);
  expect(await bash('nodepool tune ')).toEqual(['rax-ord', 'hp']);
  expect(await bash('nodepool tune hp rate=1 max')).toEqual(['max-servers=']);
  await zsh('nodepool hold 1', 'hold 17');
});

it('takes no part of a name for more than a part of a name', async () => {
  expect(await bash('nodepool image-pause hp ')).toEqual(['trusty-$(touch)']);
  // Bash replaces what is behind its last colon.
  expect(await bash('nodepool restart /events/tcp:127')).toEqual(['127.0.0.1:8888']);
  expect(await fish('nodepool inspect /events/t')).toEqual(['/events/tcp:127.0.0.1:8888\trunning']);
});

it('offers commands and flags without a daemon, and neither a name nor an error', async () => {
  const nowhere = join(dir, 'nowhere.sock');
  expect(await ask({ shell: process.execPath, args: [program, 'complete', 'hold'], socket: nowhere })).toBe('');
  for (const complete of [bash, fish]) {
    expect(await complete('nodepool hold ', nowhere)).toEqual([]);
    expect((await complete('nodepool image-u', nowhere))[0]).toMatch(/^image-update/);
    expect((await complete('nodepool hold --rea', nowhere))[0]).toMatch(/^--reason/);
    expect((await complete('nodepool completion ', nowhere)).toSorted()).toEqual(['bash', 'fish', 'zsh']);
  }
});
