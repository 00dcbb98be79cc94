import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { fakeImage } from '../support/fake-cloud.js';
import { startPool } from '../support/pool.js';
import { snapshotImage } from '../support/pool-config.js';
import {
  created,
  expectClean,
  hourMs,
  imagesWish,
  minuteMs,
  ready,
  snap,
  templates,
  untilReady,
  update,
} from '../support/pool-images.js';

test('lesson 77: a build goes on where the crash met it, at whatever moment, and leaves nothing', async () => {
  for (let n = 0; n < 70; n++) {
    const pool = await startPool(imagesWish({}, { seed: n }));
    pool.cloud().snapshotMs = 3_000;
    pool.sshJob = () => ({ tookMs: 3_000 });
    await pool.advance(n * 500);
    pool.crash();
    await pool.advance(n * 10);
    await pool.restart();
    await untilReady(pool);
    await pool.rest();
    expect(pool.snapshots(), `crashed at ${n * 500}`).toHaveLength(1);
    expect(pool.happened.filter(each => each.type === 'image.build-failed')).toEqual([]);
    expectClean(pool);
    pool.checkAtRest();
  }
});

test('a build that was booting, logging in or saving is not begun anew', async () => {
  for (const step of ['boot', 'login', 'save']) {
    const pool = await startPool(imagesWish());
    pool.cloud().snapshotMs = 10 * minuteMs;
    pool.sshAnswer = () =>
      step === 'login' && pool.snapshots().some(row => row.revision < 9) ? 'ssh.unreachable' : null;
    await pool.until(() => pool.snapshots().some(row => row.step === step));
    const [{ serverId } = { serverId: null }] = pool.snapshots();
    pool.crash();
    pool.sshAnswer = () => null;
    await pool.restart();
    await untilReady(pool);
    expect(pool.snapshot('ready').serverId, step).toBe(serverId);
    expect(created(pool).filter(spec => spec.imageId === 'image-img')).toHaveLength(1);
  }
});

test('a setup that is cut off begins again on a new server: its script is never run twice on one', async () => {
  const pool = await startPool(imagesWish());
  const ran: string[] = [];
  pool.sshJob = (_job, login) => {
    ran.push(login.host);
    return { tookMs: 10 * minuteMs };
  };
  await pool.until(() => ran.length === 1);
  const [{ serverId: first, version } = { serverId: null, version: null }] = pool.snapshots();
  pool.crash();
  await pool.restart();
  await untilReady(pool);
  expect(ran).toHaveLength(2);
  expect(new Set(ran).size).toBe(2);
  const built = pool.snapshot('ready');
  expect(built.serverId).not.toBe(first);
  expect(built.version).toBe(version);
  expectClean(pool);
});

test('a build whose row is asked for when the daemon is killed is not begun behind the back of the next one', async () => {
  const pool = await startPool(imagesWish());
  await untilReady(pool);
  await pool.rest();
  pool.store.whim = method => (method === 'insertSnapshot' ? { stallMs: 20_000 } : null);
  pool.api.updateImage(snap).catch(() => undefined);
  await pool.advance(100);
  pool.crash();
  pool.store.whim = () => null;
  await pool.restart();
  await pool.advance(60_000);
  expect(pool.snapshots().map(({ state }) => state)).toEqual(['ready']);
  expectClean(pool);
});

test('a graceful stop leaves a build as it is, and the next start goes on with it', async () => {
  const pool = await startPool(imagesWish());
  pool.cloud().snapshotMs = 10 * minuteMs;
  await pool.until(() => pool.snapshots().some(row => row.step === 'save'));
  expect(await pool.stop()).toEqual([]);
  expect(pool.snapshot('building').step).toBe('save');
  await pool.advance(20 * minuteMs);
  await pool.restart();
  await untilReady(pool, 1, minuteMs);
  expectClean(pool);
});

test('an actor that is restarted in the middle of a build goes on with it', async () => {
  const pool = await startPool(imagesWish());
  pool.cloud().snapshotMs = 10 * minuteMs;
  await pool.until(() => pool.snapshots().some(row => row.step === 'save'));
  for (const path of ['/providers/alpha/images/snap/1', '/providers/alpha/images/snap', '/providers/alpha/cloud']) {
    await pool.answer(pool.api.restart(path));
    await pool.advance(minuteMs);
  }
  await untilReady(pool);
  expect(pool.cloud().callsOf('createImage')).toHaveLength(1);
  expectClean(pool);
});

test('an actor that dies between a write and its answer looks at the row again', async () => {
  const pool = await startPool(imagesWish({}, { labels: [{ name: 'bare', image: 'snap', minReady: 0 }] }));
  await untilReady(pool);
  await pool.answer(pool.api.pauseImage(snap, true));
  pool.store.stallAnswer(hourMs);
  const outcome = await pool.answer(pool.api.deleteImage(Number(pool.snapshot('ready').id)));
  expect(outcome.kind).toBe('failed');
  expect(pool.failures.map(({ path }) => path)).toEqual(['/providers/alpha/images/snap/1']);
  // Nobody asks again.
  await pool.until(() => pool.snapshots().length === 0);
  expectClean(pool);
});

