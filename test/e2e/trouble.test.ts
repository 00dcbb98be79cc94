/** What is around the pool is down, or says nonsense: the rest works, it is shown, and it ends by itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import type { World } from '../../src/sim/world.js';
import { checkout } from '../support/daemon.js';
import { descriptorsOf } from '../support/descriptors.js';
import { E2ePool } from '../support/e2e-pool.js';
import { startMariadb, type Mariadb } from '../support/mariadb.js';
import { cloudOf, masterOf } from '../support/world.js';

describe('a daemon in a world in trouble', () => {
  let mariadb: Mariadb;
  let pool: E2ePool;
  let world: World;

  beforeAll(async () => {
    mariadb = await startMariadb();
    pool = await E2ePool.open({
      dburi: mariadb.dburi,
      clouds: { east: {}, west: {} },
      labels: { small: 2 },
      providers: { east: { 'max-servers': 4 }, west: { 'max-servers': 2 } },
    });
    world = pool.world;
  });
  afterAll(async () => {
    await pool.close();
    await mariadb.stop();
  });

  const isReady = async (): Promise<boolean> =>
    (await pool.client.readiness().catch((): { ready: boolean } => ({ ready: false }))).ready;
  const gearman = () => world.gearman?.simulated;
  const stateOf = async (path: string): Promise<string> => (await pool.actor(path)).state;
  const demandPath = () => `/demand/127.0.0.1_${world.gearman?.port ?? 0}`;
  const eventsPath = () => `/events/${masterOf(world).zmqEndpoint.replaceAll('/', '')}`;
  const counterOf = async (key: string): Promise<number> => {
    const line = new RegExp(`^nodepool_events_total\\{key="${key}"\\} (\\d+)`, 'm').exec(await pool.client.metrics());
    return Number(line?.[1] ?? 0);
  };
  const linesWith = (words: string): string[] =>
    pool.daemon
      .stderr()
      .split('\n')
      .filter(line => line.includes('"level":"warn"') && line.includes(words));

  it('starts with everything down, shows it, and works with each thing that comes', async () => {
    const east = cloudOf(world, 'east');
    await Promise.all([mariadb.kill(), gearman()?.down(), masterOf(world).down(), east.down()]);
    await pool.start();
    await pool.until(async () => (await stateOf('/store')).startsWith('away'));
    await pool.until(async () => (await stateOf(demandPath())).includes('ECONNREFUSED'));
    await pool.until(async () => (await stateOf(eventsPath())).startsWith('connecting'));
    await pool.until(async () => (await stateOf('/targets/jenkins01')).startsWith('offline'));
    await pool.until(async () => (await stateOf('/providers/east/cloud')).includes('ECONNREFUSED'));
    expect((await pool.client.readiness()).ready).toBe(false);
    const tree = await pool.cli('tree');
    expect(tree.code).toBe(0);
    expect(tree.stdout).toMatch(/store .* away/);

    await mariadb.start();
    await pool.until(async () => (await pool.client.readiness()).ready);
    // There is no master to attach a node to.
    expect(await pool.nodes()).toEqual([]);
    expect(cloudOf(world, 'west').counts().created).toBe(0);

    await masterOf(world).up();
    const [first, second] = await pool.untilAtRest(2);
    expect([first?.provider, second?.provider]).toEqual(['west', 'west']);
    await pool.until(async () => (await stateOf(eventsPath())).startsWith('connected'));

    await gearman()?.up();
    await pool.until(async () => (await stateOf(demandPath())).endsWith('functions'));
    await east.up();
    world.jobs.submit({ job: 'demo-job', label: 'small', durationMs: 100, count: 4 });
    await pool.until(() => world.jobs.finished() === 4);
    await pool.until(async () => (await stateOf('/providers/east/cloud')).startsWith('well'));
    await pool.untilStocked();
    expect(await pool.leaks()).toEqual({ servers: [], slaves: [] });
  });

  it('goes on where frames, lines and answers are nonsense, and says so once', async () => {
    const before = world.jobs.finished();
    const { publisher } = masterOf(world);
    const malformed = ['', 'onFinalized', 'onFinalized {"name": "demo-job", "build"', 'onLunch {}', 'onStarted 17'];
    for (const frame of malformed) publisher.send(frame);
    const build = { number: 1, phase: 'FINISHED', status: 'SUCCESS', node_name: 'nobody-knows-17' };
    publisher.send(`onFinalized ${JSON.stringify({ name: 'demo-job', build })}`);
    await pool.until(async () => (await counterOf('nodepool.events.malformed')) === malformed.length);

    const lines = ['build:a job with spaces:small\tmany\t0\t1', 'build:half', 'what\tis\tthis', '<html>'];
    gearman()?.failNext({ kind: 'lines', lines }, 2);
    await pool.until(async () => (await counterOf('nodepool.demand.malformed')) === 2 * lines.length);
    gearman()?.failNext({ kind: 'half-answer' }, 2);
    gearman()?.failNext({ kind: 'error' }, 2);

    const east = cloudOf(world, 'east');
    for (const cloud of [east, cloudOf(world, 'west')]) {
      cloud.faults.next('listServers', { kind: 'html', status: 200 }, 2);
      cloud.faults.next('createServer', { kind: 'html', status: 503 });
      cloud.faults.next('deleteServer', { kind: 'half-answer' });
    }
    masterOf(world).failNext('createNode', { kind: 'html', status: 502 }, 2);
    masterOf(world).failNext('deleteNode', { kind: 'html', status: 200 });

    world.jobs.submit({ job: 'demo-job', label: 'small', durationMs: 100, count: 4 });
    await pool.until(() => world.jobs.finished() - before === 4);
    await pool.untilStocked();
    expect(await pool.leaks()).toEqual({ servers: [], slaves: [] });
    expect(world.judge()).toMatchObject({ secondJobs: 0, killedJobs: 0 });
    expect(linesWith('a frame is no event')).toHaveLength(1);
    expect(linesWith('are no function lines')).toHaveLength(1);
    const { dependencies } = await pool.client.readiness();
    expect(dependencies.filter(each => !each.ok)).toEqual([]);
    expect([...(await pool.actors()).values()].filter(actor => actor.restarts > 0 || actor.failure)).toEqual([]);
  });

  it('goes on when it has file descriptors again, after it could open no file and no connection', async () => {
    const { daemon } = pool;
    const before = world.jobs.finished();
    const descriptors = await descriptorsOf(daemon.pid);
    const said = daemon.stderr().length;
    const [node] = await pool.untilStocked();
    if (!node) throw new Error('there is no node');
    const cloud = cloudOf(world, node.provider);
    // So that something is wanted of that cloud all the time.
    const { faults } = cloud;
    faults.next('deleteServer', { kind: 'answer', status: 503 }, 100);
    await pool.client.delete(node.id, { now: true });
    await descriptors.exhaust();
    try {
      // Connections that there are do not help it: each party has to be connected to anew.
      await Promise.all([gearman()?.down(), masterOf(world).down(), cloud.down()]);
      await Promise.all([gearman()?.up(), masterOf(world).up(), cloud.up()]);
      world.jobs.submit({ job: 'demo-job', label: 'small', durationMs: 100, count: 6 });
      for (const party of ['demand/', 'targets/', `providers/${node.provider}`]) {
        await pool.until(() => new RegExp(`"actor":"${party}[^"]*".*EMFILE`).test(daemon.stderr().slice(said)));
      }
    } finally {
      faults.clear();
      await descriptors.free();
      descriptors.close();
    }
    await pool.until(() => world.jobs.finished() - before === 6);
    await pool.untilStocked();
    await pool.until(async () => (await pool.client.readiness()).dependencies.every(each => each.ok));
    expect(await pool.leaks()).toEqual({ servers: [], slaves: [] });
    expect(world.judge()).toMatchObject({ secondJobs: 0, killedJobs: 0 });
    expect(daemon.isOver()).toBe(false);
    expect([...(await pool.actors()).values()].filter(actor => actor.restarts > 0 || actor.failure)).toEqual([]);
  });

  it('goes on where its log is on a full disk, on standard error and in a file', async () => {
    await pool.stop();
    const logging = join(pool.dir, 'logging.yaml');
    const handlers = { file: { class: 'logging.FileHandler', filename: '/dev/full' } };
    await writeFile(logging, stringify({ version: 1, handlers, root: { level: 'DEBUG', handlers: ['file'] } }));
    const before = world.jobs.finished();
    const full = openSync('/dev/full', 'w');
    for (const flags of [[], ['-l', logging]]) {
      const daemon = spawn(process.execPath, [join(checkout, 'bin/nodepoold'), '-d', '-c', pool.config, ...flags], {
        env: { PATH: process.env['PATH'] ?? '', NODEPOOLD_STATE_DIR: pool.stateDir },
        stdio: ['ignore', 'ignore', full],
      });
      const ended = once(daemon, 'exit');
      await pool.until(async () => daemon.exitCode !== null || (await isReady()));
      world.jobs.submit({ job: 'demo-job', label: 'small', durationMs: 100, count: 2 });
      await pool.until(() => daemon.exitCode !== null || world.jobs.queued() + world.jobs.running() === 0);
      daemon.kill('SIGTERM');
      expect(await ended).toEqual([0, null]);
    }
    closeSync(full);
    expect(world.jobs.finished() - before).toBe(4);
    await pool.start();
  });
});
