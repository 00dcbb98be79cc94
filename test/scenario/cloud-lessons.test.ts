/** Stories of the original's clouds and machines that no other file tells; the numbers are those of the lessons. */
import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { fakeImage } from '../support/fake-cloud.js';
import { snapshotImage } from '../support/pool-config.js';
import { startPool } from '../support/pool.js';

const one = { labels: [{ name: 'bare', minReady: 1 }] };

test('lesson 2: a node that is deleted while its create is in flight takes the server with it', async () => {
  const pool = await startPool(one);
  pool.cloud().next('createServer', { delayMs: 30_000 });
  await pool.until(() => pool.cloud().callsOf('createServer').length === 1);
  const { id } = pool.one('building');
  await pool.delete(id);
  await pool.until(() => pool.row(id) === null);
  expect(pool.cloud().callsOf('deleteServer')).toHaveLength(1);
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 4: a list that comes in pages while servers come and go loses none of them', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 6 }],
    before(world) {
      world.cloud().isPaged = true;
      world.cloud().latencyMs = 3_000;
      // The second page does not come each time: half a list is none.
      world.cloud().next('listServers', ...Array.from({ length: 3 }, () => new Fault('cloud.error', 'no second page')));
    },
  });
  await pool.rest(1_200_000);
  for (let n = 0; n < 5; n++) {
    for (const { id } of pool.in('ready').slice(0, 3)) await pool.delete(id);
    await pool.advance(70_000);
  }
  await pool.rest(1_200_000);
  const wrong = ['leak.deleted', 'node.launch-failed'];
  expect(pool.happened.filter(({ type }) => wrong.includes(type))).toEqual([]);
  expect(pool.cloud().callsOf('createServer')).toHaveLength(6 + 15);
  pool.checkAtRest();
});

test('lesson 8: a build whose boot is refused leaves no key pair, also where key pairs cannot be listed', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', image: 'snap', minReady: 1 }],
    providers: [{ name: 'alpha', images: [snapshotImage()] }],
  });
  pool.cloud().always('listKeypairs', new Fault('cloud.error', 'no list'));
  pool.cloud().next('createServer', new Fault('cloud.refused', 'no such flavor'));
  await pool.until(() => pool.snapshots().some(({ state }) => state === 'delete'));
  expect(pool.snapshots().map(({ lastError }) => lastError)).toContain('no such flavor');
  await pool.until(() => pool.snapshots().every(({ state }) => state !== 'delete'));
  expect([...pool.cloud().keypairs.keys()]).toEqual([]);
});

test('lesson 10: a server that tells of no key pair is deleted, and its key pair too', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', image: 'snap', minReady: 1 }],
    providers: [{ name: 'alpha', images: [snapshotImage()] }],
    before: world => (world.cloud().hidesKeyNames = true),
  });
  await pool.until(() => pool.cloud().keypairs.size === 1);
  await pool.rest(3_600_000);
  await pool.until(() => pool.snapshots().every(({ step }) => step === null));
  expect([...pool.cloud().keypairs.keys()]).toEqual([]);
  await pool.delete(pool.one('ready').id);
  await pool.rest();
  pool.checkAtRest();
});

test('lesson 21: a call that hangs ends at its deadline, and stops neither the other calls nor the other provider', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 4 }],
    providers: [{ name: 'alpha' }, { name: 'beta' }],
  });
  pool.cloud('alpha').next('createServer', 'hang');
  await pool.until(() => pool.in('ready').length === 3, 120_000);
  await pool.rest();
  expect(pool.servers()).toHaveLength(4);
  pool.checkAtRest();
});

test('lesson 22: a connection that breaks under each call of a launch and a delete costs time and nothing else', async () => {
  const pool = await startPool({
    ...one,
    before(world) {
      const broken = new Fault('cloud.unreachable', 'the connection was reset');
      for (const op of ['listFlavors', 'listImages', 'listServers', 'getServer'] as const)
        world.cloud().next(op, broken);
      world.cloud().next('createServer', { loseReply: broken });
      world.cloud().next('deleteServer', broken);
    },
  });
  await pool.rest();
  expect(pool.cloud().callsOf('createServer')).toHaveLength(1);
  await pool.delete(pool.one('ready').id);
  await pool.rest();
  expect(pool.cloud().callsOf('deleteServer')).toHaveLength(2);
  expect(pool.happened.filter(({ type }) => type === 'node.launch-failed')).toEqual([]);
  pool.checkAtRest();
});

