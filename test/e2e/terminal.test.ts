/** What draws on the whole screen, in a real terminal: one that wraps lines anew when it becomes narrower. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { ControlServer } from '../../src/ports/control.js';
import { actor, FakeControl, node, provider, serveFake } from '../contract/http/fake-control.js';
import { ensureDebianPackages } from '../support/packages.js';
import { until } from '../support/until.js';

const run = promisify(execFile);
const api = new FakeControl();
let dir: string;
let server: ControlServer;

beforeAll(async () => {
  await ensureDebianPackages(['tmux']);
  api.providerViews = [provider('rax-ord'), provider('hp')];
  api.nodeViews = [node(17), node(18, { state: 'hold', reason: 'the disk was full, and somebody looks at it' })];
  api.root = actor('/', { children: Array.from({ length: 40 }, (_, index) => actor(`/part-${index + 1}`)) });
  dir = await mkdtemp(join(tmpdir(), 'terminal-'));
  await tmux('start-server', ';', 'set-option', '-g', 'exit-empty', 'off');
  server = await serveFake(api, join(dir, 'control.sock'));
});
afterAll(async () => {
  await tmux('kill-server');
  await server.close();
  await rm(dir, { recursive: true, force: true });
});

beforeEach(async () => {
  const shell = `env PS1='$ ' NODEPOOLD_SOCKET=${join(dir, 'control.sock')} sh`;
  await tmux('new-session', '-d', '-s', 'screen', '-x', '120', '-y', '20', shell);
  await shows(lines => lines[0] === '$');
  return async () => void (await tmux('kill-session', '-t', 'screen'));
});

it('top that is made narrower leaves nothing behind, and gives the terminal back', async () => {
  await type('echo before', 'Enter', `${resolve('bin/nodepool')} top`, 'Enter');
  await shows(lines => lines.some(line => line.includes('somebody looks at it')));
  const isWhole = (lines: readonly string[]): boolean =>
    lines.filter(line => line.startsWith('nodepool ')).length === 1 &&
    lines[0]?.startsWith('nodepool ready') === true &&
    lines.filter(line => line.includes('PROVIDER')).length === 2;
  await resize(50, 20);
  await shows(lines => lines.some(line => line.startsWith('> 17') && line.endsWith('…')));
  expect(isWhole(await screen())).toBe(true);
  await resize(110, 8);
  await shows(
    lines => lines.some(line => line.includes('(2, by state)')) && lines[0]?.startsWith('nodepool ') === true,
  );
  await resize(120, 20);
  await shows(isWhole);
  await type('q');
  await shows(lines => lines.includes('before') && lines.at(-1) === '$');
});

it('a tree that is higher than the screen is watched from its top, and says how much there is below', async () => {
  await type(`${resolve('bin/nodepool')} tree --watch`, 'Enter');
  await shows(lines => lines[0]?.startsWith('ACTOR') === true && lines.length === 20);
  expect((await screen()).at(-1)).toMatch(/^23 more; nodepool tree PATH --watch/);
  await resize(120, 10);
  await shows(lines => lines.at(-1)?.startsWith('33 more') === true);
  expect((await screen())[1]).toMatch(/^\/ /);
  await resize(120, 50);
  await shows(lines => lines.length === 42 && lines[0]?.startsWith('ACTOR') === true);
  await type('C-c');
  await shows(lines => lines[0]?.startsWith('$ ') === true && lines.at(-1) === '$');
});

async function tmux(...args: string[]): Promise<string> {
  const env = { ...process.env, LANG: 'C.UTF-8', TERM: 'xterm-256color', TMUX: '' };
  return (await run('tmux', ['-u', '-f', '/dev/null', '-S', join(dir, 'tmux.sock'), ...args], { env })).stdout;
}

/** Names of keys, or text. */
const type = (...keys: string[]): Promise<string> => tmux('send-keys', '-t', 'screen', ...keys);
const resize = (columns: number, rows: number): Promise<string> =>
  tmux('resize-window', '-t', 'screen', '-x', String(columns), '-y', String(rows));

/** Its lines, without the blank ones below. */
async function screen(): Promise<string[]> {
  return (await tmux('capture-pane', '-p', '-t', 'screen'))
    .trimEnd()
    .split('\n')
    .map(line => line.trimEnd());
}

async function shows(fits: (lines: readonly string[]) => boolean): Promise<void> {
  let last: readonly string[] = [];
  try {
    await until(async () => fits((last = await screen())) || null, { withinMs: 60_000 });
  } catch (error) {
    throw new Error(`never seen; last:\n${last.join('\n')}`, { cause: error });
  }
}
