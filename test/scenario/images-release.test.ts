import { expect, test } from 'vitest';
import { imageId, serverId, snapshotId } from '../../src/domain/ids.js';
import { startPool, type Pool } from '../support/pool.js';
import {
  dayMs,
  expectClean,
  hourMs,
  imagesWish,
  minuteMs,
  ready,
  snap,
  untilReady,
  update,
} from '../support/pool-images.js';

const labels = [{ name: 'bare', image: 'snap', minReady: 6 }];

/** A pool at rest on its first image, with a second one ready. */
async function released(canaries: number, during: (pool: Pool) => unknown = () => undefined): Promise<Pool> {
  const pool = await startPool(imagesWish({ canaries }, { labels }));
  await untilReady(pool);
  await pool.rest();
  during(pool);
  await update(pool);
  await untilReady(pool, 2);
  return pool;
}

/** So many nodes go, and others come. */
async function turnOver(pool: Pool, count: number): Promise<void> {
  for (const { id } of pool.in('ready').slice(0, count)) await pool.delete(Number(id));
  await pool.rest(hourMs);
}

const standing = (pool: Pool): (string | null)[] => pool.snapshots().map(row => row.standing);
const launchedFrom = (pool: Pool): number[] =>
  pool
    .rows()
    .map(row => Number(row.snapshotId))
    .sort((a, b) => a - b);

// ── Canaries ─────────────────────────────────────────────────────────────────────────────────────────────────────

test('without canaries a new image is current at once', async () => {
  const pool = await released(0);
  const [, second] = ready(pool);
  expect(standing(pool)).toEqual([null, null]);
  expect(pool.state('/providers/alpha/images/snap')).toBe(`usable: ${second?.imageId}`);
});

test('a first image has nothing to be compared with, and is trusted', async () => {
  const pool = await startPool(imagesWish({ canaries: 3 }, { labels }));
  await untilReady(pool);
  await pool.rest();
  expect(pool.snapshot('ready')).toMatchObject({ standing: null, launches: 6, launchFailures: 0 });
});

test('a new image serves its canaries, all others stay with the one before, and then it is trusted', async () => {
  const pool = await released(2);
  const [first, second] = ready(pool);
  expect(standing(pool)).toEqual([null, 'trial']);
  expect(pool.state('/providers/alpha/images/snap')).toBe(`usable: ${first?.imageId}; on trial: ${second?.id}`);
  for (const { id } of pool.in('ready').slice(0, 5)) await pool.delete(Number(id));
  await pool.until(() => pool.in('building').filter(row => row.snapshotId !== null).length === 5);
  const onTrial = pool.in('building').filter(row => row.snapshotId === second?.id);
  expect(onTrial).toHaveLength(2);
  await pool.rest();
  expect(standing(pool)).toEqual([null, null]);
  expect(pool.snapshots()[1]).toMatchObject({
    launches: 2,
    reason: expect.stringContaining('0 of 2 canary') as string,
  });
  expect(pool.state('/providers/alpha/images/snap')).toBe(`usable: ${second?.imageId}`);
  expect(pool.log.some(({ message }) => message.includes('is trusted: 0 of 2 canary launches failed'))).toBe(true);
});

test('an image whose canaries fail is set back: the one before stays current, and everywhere it is said why', async () => {
  const pool = await released(2);
  const [first, second] = ready(pool);
  const badHosts = () => new Set(pool.rows().flatMap(row => (row.snapshotId === second?.id ? [row.ip] : [])));
  pool.sshAnswer = ({ host }) => (badHosts().has(host) ? 'ssh.auth' : null);
  await turnOver(pool, 3);
  const why = /[12] of 2 canary launches failed, of its predecessor 0 of \d+/;
  expect(pool.snapshots()[1]).toMatchObject({ standing: 'set-back', reason: expect.stringMatching(why) as string });
  expect(pool.state('/providers/alpha/images/snap')).toMatch(
    new RegExp(`^usable: ${first?.imageId}; image ${second?.id} is set back: ${why.source}`),
  );
  const explained = await pool.answer(pool.api.explain({ label: 'bare' }));
  expect(explained?.labels).toMatchObject([{ images: [{ provider: 'alpha', image: 'snap' }] }]);
  expect(explained?.labels[0]?.images[0]?.detail).toMatch(why);
  expect(new Set(launchedFrom(pool))).toEqual(new Set([first?.id]));
  const [, view] = await pool.answer(pool.api.images());
  expect(view).toMatchObject({ standing: 'set-back', reason: expect.stringMatching(why) as string });
  expect(pool.log.some(({ level, message }) => level === 'warn' && /is set back: [12] of 2/.test(message))).toBe(true);
  // It goes in time, and the next one has its chance.
  pool.sshAnswer = () => null;
  await pool.until(() => pool.snapshots().every(row => row.id !== second?.id), 10 * hourMs);
});

