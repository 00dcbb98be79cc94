import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { openShell } from '../../src/adapters/ssh/shell.js';
import { environmentPrefix } from '../../src/domain/quote.js';
import { parse } from '../../src/sim/commands.js';
import type { World } from '../../src/sim/world.js';
import { rejectsWith } from './cloud.suite.js';
import { bootMachine, startSmallWorld } from '../support/world.js';

let world: World;
let dir: string;
const shell = openShell();

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'nodepool-sim-'));
  world = await startSmallWorld();
});
afterEach(async () => {
  await world.close();
  await rm(dir, { recursive: true });
});

/** Copies the scripts and runs one, as a pool does it. */
async function work(values: Readonly<Record<string, string>> = {}) {
  await writeFile(join(dir, 'setup.sh'), 'any text', { mode: 0o755 });
  const { address: host } = await bootMachine(world);
  const { port, username, privateKeyFile } = world.ssh;
  const command = [
    'set -e',
    '$sudo mv scripts /opt/nodepool-scripts',
    'cd /opt/nodepool-scripts',
    `${environmentPrefix(values)}./setup.sh 'host-1'`,
  ].join('\n');
  return shell.work(
    { host, port, username, privateKeyFile, hostKey: null },
    { files: [], directory: { local: dir, remote: 'scripts' }, command, logFile: null },
    { loginDeadlineMs: 10_000, deadlineMs: 10_000 },
  );
}

it('runs a script that was copied to the machine, with its environment', async () => {
  const values = { NODEPOOL_A: `it's; "so" && $on`, NODEPOOL_B: 'x\ny' };
  expect(await work(values)).toMatchObject({ exitCode: 0 });
  expect(world.ssh.scripts).toMatchObject([{ name: 'setup.sh', words: ['host-1'], environment: values }]);
});

it('lets a script fail, and says what it said', async () => {
  world.ssh.onScript = () => ({ code: 3, output: 'no mirror\n' });
  expect(await work()).toMatchObject({ exitCode: 3, output: 'no mirror\n' });
});

it('lets a script end the connection', async () => {
  world.ssh.onScript = () => ({ isCut: true });
  await rejectsWith(work(), 'ssh.unreachable');
});

it('reads a line as a shell does', () => {
  expect(parse(`a 'b c'"d" e\\ f && g;h\ni='j k' l`)).toEqual([['a', 'b cd', 'e f'], ['g'], ['h'], ['i=j k', 'l']]);
});
