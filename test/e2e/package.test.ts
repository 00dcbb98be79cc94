/** The package as others get it: packed, installed somewhere else, and run without this checkout. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { checkout } from '../support/daemon.js';
import { until } from '../support/until.js';

const run = promisify(execFile);
/** As long as the registry takes. */
const installMs = 600_000;

let dir: string;
let prefix: string;

/** A program of the package, away from the checkout. */
async function installed(
  program: string,
  ...args: string[]
): Promise<{ code: number; stdout: string; stderr: string }> {
  const env = { PATH: `${join(prefix, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: dir };
  try {
    return { code: 0, ...(await run(join(prefix, 'bin', program), args, { cwd: dir, env, timeout: 120_000 })) };
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
    return { code, stdout, stderr };
  }
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'nodepool-package-'));
  // As root, the database runs under another uid, which must reach its files.
  await chmod(dir, 0o711);
  prefix = join(dir, 'prefix');
  await mkdir(prefix);
  // What is built is there already; building it anew would disturb the other tests.
  await run('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', dir], { cwd: checkout });
  const [tarball = ''] = (await readdir(dir)).filter(name => name.endsWith('.tgz'));
  const install = ['install', '--global', '--prefer-offline', '--no-audit', '--no-fund', '--prefix', prefix];
  await run('npm', [...install, join(dir, tarball)], { cwd: dir, timeout: installMs, maxBuffer: 64 * 1024 * 1024 });
}, installMs);

afterAll(() => rm(dir, { recursive: true, force: true }));

it('has both programs, its configurations and its pages, and no tests', async () => {
  const { version } = JSON.parse(await readFile(join(checkout, 'package.json'), 'utf8')) as { version: string };
  expect(await installed('nodepool', '--version')).toMatchObject({ code: 0, stdout: `${version}\n` });
  expect(await installed('nodepoold', '--version')).toMatchObject({ code: 0, stdout: `${version}\n` });
  const root = join(prefix, 'lib', 'node_modules', 'nodepool');
  const files = await readdir(root);
  expect(files).toEqual(
    expect.arrayContaining(['LICENSE', 'README.md', 'bin', 'config', 'dist', 'docs', 'package.json']),
  );
  expect(files).not.toContain('test');
  expect(await readdir(join(root, 'web'))).toEqual(['dist']);
  expect(await readdir(join(root, 'web', 'dist'))).toContain('index.html');
  expect(await readdir(join(root, 'config'))).toEqual(
    expect.arrayContaining(['logging.example.conf', 'nodepool.example.yaml', 'nodepoold.service', 'schema.json']),
  );
  const demo = join(root, 'config', 'demo.yaml');
  expect(await installed('nodepool', 'config-validate', '-c', demo)).toEqual({ code: 0, stdout: '', stderr: '' });
});

it('runs the daemon on a database of its own, and the command line finds it', async () => {
  const config = join(dir, 'nodepool.yaml');
  const state = join(dir, 'state');
  await mkdir(state, { mode: 0o711 });
  await writeFile(config, `dburi: 'embedded:'\nstate-dir: ${state}\ncontrol: { socket: ${join(dir, 'n.sock')} }\n`);
  const pidFile = join(dir, 'nodepool.pid');
  const started = await installed('nodepoold', '-c', config, '-p', pidFile);
  expect(started.code, started.stderr).toBe(0);
  const pid = Number(await readFile(pidFile, 'utf8'));
  try {
    await installed('nodepool', 'wait', '-c', config);
    const list = await installed('nodepool', 'list', '-c', config);
    expect(list).toMatchObject({ code: 0, stderr: '' });
    expect(list.stdout).toContain('| ID | Provider |');
    expect((await installed('nodepool', 'tree', '/store', '-c', config)).stdout).toContain('ready: postgresql');
  } finally {
    process.kill(pid, 'SIGTERM');
    await until(() => !isRunning(pid), { withinMs: 60_000 });
  }
});

it('plays the demo: jobs come, nodes go to work and are replaced', async () => {
  const { code, stdout, stderr } = await installed('nodepool', 'demo', '--jobs', '2', '--exit');
  expect(code, stderr).toBe(0);
  const report: unknown = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '');
  expect(report).toMatchObject({ jobs: 2, leakedServers: 0, leakedSlaves: 0, secondJobs: 0 });
});

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
