/**
 * The daemon is killed at every boundary between an effect and its record, one after the other, on pools that are busy
 * all the time; each start takes up what the last one left. The judge is the world.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  distinctPointsOf,
  imageRecords,
  nodeRecords,
  pointsOf,
  type CrashPoint,
} from '../../src/domain/crash-points.js';
import { E2ePool } from '../support/e2e-pool.js';
import { imageName } from '../support/e2e-world.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { untilIdle, whileBusy } from '../support/busy-pool.js';
import { masterOf } from '../support/world.js';

/** Its servers need floating addresses. */
const unreachable = { addressing: 'floating', networks: [{ id: 'inside-id', name: 'inside' }] } as const;
/** On a machine that does much else. */
const patience = { timeout: 900_000 };
/** What it must have in the middle of it, for the next start to come there at all. */
const firstAt: Readonly<Record<string, CrashPoint>> = { 'build start-over': 'before build setup' };

/** `EVERY_CRASH_POINT=1`: all of them, in many minutes; otherwise every second, from the first on. */
const isThorough = process.env['EVERY_CRASH_POINT'] === '1';
const stride = isThorough ? 1 : 2;

/** The nodes of these pools are single and have no script; groups are killed at their points in scenario/groups-crash.test.ts. */
const notReached: readonly string[] = ['launch group', 'launch files', 'launch ready-script'];
const isReached = (record: string): boolean => !notReached.includes(record);

describe('a daemon that is killed between what it does and what it writes', () => {
  let postgres: Postgres;

  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  // Side by side: both wait more than they compute.
  it.concurrent('loses no node, leaks nothing, and gives no node two jobs', patience, async () => {
    await killAtEach(nodeRecords.filter(isReached), await openNodePool(postgres));
  });
  it.concurrent('loses no image, and leaks nothing that images are made of', patience, async () => {
    await killAtEach(imageRecords, await openImagePool(postgres));
  });
});

async function killAtEach(records: typeof nodeRecords, pool: E2ePool): Promise<void> {
  try {
    await killAndLookAt(records, pool);
  } finally {
    await pool.close();
  }
}

async function killAndLookAt(records: typeof nodeRecords, pool: E2ePool): Promise<void> {
  const { world } = pool;
  let passed = 0;
  await whileBusy(pool, async () => {
    for (const record of records) {
      for (const point of (isThorough ? pointsOf : distinctPointsOf)(record)) {
        if (passed++ % stride !== 0) continue;
        const first = firstAt[record];
        if (first !== undefined) await pool.runUntilCrash(first);
        await pool.runUntilCrash(point);
        expect(world.judge(), `killed at "${point}"`).toMatchObject({ secondJobs: 0, killedJobs: 0 });
      }
    }
  });
  await pool.start();
  await untilIdle(pool);
  await pool.until(async () => (await pool.client.images()).every(image => image.state === 'ready'));
  // What nobody refers to goes when the janitor has seen it twice.
  await pool.until(async () => (await inventoryOf(pool)).length === 0);
  expect(world.judge()).toMatchObject({ secondJobs: 0, killedJobs: 0 });
  for (const cloud of world.clouds.values()) expect(cloud.counts().peakServers).toBeLessThanOrEqual(maxServers);
}

const maxServers = 6;

/** Two providers, of which one needs floating addresses, and two masters, of which one tests its nodes first. */
async function openNodePool(postgres: Postgres): Promise<E2ePool> {
  const pool = await E2ePool.open({
    dburi: await postgres.createDatabase('crash_nodes'),
    clouds: { east: {}, west: unreachable },
    masters: ['jenkins01', 'jenkins02'],
    jobs: ['demo-job', 'acceptance'],
    labels: { small: 4 },
    providers: { east: { 'max-servers': maxServers }, west: { 'max-servers': maxServers } },
    targets: { jenkins02: { 'test-job': 'acceptance' } },
    timings: { api: 1, 'delete-delay': 0.2, 'test-cleanup': 5 },
  });
  // So that the servers are sometimes first to be gone.
  masterOf(pool.world).faults.rate('deleteNode', 0.3, { kind: 'answer', status: 503 });
  return pool;
}

/** Two providers whose images are made, of which one makes them on this machine and one needs floating addresses. */
async function openImagePool(postgres: Postgres): Promise<E2ePool> {
  const image = { name: imageName, 'min-ram': 2048, username: 'jenkins' };
  return E2ePool.open({
    dburi: await postgres.createDatabase('crash_images'),
    clouds: { east: unreachable, west: {} },
    // Who may log in first on a machine that comes from the cloud's own image.
    usernames: ['jenkins', 'root'],
    labels: { small: 1 },
    providers: ({ ssh: { port, privateKeyFile } }) => {
      const login = { ...image, 'ssh-port': port, 'private-key': privateKeyFile };
      const common = { 'max-servers': maxServers, 'cloud-images': [] };
      return {
        east: { ...common, images: [{ ...login, 'base-image': imageName }] },
        west: { ...common, images: [{ ...login, diskimage: 'disk' }] },
      };
    },
    timings: { api: 1, 'delete-delay': 0.2, 'distro-ssh': 2 },
    more: () => ({
      diskimages: [
        { name: 'disk', command: 'for f in $NODEPOOL_IMAGE_FORMATS; do date +%N > $DIB_IMAGE_FILENAME.$f; done' },
      ],
    }),
  });
}

/** What is in the world without a row. */
async function inventoryOf(pool: E2ePool): Promise<readonly string[]> {
  const { servers, slaves } = await pool.leaks();
  const images = await pool.client.images();
  const known = new Set(images.map(image => image.imageId));
  const clouds = [...pool.world.clouds.values()];
  return [
    ...servers,
    ...slaves,
    ...clouds.flatMap(cloud => cloud.images.all().flatMap(({ id, isOwn }) => (isOwn && !known.has(id) ? [id] : []))),
    ...clouds.flatMap(cloud => cloud.inventory.keypairs.names()),
    ...clouds.flatMap(cloud => cloud.addresses().flatMap(({ id, portId }) => (portId === null ? [id] : []))),
  ];
}
