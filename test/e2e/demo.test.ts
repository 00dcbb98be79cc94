/** `npm run demo` as a newcomer has it: any user, any place, any ports taken, twice at once; and nothing stays behind. */
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readdirSync, readlinkSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkout, nodepool, type Run } from '../support/daemon.js';

/** Every system has this user, `daemon`; a test that does not run as root runs the demo as itself. */
const user = process.getuid?.() === 0 ? 1 : undefined;
const shipped = ['bin', 'config', 'dist', 'node_modules', 'package.json'];
/** What the parts of a real pool usually listen on. */
const usualPorts = [3306, 4730, 5000, 5432, 8005, 8080, 8774, 8888];

describe('the demo', () => {
  let place: string;
  const takers: Server[] = [];

  beforeAll(async () => {
    place = await mkdtemp(join(tmpdir(), 'nodepool-demos-'));
    chmodSync(place, 0o755);
    for (const port of usualPorts) takers.push(await take(port));
  });
  afterAll(async () => {
    for (const taker of takers) taker.close();
    await rm(place, { recursive: true, force: true });
  });

  /** A home that nobody else may enter, with the program in it, and a place for temporary files. */
  const settle = (name: string, uid: number | undefined): { home: string; temporary: string } => {
    const home = join(place, name);
    const temporary = join(place, `tmp-${name}`);
    mkdirSync(join(home, 'nodepool'), { recursive: true });
    mkdirSync(temporary);
    for (const part of shipped) copy(join(checkout, part), join(home, 'nodepool'));
    for (const dir of [home, temporary]) {
      chmodSync(dir, dir === home ? 0o700 : 0o755);
      if (uid !== undefined) chownSync(dir, uid, uid);
    }
    return { home, temporary };
  };
  const runDemo = async (name: string, uid?: number): Promise<Run & { left: string[]; processes: string[] }> => {
    const { home, temporary } = settle(name, uid);
    const run = await nodepool(['demo', '--jobs', '20', '--exit', '-o', 'json'], {
      root: join(home, 'nodepool'),
      cwd: home,
      env: { HOME: home, TMPDIR: temporary },
      ...(uid !== undefined && { uid }),
    });
    return { ...run, left: readdirSync(temporary), processes: processesIn([home, temporary]) };
  };

  it('runs 20 jobs, twice at once, as root and as somebody else, from checkouts that are nobody else’s', async () => {
    for (const run of await Promise.all([runDemo('ours'), runDemo('theirs', user)])) {
      expect(run).toMatchObject({ code: 0, left: [], processes: [] });
      const report = JSON.parse(run.stdout) as Record<string, number>;
      expect(report).toMatchObject({ jobs: 20, leakedServers: 0, leakedSlaves: 0, secondJobs: 0 });
      expect(report['nodesLaunched']).toBeGreaterThanOrEqual(20);
      expect(report['nodesDeleted']).toBeGreaterThanOrEqual(20);
      expect(report['seconds']).toBeGreaterThan(0);
      expect(run.stderr).toMatch(/^live page: {2}http:\/\/127\.0\.0\.1:\d+\/#token=[0-9a-f]{32}$/m);
      expect(run.stderr).toMatch(/export NODEPOOLD_SOCKET=\S+/);
    }
  });
});

/** A port that is taken already is taken all the better. */
async function take(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>(resolve => {
    server.once('error', () => resolve());
    server.listen(port, '127.0.0.1', () => resolve());
  });
  return server;
}

function copy(from: string, to: string): void {
  const { status, stderr } = spawnSync('cp', ['-R', from, to], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`cp failed: ${stderr}`);
}

/** What still works in one of these directories or runs a program of theirs. */
function processesIn(dirs: readonly string[]): string[] {
  return readdirSync('/proc').flatMap(pid => {
    const places = ['cwd', 'exe'].map(name => linkOf(`/proc/${pid}/${name}`));
    return /^\d+$/.test(pid) && places.some(path => dirs.some(dir => path.startsWith(dir))) ? [pid] : [];
  });
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // It has ended meanwhile, or is none of ours.
    return '';
  }
}