test('a verdict and the counts it rests on survive a crash', async () => {
  const pool = await released(4);
  const [, second] = ready(pool);
  await turnOver(pool, 2);
  expect(pool.snapshots()[1]).toMatchObject({ standing: 'trial', launches: 2 });
  pool.crash();
  await pool.restart();
  await pool.rest();
  await turnOver(pool, 3);
  expect(standing(pool)).toEqual([null, null]);
  expect(launchedFrom(pool).filter(id => id === Number(second?.id)).length).toBeGreaterThanOrEqual(4);
});

test('canaries that a crash met in their launch are still canaries: no more than there are to be', async () => {
  const pool = await released(2);
  const [, second] = ready(pool);
  pool.cloud().bootMs = 5 * minuteMs;
  for (const { id } of pool.in('ready').slice(0, 2)) await pool.delete(Number(id));
  await pool.until(() => pool.in('building').filter(row => row.snapshotId === second?.id).length === 2);
  pool.crash();
  await pool.restart();
  await pool.advance(10_000);
  for (const { id } of pool.in('ready').slice(0, 3)) await pool.delete(Number(id));
  await pool.until(() => pool.in('building').filter(row => row.snapshotId !== null).length === 5);
  expect(pool.in('building').filter(row => row.snapshotId === second?.id)).toHaveLength(2);
  await pool.rest();
  expect(standing(pool)).toEqual([null, null]);
});

test('a cloud or a master in trouble says nothing of an image', async () => {
  const pool = await released(2);
  pool.cloud().down();
  for (const { id } of pool.in('ready').slice(0, 4)) await pool.delete(Number(id));
  await pool.advance(10 * minuteMs);
  pool.cloud().down(null);
  await pool.rest(hourMs);
  expect(standing(pool)).toEqual([null, null]);
  expect(pool.snapshots()[1]).toMatchObject({ launches: 2, launchFailures: 0 });
});

test('a newer image takes over the trial from one that nobody has launched from', async () => {
  const pool = await released(3);
  await update(pool);
  await untilReady(pool, 3);
  expect(pool.snapshots().map(row => [row.standing, row.reason])).toEqual([
    [null, expect.anything()],
    ['set-back', 'a newer image came before its trial was over'],
    ['trial', expect.anything()],
  ]);
});

test('a candidate is current once there is no other left', async () => {
  const pool = await released(3);
  const [first, second] = ready(pool);
  await pool.answer(pool.api.deleteImage(Number(first?.id)));
  await pool.advance(minuteMs);
  expect(pool.state('/providers/alpha/images/snap')).toContain(`usable: ${second?.imageId}`);
  expect(pool.snapshots().find(row => row.id === second?.id)?.standing).toBeNull();
});

// ── Old nodes ────────────────────────────────────────────────────────────────────────────────────────────────────

test('idle nodes from an older image are replaced on request, one after the other, and no job is lost', async () => {
  const pool = await startPool(imagesWish({ replaceOldNodes: true }, { labels }));
  await untilReady(pool);
  await pool.rest();
  const [busy] = pool.jobs.free();
  if (!busy) throw new Error('no slave is free');
  pool.jobs.start(busy);
  await pool.rest();
  const held = Number(pool.one('ready').id);
  await pool.hold(held);
  await pool.rest();
  await update(pool);
  let fewest = 6;
  const second = (): number => Number(pool.snapshots().at(-1)?.id);
  await pool.until(() => {
    fewest = Math.min(fewest, pool.in('ready').length);
    return pool.in('ready').length === 6 && pool.in('ready').every(row => Number(row.snapshotId) === second());
  }, 3 * hourMs);
  expect(fewest).toBeGreaterThanOrEqual(5);
  expect(pool.row(held)?.state).toBe('hold');
  expect(pool.rows().filter(row => row.state === 'used')).toHaveLength(1);
  pool.check();
});

