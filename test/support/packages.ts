/** Debian's packages that tests run against. Nothing is skipped silently: what is missing is installed or named. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { isAlive, processMark } from '../../src/db/process-mark.js';
import { until } from './until.js';

const run = promisify(execFile);

/** Installing takes as long as the mirror does. */
const installMs = 600_000;

export async function ensureDebianPackages(names: readonly string[]): Promise<void> {
  if ((await missingPackages(names)).length === 0) return;
  await alone(async () => {
    const missing = await missingPackages(names);
    if (missing.length === 0) return;
    const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
    if (process.getuid?.() !== 0) throw new Error(`this test needs packages of Debian; as root: ${command}`);
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
    const options = { env, timeout: installMs, maxBuffer: 64 * 1024 * 1024 };
    await run('apt-get', ['update'], options);
    await run('apt-get', ['install', '-y', '--no-install-recommends', ...missing], options);
  });
}

async function missingPackages(names: readonly string[]): Promise<readonly string[]> {
  const states = await Promise.all(names.map(packageState));
  return names.filter((_name, index) => states[index] !== 'installed');
}

async function packageState(name: string): Promise<string> {
  try {
    return (await run('dpkg-query', ['-W', '-f=${db:Status-Status}', name])).stdout;
  } catch {
    // dpkg-query fails for a package it never heard of, and is not there on other systems.
    return 'unknown';
  }
}

/** One test process at a time; a lock whose process is gone counts for nothing. */
async function alone(work: () => Promise<void>): Promise<void> {
  const lock = join(tmpdir(), 'nodepool-test-packages.lock');
  const owner = join(lock, 'owner');
  await until(
    async () => {
      if (await makeDirectory(lock)) return true;
      const mark = await readFile(owner, 'utf8').catch(() => null);
      if (mark !== null && !isAlive(mark)) await rm(lock, { recursive: true, force: true });
      return false;
    },
    { withinMs: installMs, everyMs: 200 },
  );
  try {
    await writeFile(owner, processMark(process.pid));
    await work();
  } finally {
    await rm(lock, { recursive: true, force: true });
  }
}

async function makeDirectory(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}
