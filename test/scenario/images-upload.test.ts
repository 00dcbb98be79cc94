import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import type { DiskImage } from '../../src/domain/pool-config.js';
import type { UploadSpec } from '../../src/ports/cloud.js';
import { imageUpdateMs, startPool, type Pool, type PoolWish } from '../support/pool.js';
import { snapshotImage } from '../support/pool-config.js';
import { dayMs, expectClean, hourMs, minuteMs, ready, snap, untilReady, update } from '../support/pool-images.js';

const diskimage: DiskImage = {
  name: 'disk',
  file: null,
  command: 'make it',
  elements: [],
  release: null,
  envVars: {},
  rebuildAgeMs: null,
  isPaused: false,
  buildTimeoutMs: hourMs,
  qemuImgOptions: 'compat=0.10',
};

/** One label, launched in two clouds from an image that is made on this machine. */
function wish(disk: Partial<DiskImage> = {}, rest: PoolWish = {}): PoolWish {
  const images = [snapshotImage({ baseImage: null, setup: null, diskimage: 'disk' })];
  return {
    labels: [{ name: 'bare', image: 'snap', minReady: 2 }],
    providers: [
      { name: 'alpha', maxServers: 20, images },
      { name: 'beta', maxServers: 20, images, imageType: 'raw' },
    ],
    diskimages: [{ ...diskimage, ...disk }],
    ...rest,
  };
}

const uploads = (pool: Pool, provider?: string): UploadSpec[] =>
  pool
    .cloud(provider)
    .callsOf('uploadImage')
    .map(call => call.subject as UploadSpec);

test('a disk image is made once in all formats, sent to each cloud that names it, and nodes are launched from it', async () => {
  const pool = await startPool(wish());
  await untilReady(pool, 2);
  await pool.rest();
  expect(pool.builds.made.map(({ wish: made }) => made.formats)).toEqual([['qcow2', 'raw']]);
  const [{ file } = { file: null }] = pool.builds.made;
  expect(uploads(pool, 'alpha')).toMatchObject([{ file: file?.file, diskFormat: 'qcow2', containerFormat: 'bare' }]);
  expect(uploads(pool, 'beta')).toMatchObject([{ file: file?.file, diskFormat: 'raw' }]);
  expect(uploads(pool)[0]?.properties['nodepool_tag']).toBe(pool.snapshots()[0]?.tag);
  const ids = new Set(pool.rows().map(row => row.snapshotId));
  expect([...ids].every(id => pool.snapshots().some(row => row.id === id))).toBe(true);
  expect(pool.cloud().callsOf('createKeypair')).toEqual([]);
  expectClean(pool);
  pool.checkAtRest();
});

test('a file that somebody else makes is sent, and sent again only when it is another one', async () => {
  const file = { file: '/srv/disk.qcow2', bytes: 7, fingerprint: 'a' };
  const before = (pool: Pool) => void pool.builds.files.set(file.file, file);
  const pool = await startPool(wish({ command: null, file: file.file }, { before }));
  await untilReady(pool, 2);
  await pool.advance(2 * dayMs);
  expect(uploads(pool)).toHaveLength(1);
  expect(pool.snapshots()).toHaveLength(2);
  pool.builds.files.set(file.file, { ...file, fingerprint: 'b' });
  const at = Math.ceil((pool.clock.now() - imageUpdateMs) / dayMs) * dayMs + imageUpdateMs;
  await pool.advance(at - pool.clock.now() + hourMs);
  expect(uploads(pool)).toHaveLength(2);
  expect(ready(pool).map(row => row.source)).toEqual(['a', 'a', 'b', 'b']);
  expectClean(pool);
});

test('an operator who asks for what is there already is told so', async () => {
  const file = { file: '/srv/disk.qcow2', bytes: 7, fingerprint: 'a' };
  const before = (pool: Pool) => void pool.builds.files.set(file.file, file);
  const pool = await startPool(wish({ command: null, file: file.file }, { before }));
  await untilReady(pool, 2);
  const { id } = await update(pool);
  await pool.until(() => pool.snapshots().every(row => row.id !== id));
  const status = await pool.answer(pool.api.imageStatus(snap));
  expect(status?.lastBuild).toMatchObject({
    id: Number(id),
    isReady: false,
    reason: 'the cloud has this very file already',
  });
});