test('a job that starts in the last moment is done on the node that was to go', async () => {
  const pool = await startPool(imagesWish({ replaceOldNodes: true }, { labels }));
  await untilReady(pool);
  await pool.rest();
  await update(pool);
  const offline = () => [...pool.master().slaves].filter(([, slave]) => slave.offlineReason?.includes('newer image'));
  await pool.until(() => offline().length > 0, hourMs);
  const [[name] = [undefined]] = offline();
  if (!name) throw new Error('no slave is offline');
  pool.jobs.start(name);
  await pool.advance(minuteMs);
  expect(pool.rows().find(row => row.nodename === name)?.state).toBe('used');
});

test('without being asked nodes of an older image are left alone', async () => {
  const pool = await released(0);
  await pool.advance(3 * hourMs);
  expect(new Set(launchedFrom(pool)).size).toBe(1);
});

// ── What there was before ────────────────────────────────────────────────────────────────────────────────────────

test('retention: READY v1 to v4, one BUILDING without a builder, one DELETE, a removed provider', async () => {
  const row = (version: number, rest: object = {}) => ({
    ...snap,
    version,
    imageId: imageId(`image-v${version}`),
    state: 'ready' as const,
    stateTime: 0,
    ...rest,
  });
  const pool = await startPool(
    imagesWish(
      {},
      {
        before: before => {
          const { database } = before.store;
          for (const version of [1, 2, 3, 4]) database.addSnapshot(row(version));
          database.addSnapshot(row(5, { state: 'building', imageId: null, serverId: serverId('of-the-original') }));
          database.addSnapshot(row(6, { state: 'delete' }));
          database.addSnapshot(row(7, { provider: 'gone' }));
          database.addSnapshot(row(8, { image: 'other' }));
          const [img] = before.cloud().images;
          if (img)
            for (const v of [1, 2, 3, 4, 6, 8])
              before.cloud().images.push({ ...img, id: imageId(`image-v${v}`), name: `v${v}` });
        },
      },
    ),
  );
  await pool.advance(5 * minuteMs);
  expect(pool.snapshots().map(each => [each.provider, each.version, each.state])).toEqual([
    ['alpha', 3, 'ready'],
    ['alpha', 4, 'ready'],
    // Nobody knows its credentials: it stays, and says why (lessons 14 and 107).
    ['gone', 7, 'delete'],
  ]);
  expect(pool.snapshots()[2]?.lastError).toContain('gone is not in the configuration');
  expect(pool.state('/providers/gone/images/snap')).toContain('not in configuration');
  expect(pool.cloud().images.map(image => image.name)).toEqual(['img', 'v3', 'v4']);
  expect(pool.rows().map(each => each.state)).toEqual(['ready', 'ready']);
});

test('an image that is taken out of the configuration goes, and with it its builds', async () => {
  const pool = await startPool(imagesWish());
  await untilReady(pool);
  await pool.rest();
  const [alpha] = pool.config.providers;
  if (!alpha) throw new Error('no provider');
  const providers = [{ ...alpha, images: [] }];
  await pool.reload({ ...pool.config, providers, labels: [] });
  await pool.until(() => pool.snapshots().length === 0, 10 * minuteMs);
  expectClean(pool);
  await pool.advance(5 * minuteMs);
  expect(pool.state('/providers/alpha/images/snap')).toBeNull();
});

test('a long build is not taken for one without a builder, lesson 108', async () => {
  const pool = await startPool(imagesWish({}, { timings: { imageCleanup: hourMs, script: dayMs } }));
  pool.sshJob = () => ({ tookMs: 5 * hourMs });
  await untilReady(pool, 1, dayMs);
  expect(pool.snapshots()).toHaveLength(1);
  expect(snapshotId(1)).toBe(pool.snapshot('ready').id);
});
