/**
 * The daemon is killed at every boundary between an effect and its record, one after the other, on pools that are busy
 * all the time; each start takes up what the last one left, so that one start more than there are points meets all of
 * them. The judge is the world.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  crashPoints,
  groupStepRecords,
  imageRecords,
  nodeRecords,
  pointsOf,
  subnodeRecords,
  type CrashPoint,
  type CrashRecord,
} from '../../src/domain/crash-points.js';
import type { ImageView } from '../../src/ports/control.js';
import { buildingKeys, builtImage, builtScript, scriptsOf, writeScripts } from '../soak/builds.js';
import { untilIdle, whileBusy } from '../support/busy-pool.js';
import { E2ePool } from '../support/e2e-pool.js';
import { imageName } from '../support/e2e-world.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { masterOf } from '../support/world.js';

/** Its servers need floating addresses. */
const unreachable = { addressing: 'floating', networks: [{ id: 'inside-id', name: 'inside' }] } as const;
/** On a machine that does much else. */
const patience = { timeout: 900_000 };
/** What it must have in the middle of it, for the next start to come there at all. */
const firstAt: Readonly<Record<string, CrashPoint>> = { 'build start-over': 'before build setup' };

const ofGroups: readonly CrashRecord[] = [...subnodeRecords, ...groupStepRecords];
const ofSingleNodes = nodeRecords.filter(record => !groupStepRecords.includes(record));
const maxServers = 6;
/** The second one may log in first on a machine that comes from the cloud's own image. */
const usernames = ['jenkins', 'root'];
/** What a kill has left in doubt is so for the deadline of a call. */
const timings = { api: 1, 'delete-delay': 0.2 };

describe('a daemon that is killed between what it does and what it writes', () => {
  let postgres: Postgres;

  beforeAll(async () => {
    postgres = await startPostgres();
  });
  afterAll(() => postgres.stop());

  it('is killed at each of the points', () => {
    const met = [...ofSingleNodes, ...ofGroups, ...imageRecords].flatMap(pointsOf);
    expect(met.sort()).toEqual([...crashPoints].sort());
  });
  // Side by side: all of them wait more than they compute.
  it.concurrent('loses no node, leaks nothing, and gives no node two jobs', patience, async () => {
    await killAtEach(ofSingleNodes, await openNodePool(postgres));
  });
  it.concurrent('loses no machine of a group', patience, async () => {
    await killAtEach(ofGroups, await openGroupPool(postgres));
  });
  it.concurrent('loses no image, and leaks nothing that images are made of', patience, async () => {
    await killAtEach(imageRecords, await openImagePool(postgres), operateImages);
  });
});

type Operate = (pool: E2ePool, aim: CrashPoint) => Promise<void>;

async function killAtEach(records: readonly CrashRecord[], pool: E2ePool, operate?: Operate): Promise<void> {
  try {
    await killAndLookAt(records.flatMap(wayTo), pool, operate);
  } finally {
    await pool.close();
  }
}

function wayTo(record: CrashRecord): readonly CrashPoint[] {
  const first = firstAt[record];
  return pointsOf(record).flatMap(point => (first === undefined ? [point] : [first, point]));
}

async function killAndLookAt(points: readonly CrashPoint[], pool: E2ePool, operate?: Operate): Promise<void> {
  const { world } = pool;
  let [aim] = points;
  const killed: string[] = [];
  let said = '';
  world.jobs.onFinished(({ wasKilled, nodeName }) => {
    if (wasKilled) killed.push(nodeName);
  });
  const killAll = async (): Promise<void> => {
    for (const point of points) {
      aim = point;
      said += await pool.runUntilCrash(point);
      const account = killed.map(name => linesAbout(name, said));
      expect(world.judge(), `killed at "${point}" ${account.join()}`).toMatchObject({ secondJobs: 0, killedJobs: 0 });
    }
  };
  await whileBusy(pool, killAll, async () => {
    if (aim) await operate?.(pool, aim);
  });
  await pool.start();
  await untilIdle(pool);
  await pool.until(async () => (await pool.client.images()).every(image => image.state === 'ready'));
  // What nobody refers to goes when the janitor has seen it twice.
  await pool.until(async () => (await inventoryOf(pool)).length === 0);
  expect(world.judge()).toMatchObject({ secondJobs: 0, killedJobs: 0 });
  for (const cloud of world.clouds.values()) expect(cloud.counts().peakServers).toBeLessThanOrEqual(maxServers);
}