test('lesson 23: an image that is sent for an hour keeps no server from being made', async () => {
  const pool = await startPool({
    labels: [
      { name: 'bare', minReady: 1 },
      { name: 'own', image: 'snap', minReady: 0 },
    ],
    providers: [{ name: 'alpha', images: [snapshotImage({ diskimage: 'disk' })] }],
    diskimages: [aFile],
    before: world => void world.builds.files.set(aFile.file, { file: aFile.file, bytes: 7, fingerprint: 'a' }),
  });
  pool.cloud().next('uploadImage', { delayMs: 3_600_000 });
  await pool.until(() => pool.cloud().callsOf('uploadImage').length === 1);
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.until(() => pool.in('ready').length === 1, 120_000);
  expect(pool.snapshots()[0]?.state).toBe('building');
});

test('lesson 25: an image that the operator replaces is used under its name, without a restart', async () => {
  const pool = await startPool(one);
  await pool.rest();
  const cloud = pool.cloud();
  cloud.images.splice(0, 1, { ...fakeImage('img'), id: 'image-new' as never });
  for (const { id } of pool.in('ready')) await pool.delete(id);
  await pool.rest(1_200_000);
  const [last] = cloud.callsOf('createServer').slice(-1);
  expect(last?.subject).toMatchObject({ imageId: 'image-new' });
  pool.checkAtRest();
});

test('lessons 121 to 123: a machine that refuses, has no user yet, and breaks off is tried until it lets in', async () => {
  const pool = await startPool(one);
  let attempts = 0;
  const moods = ['ssh.unreachable', 'ssh.auth', 'ssh.protocol', 'ssh.timeout'] as const;
  pool.sshAnswer = () => moods[attempts++] ?? null;
  await pool.rest();
  expect(attempts).toBeGreaterThan(moods.length);
  expect(pool.cloud().callsOf('createServer')).toHaveLength(1);
  pool.checkAtRest();
});

test('lesson 124: an address that swallows everything is given up when boot-timeout is over', async () => {
  const pool = await startPool({ ...one, providers: [{ name: 'alpha', bootTimeoutMs: 60_000 }] });
  pool.sshAnswer = ({ host }) => (host === '192.0.2.1' ? 'ssh.timeout' : null);
  await pool.until(() => pool.rows().some(row => row.step === 'ssh'));
  await pool.advance(70_000);
  expect(pool.rows().filter(({ step }) => step === 'ssh')).toEqual([]);
  await pool.rest();
  expect(pool.servers()).toEqual(['server-2']);
  pool.checkAtRest();
});

test('lesson 28: a delete waits for the cloud as long as server-delete says, and then asks it again', async () => {
  const pool = await startPool({ ...one, timings: { serverDelete: 30_000 } });
  await pool.rest();
  pool.cloud().deleteMs = 3_600_000;
  const { id, serverId } = pool.one('ready');
  await pool.delete(id);
  await pool.advance(29_000);
  expect(pool.row(id)?.lastError).toBeNull();
  await pool.advance(10_000);
  expect(pool.row(id)?.lastError).toBe(`cloud.timeout: waited in vain for server ${serverId} to be gone`);
  await pool.until(() => pool.cloud().callsOf('deleteServer').length > 2, 120_000);
});

test('lesson 125: a script that hangs gives its place and its connection to the next launch when its time is over', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 2, readyScript: 'ready.sh' }],
    providers: [{ name: 'alpha', concurrency: { workers: 1, calls: 8, launches: 1, deletes: 1, imageBuilds: 1 } }],
    timings: { script: 300_000 },
  });
  let scripts = 0;
  pool.sshJob = ({ command }) => (command !== null && scripts++ === 0 ? { tookMs: Infinity } : {});
  await pool.until(() => scripts === 1);
  await pool.advance(290_000);
  expect(pool.in('ready')).toEqual([]);
  await pool.until(() => pool.in('ready').length === 1, 120_000);
  await pool.rest();
  pool.checkAtRest();
});

const aFile = {
  name: 'disk',
  file: '/srv/disk.qcow2',
  command: null,
  elements: [],
  release: null,
  envVars: {},
  rebuildAgeMs: null,
  isPaused: false,
  buildTimeoutMs: 3_600_000,
  qemuImgOptions: 'compat=0.10',
};
