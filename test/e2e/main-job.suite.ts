/** The pool's main job, done by the two programs over real sockets. The judge is the world, not the programs. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { NodeView } from '../../src/ports/control.js';
import { nodepoold } from '../support/daemon.js';
import { openJobQueue, type JobQueue } from '../support/e2e-jobs.js';
import { E2ePool, type PoolWish } from '../support/e2e-pool.js';
import { startGearmand, type Gearmand } from '../support/gearmand.js';
import { cloudOf } from '../support/world.js';

export interface Databases {
  /** The `dburi` of an empty database. */
  create(name: string): Promise<string>;
  stop(): Promise<void>;
}

const noLeaks = { servers: [], slaves: [] };
const spacedJob = 'a job with spaces';

export function mainJobSuite(name: string, openDatabases: () => Promise<Databases>): void {
  describe(`the two programs on ${name}, with gearmand`, () => {
    let databases: Databases;
    let gearmand: Gearmand;
    let databaseCount = 0;

    beforeAll(async () => {
      [databases, gearmand] = await Promise.all([openDatabases(), startGearmand()]);
    });
    afterAll(async () => {
      await databases.stop();
      await gearmand.stop();
    });

    const openPool = async (wish: Omit<PoolWish, 'dburi' | 'gearman'>): Promise<E2ePool> => {
      const dburi = await databases.create(`pool_${++databaseCount}`);
      return E2ePool.open({ ...wish, dburi, gearman: gearmand });
    };

    /** Two clouds, two labels, three nodes in stock. */
    describe('a daemon that runs', () => {
      let pool: E2ePool;
      let queue: JobQueue;
      let stock: readonly NodeView[];
      const finished: string[] = [];

      beforeAll(async () => {
        pool = await openPool({
          clouds: { east: {}, west: {} },
          jobs: ['demo-job', spacedJob],
          labels: { small: 2, large: 1 },
          providers: { east: { 'max-servers': 6 }, west: { 'max-servers': 4 } },
        });
        pool.world.jobs.onFinished(({ nodeName }) => finished.push(nodeName));
        queue = await openJobQueue(gearmand);
        await pool.start();
      });
      afterAll(async () => {
        queue.close();
        await pool.close();
      });
      beforeEach(async () => {
        stock = await pool.untilStocked();
        finished.length = 0;
      });
      afterEach(async () => {
        await pool.untilStocked();
        expect(await pool.leaks()).toEqual(noLeaks);
        expect(pool.world.judge()).toMatchObject({ secondJobs: 0, killedJobs: 0 });
        expect(cloudOf(pool.world, 'east').counts().peakServers).toBeLessThanOrEqual(6);
        expect(cloudOf(pool.world, 'west').counts().peakServers).toBeLessThanOrEqual(4);
      });

      it('has filled the stock, and shows it in lists and in the tree', async () => {
        const { servers, slaves } = pool.world.judge();
        expect(servers.map(server => server.id).sort()).toEqual(stock.map(node => node.serverId).sort());
        expect(slaves.map(slave => slave.name).sort()).toEqual(stock.map(node => node.nodename).sort());
        // Ready means registered; the master brings a slave online by an SSH launch of its own.
        await pool.until(() => pool.world.judge().slaves.every(slave => slave.isOnline));

        const listed = await pool.cli('list', '-o', 'json');
        expect(listed).toMatchObject({ code: 0, stderr: '' });
        expect((JSON.parse(listed.stdout) as NodeView[]).map(({ id }) => id)).toEqual(stock.map(({ id }) => id));
        const tree = await pool.cli('tree');
        expect(tree.code).toBe(0);
        for (const actor of ['store', 'pool', 'jenkins01', 'east', 'west', 'janitor', 'control', ...ids(stock)]) {
          expect(tree.stdout).toMatch(new RegExp(`\\b${actor}\\b`));
        }
      });

      it('serves what is queued, and replaces every node whose job has ended', async () => {
        const before = pool.world.judge().finishedJobs;
        queue.submit('build:demo-job:small', { durationMs: 300, count: 5 });
        queue.submit('build:demo-job:large', { durationMs: 300, count: 3 });
        queue.submit('build:demo-job', { durationMs: 300, count: 2 });
        queue.submit(`build:${spacedJob}:small`, { durationMs: 300, count: 2 });
        await pool.until(() => queue.completed() === 12);
        await pool.until(() => finished.length === 12);
        const last = await pool.untilStocked();

        expect(pool.world.judge().finishedJobs - before).toBe(12);
        expect(new Set(finished).size).toBe(12);
        expect(last.filter(node => finished.includes(node.nodename ?? ''))).toEqual([]);
        const { servers } = pool.world.judge();
        expect(servers.map(server => server.id).sort()).toEqual(last.map(node => node.serverId).sort());
      });

      it('keeps a held node after its job, until it is released', async () => {
        const large = stock.filter(node => node.label === 'large');
        const [held] = large;
        if (!held) throw new Error('no large node');
        expect((await pool.cli('hold', String(held.id), '--reason', 'to look at it')).code).toBe(0);
        // One job for each node that is there, and one more.
        queue.submit('build:demo-job:large', { durationMs: 200, count: large.length + 1 });
        await pool.until(() => finished.length === large.length + 1);
        expect(finished).toContain(held.nodename);
        // The delay of the other nodes is over and they are gone: this one's would be, too.
        const rest = await pool.untilNodes(nodes =>
          nodes.every(({ id, state }) => state === 'ready' || id === held.id),
        );
        expect(rest.find(node => node.id === held.id)).toMatchObject({ state: 'hold', reason: 'to look at it' });
        expect(rest.filter(node => finished.includes(node.nodename ?? ''))).toHaveLength(1);
        expect(pool.world.judge().servers.map(server => server.id)).toContain(held.serverId);

        expect((await pool.cli('release', String(held.id))).code).toBe(0);
        expect(ids(await pool.untilStocked())).not.toContain(String(held.id));
        expect(pool.world.judge().servers.map(server => server.id)).not.toContain(held.serverId);
      });

      it('answers commands about unknown nodes with 3, and refused ones with 4', async () => {
        const [node] = stock;
        const id = String(node?.id);
        for (const command of ['hold', 'release', 'delete']) {
          expect((await pool.cli(command, '999999')).code).toBe(3);
        }
        expect(await pool.cli('release', id)).toMatchObject({ code: 4, stdout: '' });

        // Its deletion cannot end before the cloud takes it.
        const cloud = cloudOf(pool.world, node?.provider);
        cloud.faults.rate('deleteServer', 1, { kind: 'answer', status: 409, body: {} });
        expect((await pool.cli('delete', id)).code).toBe(0);
        expect((await pool.cli('hold', id)).code).toBe(4);
        expect((await pool.cli('release', id)).code).toBe(4);
        cloud.faults.clear();
        expect(ids(await pool.untilStocked())).not.toContain(id);
      });

      it('refuses a second daemon on the same database, names itself, and is none the worse for it', async () => {
        const second = await nodepoold(['-d', '-c', pool.config], {
          env: { NODEPOOLD_SOCKET: `${pool.dir}/second.sock`, NODEPOOLD_STATE_DIR: pool.stateDir },
        });
        expect(second.code).toBe(1);
        expect(second.stderr).toContain(`pid ${pool.daemon.pid}`);
        expect(second.stderr).toContain(pool.socket);
        const id = String(stock[0]?.id);
        expect((await pool.client.delete(Number(id), { now: false })).kind).toBe('done');
        expect(ids(await pool.untilStocked())).not.toContain(id);
      });
    });

    describe('a daemon that is stopped and started', () => {
      let pool: E2ePool;

      afterEach(() => pool.close());

      it('loses no launch and leaks nothing when it is killed in the middle of a fill, and keeps to `launches`', async () => {
        pool = await openPool({
          clouds: { east: { bootMs: [1_500, 2_500], callMs: [20, 60] } },
          labels: { small: 6 },
          providers: { east: { 'max-servers': 8, concurrency: { launches: 2 } } },
        });
        const { world } = pool;
        const cloud = cloudOf(world, 'east');
        const idsInWorld = (): string[] => cloud.servers().map(server => server.id);
        const inCloud = (status: string): number => cloud.servers().filter(each => each.status === status).length;
        await pool.start();
        // Each has a database connection of its own meanwhile.
        await pool.until(async () => (await connectionsOfNodes(pool)).length === 2);
        await pool.until(() => inCloud('ACTIVE') >= 1 && inCloud('BUILD') >= 2);
        await pool.kill();
        const started = idsInWorld();
        expect(started.length).toBeLessThan(6);

        await pool.start();
        const nodes = await pool.untilAtRest(6);
        const ready = nodes.map(node => node.serverId);
        expect(started.filter(id => !ready.includes(id))).toEqual([]);
        expect(idsInWorld().sort()).toEqual(ready.sort());
        expect(cloud.counts()).toMatchObject({ created: 6, peakServers: 6, peakBuilding: 2 });
        expect(await connectionsOfNodes(pool)).toEqual([]);
        expect(await pool.leaks()).toEqual(noLeaks);
      });

      it('finds the server of a create whose answer it did not live to hear, and goes on after a stop', async () => {
        pool = await openPool({
          clouds: { east: { bootMs: [2_000, 2_500] } },
          labels: { small: 3 },
          providers: { east: { 'max-servers': 4 } },
        });
        const cloud = cloudOf(pool.world, 'east');
        cloud.failNext('createServer', { kind: 'hang', takesEffect: true });
        await pool.start();
        await pool.untilNodes(
          nodes => cloud.servers().length === 3 && nodes.filter(node => node.serverId === null).length === 1,
        );
        expect(await pool.nodes()).toContainEqual(
          expect.objectContaining({ state: 'building', step: 'create', serverId: null }),
        );
        await pool.kill();

        await pool.start();
        const found = await pool.untilNodes(nodes => nodes.every(node => node.serverId !== null));
        expect(await pool.stop()).toBe(0);
        const listed = await pool.cli('list', '-o', 'json');
        expect(listed.code).toBe(0);
        expect(listed.stderr).toMatch(/using the database itself/);
        const rows = JSON.parse(listed.stdout) as NodeView[];
        expect(rows.map(row => row.serverId)).toEqual(found.map(node => node.serverId));
        expect((await pool.cli('tree')).code).toBe(5);

        await pool.start();
        const nodes = await pool.untilAtRest(3);
        expect(ids(nodes)).toEqual(ids(rows));
        expect(nodes.map(node => node.serverId).sort()).toEqual(
          cloud
            .servers()
            .map(server => server.id)
            .sort(),
        );
        expect(cloud.counts().created).toBe(3);
      });
    });
  });
}

function ids(nodes: readonly { readonly id: number }[]): string[] {
  return nodes.map(({ id }) => String(id));
}

async function connectionsOfNodes(pool: E2ePool): Promise<string[]> {
  return [...(await pool.actors()).values()]
    .filter(actor => actor.kind === 'node' && actor.connection?.state === 'held')
    .map(actor => actor.path);
}
