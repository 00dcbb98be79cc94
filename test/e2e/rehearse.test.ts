/** A configuration is rehearsed through the command line; world, database and daemon are its own. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { nodepool } from '../support/daemon.js';

const config = fileURLToPath(new URL('../../config/demo.yaml', import.meta.url));

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'nodepool-rehearsal-test-'));
});
afterAll(() => rm(dir, { recursive: true }));

it('runs its jobs through a quota that is cut, and reports that nothing was left behind', async () => {
  const page = join(dir, 'report.html');
  const args = [
    'rehearse',
    '-c',
    config,
    '--jobs',
    '8',
    '--speed',
    '100',
    '--fault',
    'quota-cut',
    '-o',
    'json',
    '--html',
    page,
  ];
  const run = await nodepool(args);
  expect(run.stderr).toContain('fault: every cloud halves its quota');
  expect(run.stderr).toContain('the fault is over');
  expect(run.code).toBe(0);
  expect(await readFile(page, 'utf8')).toContain('<figcaption>Servers by provider</figcaption>');
  const report = JSON.parse(run.stdout) as Record<string, unknown>;
  expect(report).toMatchObject({ jobs: 8, leakedServers: 0, leakedSlaves: 0, secondJobs: 0, isFinished: true });
  expect(report['jobWaitP50Seconds']).toBeGreaterThan(0);
});

it('kills the daemon in the middle, whose next life goes on with what it finds: no job twice, and nothing left', async () => {
  const args = ['rehearse', '-c', config, '--jobs', '8', '--speed', '100', '--fault', 'kill-9', '-o', 'json'];
  const run = await nodepool(args);
  expect(run.stderr).toContain('fault: the daemon is killed, and started again');
  expect(run.code, run.stderr).toBe(0);
  const report = JSON.parse(run.stdout) as Record<string, unknown>;
  expect(report).toMatchObject({ fault: 'kill-9', kills: 1, jobs: 8, isFinished: true });
  expect(report).toMatchObject({ leakedServers: 0, leakedSlaves: 0, secondJobs: 0 });
  expect(report['nodesLaunched']).toBeGreaterThan(0);
});