test('a database that goes away in the middle of a build delays it and loses nothing', async () => {
  for (let n = 0; n < 25; n++) {
    const pool = await startPool(imagesWish({}, { seed: n }));
    await pool.advance(n * 1_200);
    pool.store.away();
    await pool.advance(5 * minuteMs);
    pool.store.back();
    await untilReady(pool);
    await pool.rest();
    expect(pool.snapshots(), `away at ${n * 1_200}`).toHaveLength(1);
    expect(pool.cloud().callsOf('createImage')).toHaveLength(1);
    expectClean(pool);
    pool.checkAtRest();
  }
});

test('an insert whose answer was lost is no second build', async () => {
  const pool = await startPool(imagesWish({}, { labels: [{ name: 'bare', image: 'snap', minReady: 0 }] }));
  await untilReady(pool);
  pool.store.loseReply('insertSnapshot');
  const lost = await pool.answer(pool.api.updateImage(snap));
  expect(lost.kind).toBe('failed');
  await pool.until(() => ready(pool).length === 2, hourMs);
  expect(pool.snapshots()).toHaveLength(2);
  expectClean(pool);
});

test('changes whose answers are lost are settled', async () => {
  for (let n = 0; n < 10; n++) {
    const pool = await startPool(imagesWish());
    for (let lost = 0; lost <= n; lost++) pool.store.loseReply('changeSnapshot');
    await untilReady(pool);
    expectClean(pool);
  }
});

test('a removal goes on after a crash, at whatever moment', async () => {
  for (let n = 0; n < 15; n++) {
    const pool = await startPool(imagesWish({}, { labels: [{ name: 'bare', image: 'snap', minReady: 0 }] }));
    await untilReady(pool);
    await pool.answer(pool.api.pauseImage(snap, true));
    await pool.answer(pool.api.deleteImage(Number(pool.snapshot('ready').id)));
    await pool.advance(n * 40);
    pool.crash();
    await pool.restart();
    await pool.until(() => pool.snapshots().length === 0);
    expectClean(pool);
  }
});

test('an image that cannot be deleted is tried again, and its row stays until it is gone, lesson 106', async () => {
  const pool = await startPool(imagesWish({}, { labels: [{ name: 'bare', image: 'snap', minReady: 0 }] }));
  await untilReady(pool);
  const { id, imageId } = pool.snapshot('ready');
  pool.cloud().always('deleteImage', new Fault('cloud.conflict', 'the image is in use'));
  await pool.answer(pool.api.deleteImage(Number(id)));
  await pool.advance(30 * minuteMs);
  expect(pool.snapshots().find(row => row.id === id)).toMatchObject({ state: 'delete', step: 'image' });
  expect(pool.cloud().callsOf('deleteImage').length).toBeGreaterThan(5);
  pool.cloud().always('deleteImage', null);
  await pool.until(() => pool.snapshots().every(row => row.id !== id));
  expect(pool.cloud().ownImages.map(image => image.id)).not.toContain(imageId);
});

test('a template server that cannot be deleted keeps no image from being used', async () => {
  const pool = await startPool(imagesWish());
  await pool.until(() => pool.snapshots().some(row => row.step === 'save'));
  pool.cloud().always('deleteServer', new Fault('cloud.error', 'internal error'));
  await pool.until(() => pool.in('ready').length === 2);
  expect(templates(pool)).toHaveLength(1);
  pool.cloud().always('deleteServer', null);
  await pool.until(() => templates(pool).length === 0);
  await untilReady(pool);
  expectClean(pool);
});

test('two pools that share a project do not take each other’s images for theirs', async () => {
  const pool = await startPool(imagesWish());
  pool.cloud().snapshotMs = 10 * minuteMs;
  pool.cloud().next('createImage', { loseReply: new Fault('cloud.timeout', 'no answer') });
  await pool.until(() => pool.snapshots().some(row => row.step === 'snapshot'));
  // A snapshot of one of our nodes, which inherits the properties of the image that it booted from.
  const { tag } = pool.snapshot('building');
  pool.cloud().images.push({ ...fakeImage('somebody’s copy'), metadata: { nodepool_tag: String(tag) } });
  await untilReady(pool);
  expect(pool.cloud().callsOf('createImage')).toHaveLength(1);
  expect(pool.snapshot('ready').imageId).not.toBe('image-img');
});

test('builds of two clouds go on side by side, one of them away', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', image: 'snap', minReady: 0, providers: ['alpha', 'beta'] }],
    providers: ['alpha', 'beta'].map(name => ({ name, images: [snapshotImage()] })),
    before: before => before.cloud('beta').down(),
  });
  await pool.until(() => ready(pool).some(row => row.provider === 'alpha'), 10 * minuteMs);
  pool.cloud('beta').down(null);
  await untilReady(pool, 2);
  await update(pool);
  await untilReady(pool, 3);
  expectClean(pool);
});