test('how much of it is sent can be seen while it is sent', async () => {
  const pool = await startPool(wish());
  pool.cloud().next('uploadImage', { delayMs: 10 * minuteMs });
  pool.cloud().onUpload = told => told(512 * 1024 * 1024, 4096 * 1024 * 1024);
  await pool.until(() => pool.snapshots().some(row => row.provider === 'alpha' && row.step === 'upload'));
  await pool.advance(minuteMs);
  const row = pool.snapshots().find(each => each.step === 'upload');
  expect(pool.state(`/providers/alpha/images/snap/${Number(row?.id)}`)).toBe('building upload 512 of 4096 MiB');
  const views = await pool.answer(pool.api.images());
  expect(views.find(view => view.id === Number(row?.id))).toMatchObject({ progress: '512 of 4096 MiB' });
  await untilReady(pool, 2);
});

test('a build that fails is tried again later, once for all clouds, and what it said is kept', async () => {
  const pool = await startPool(wish());
  let tries = 0;
  pool.builds.onMake = () => {
    tries++;
    return Promise.resolve(tries < 3 ? new Fault('build.command', 'the build ended with 1; it said:\nno space') : null);
  };
  await pool.advance(30_000);
  expect(pool.state('/diskimages/disk')).toContain('the build ended with 1');
  expect(pool.state('/providers/beta/images/snap')).toContain('its last build failed');
  await untilReady(pool, 2, 2 * hourMs);
  expect(tries).toBeLessThanOrEqual(5);
  expect(pool.state('/diskimages/disk')).toBe('idle');
});

test('a file that is not there is named', async () => {
  const pool = await startPool(wish({ command: null, file: '/srv/none' }));
  await pool.advance(minuteMs);
  expect(pool.state('/providers/alpha/images/snap')).toContain('disk image /srv/none: no such file');
});

test('an upload that was cut off by a crash is taken back and sent anew', async () => {
  const pool = await startPool(wish());
  pool.cloud().next('uploadImage', { delayMs: 10 * minuteMs });
  await pool.until(() => pool.cloud().callsOf('uploadImage').length === 1);
  pool.crash();
  const { tag, hostname } = pool.snapshots().find(row => row.provider === 'alpha') ?? { tag: null, hostname: null };
  const [left] = pool.cloud().images;
  if (!left) throw new Error('no image');
  const half = { ...left, id: `${left.id}-half` as typeof left.id, name: hostname ?? '', status: 'queued' };
  pool.cloud().images.push({ ...half, metadata: { nodepool_tag: String(tag) } });
  await pool.restart();
  await pool.until(() => pool.cloud().callsOf('uploadImage').length === 2, 20 * minuteMs);
  expect(pool.cloud().images.map(image => image.id)).not.toContain(half.id);
  await untilReady(pool, 2);
});

test('an upload that fails in a cloud in trouble is sent again, and the build is not given up', async () => {
  const pool = await startPool(wish());
  pool.cloud().next('uploadImage', new Fault('cloud.unreachable', 'reset'), new Fault('cloud.error', 'internal error'));
  await untilReady(pool, 2);
  expect(pool.happened.filter(each => each.type === 'image.build-failed')).toEqual([]);
});

test('a build that is deleted in the middle of its upload is called off', async () => {
  const pool = await startPool(wish());
  pool.cloud().next('uploadImage', 'hang');
  await pool.until(() => pool.cloud().callsOf('uploadImage').length === 1);
  await pool.answer(pool.api.pauseImage(snap, true));
  const row = pool.snapshots().find(each => each.provider === 'alpha');
  await pool.answer(pool.api.deleteImage(Number(row?.id)));
  await pool.until(() => pool.snapshots().every(each => each.id !== row?.id), 10 * minuteMs);
  expect(pool.cloud().ownImages).toEqual([]);
});

test('a paused disk image is neither made nor sent', async () => {
  const pool = await startPool(wish({ isPaused: true }));
  await pool.advance(dayMs);
  expect(pool.builds.made).toEqual([]);
  expect(pool.state('/providers/alpha/images/snap')).toContain('paused in the configuration');
});
