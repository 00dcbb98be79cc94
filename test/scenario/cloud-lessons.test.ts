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
};