/** The lines of a log that name a node, which is called after its id. */
function linesAbout(nodename: string, log: string): string {
  const mark = `"node":${nodename.slice(nodename.lastIndexOf('-') + 1)},`;
  return log
    .split('\n')
    .filter(line => line.includes(mark))
    .join('\n');
}

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
    timings: { ...timings, 'test-cleanup': 5 },
  });
  // So that the servers are sometimes first to be gone.
  masterOf(pool.world).faults.rate('deleteNode', 0.3, { kind: 'answer', status: 503 });
  return pool;
}

/** Pairs, whose machines need floating addresses, and a script, which an image brings that is built first. */
async function openGroupPool(postgres: Postgres): Promise<E2ePool> {
  const label = { name: 'small', image: builtImage, subnodes: 1, 'ready-script': builtScript, 'min-ready': 2 };
  const pool = await E2ePool.open({
    dburi: await postgres.createDatabase('crash_groups'),
    clouds: { east: unreachable },
    usernames,
    labels: { small: 2 },
    providers: world => ({ east: { 'max-servers': maxServers, ...buildingKeys(world) } }),
    timings: { ...timings, 'distro-ssh': 2 },
    more: ({ dir }) => ({
      'script-dir': scriptsOf(dir),
      labels: [{ ...label, providers: [{ name: 'east' }] }],
    }),
  });
  await writeScripts(pool.dir);
  return pool;
}

// ── Images ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Two providers whose images are made, of which one makes them on this machine and one needs floating addresses. */
async function openImagePool(postgres: Postgres): Promise<E2ePool> {
  const image = { name: imageName, 'min-ram': 2048, username: 'jenkins' };
  return E2ePool.open({
    dburi: await postgres.createDatabase('crash_images'),
    // Long enough for an operator to see an image that is being saved.
    clouds: { east: { ...unreachable, snapshotMs: [200, 200] }, west: {} },
    usernames,
    labels: { small: 1 },
    providers: ({ ssh: { port, privateKeyFile } }) => {
      const login = { ...image, 'ssh-port': port, 'private-key': privateKeyFile };
      const common = { 'max-servers': maxServers, 'cloud-images': [] };
      return {
        east: { ...common, images: [{ ...login, 'base-image': imageName }] },
        west: { ...common, images: [{ ...login, diskimage: 'disk' }] },
      };
    },
    timings: { ...timings, 'distro-ssh': 2 },
    more: () => ({
      diskimages: [
        { name: 'disk', command: 'for f in $NODEPOOL_IMAGE_FORMATS; do date +%N > $DIB_IMAGE_FILENAME.$f; done' },
      ],
    }),
  });
}

/** Images are built again and again, and deleted only where that is what leads to the point. */
async function operateImages(pool: E2ePool, aim: CrashPoint): Promise<void> {
  const { client } = pool;
  const images = await client.images();
  // The template server of one that is not deleted goes by itself; of one that is, it may go last, with its row.
  if (/ (image delete|remove (image|row))/.test(aim))
    for (const each of wornOut(images)) await client.deleteImage(each.id);
  for (const provider of pool.world.clouds.keys()) {
    if (images.some(image => image.provider === provider && image.state === 'building')) continue;
    // Otherwise the file of a minute ago would do, which the cloud has already.
    if (provider === 'west') await rm(join(pool.stateDir, 'images'), { recursive: true, force: true });
    await client.updateImage({ provider, image: imageName });
  }
}

/** The one before the last, and one that is not ready yet though its server and its image are there. */
function wornOut(images: readonly ImageView[]): readonly ImageView[] {
  const saved = images.filter(image => image.state === 'building' && image.serverId !== null && image.imageId !== null);
  const ready = images.filter(image => image.state === 'ready');
  const old = ready.filter(image => ready.some(each => each.provider === image.provider && each.id > image.id));
  return [...saved, ...old].slice(0, 1);
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
