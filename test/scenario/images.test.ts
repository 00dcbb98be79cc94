import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { networkId } from '../../src/domain/ids.js';
import { fakeImage } from '../support/fake-cloud.js';
import { imageUpdateMs, startPool, type Pool } from '../support/pool.js';
import { snapshotImage } from '../support/pool-config.js';
import {
  created,
  dayMs,
  expectClean,
  hourMs,
  imageIds,
  imagesWish,
  minuteMs,
  ready,
  snap,
  untilReady,
  update,
} from '../support/pool-images.js';

// ── Building ─────────────────────────────────────────────────────────────────────────────────────────────────────

test('an image that is missing is built, and nodes are launched from it', async () => {
  const pool = await startPool(imagesWish());
  await untilReady(pool);
  await pool.rest();
  const { id, imageId: built, hostname, version } = pool.snapshot('ready');
  expect(hostname).toBe(`template-snap-${version}`);
  expect(pool.rows().map(row => row.snapshotId)).toEqual([id, id]);
  expect(created(pool).map(spec => spec.imageId)).toEqual(['image-img', built, built]);
  expect(pool.state('/providers/alpha/images/snap')).toBe(`usable: ${built}`);
  expectClean(pool);
  pool.checkAtRest();
});

test('what a build makes carries our mark, its key pair its own name, and its row is there before all of it', async () => {
  const pool = await startPool(imagesWish());
  await pool.until(() => pool.cloud().keypairs.size > 0);
  const { tag } = pool.snapshot('building');
  expect([...pool.cloud().keypairs]).toEqual([[tag, `ssh-ed25519 ${tag}`]]);
  await untilReady(pool);
  const [template] = created(pool);
  expect(template).toMatchObject({ keyName: tag, metadata: { nodepool_tag: tag } });
  expect(JSON.parse(template?.metadata['nodepool'] ?? '')).toEqual({
    provider_name: 'alpha',
    snapshot_image_id: Number(pool.snapshot('ready').id),
    image_name: 'snap',
  });
  expect(pool.cloud().ownImages).toMatchObject([{ name: template?.name, metadata: { nodepool_tag: tag } }]);
});

test('the setup copies the scripts, and runs with every NODEPOOL_ variable quoted, lessons 113, 114 and 130', async () => {
  const pool = await startPool(imagesWish({ setup: "set up's.sh" }));
  const jobs: string[] = [];
  pool.sshJob = job => {
    expect(job.directory).toEqual({ local: '/scripts', remote: 'scripts' });
    jobs.push(job.command ?? '');
    return {};
  };
  await untilReady(pool);
  expect(jobs).toHaveLength(1);
  const { hostname } = pool.snapshot('ready');
  expect(jobs[0]?.split('\n')).toEqual([
    'set -e',
    'export PATH=/usr/local/sbin:/sbin:/usr/sbin:/usr/local/bin:/bin:/usr/bin',
    'if [ "$(id -u)" = 0 ]; then sudo=; else sudo=sudo; fi',
    '$sudo mkdir -p /etc/nodepool /opt',
    '$sudo chmod 0777 /etc/nodepool',
    '$sudo rm -rf /opt/nodepool-scripts',
    '$sudo mv scripts /opt/nodepool-scripts',
    '$sudo chmod -R a+rx /opt/nodepool-scripts',
    'cd /opt/nodepool-scripts',
    `NODEPOOL_SSH_KEY='it'\\''s "a" $key' ./'set up'\\''s.sh' '${hostname ?? ''}'`,
    'sync',
    'sleep 5',
  ]);
});

test('an image without a setup, and a pool without scripts, is built all the same, lesson 115', async () => {
  const pool = await startPool(imagesWish({ setup: null }, { scriptDir: null }));
  await untilReady(pool);
  expectClean(pool);
});

test('a setup without a script directory is refused with its reason, before anything is made', async () => {
  const pool = await startPool(imagesWish({}, { scriptDir: null }));
  await pool.advance(hourMs);
  expect(pool.snapshots()).toEqual([]);
  expect(pool.state('/providers/alpha/images/snap')).toContain('its setup needs a script-dir');
});

test('root that is only told to use another user is no login: the users of distributions are tried, lesson 128', async () => {
  const pool = await startPool(imagesWish());
  const tried: string[] = [];
  pool.sshAnswer = ({ username }) => {
    tried.push(username);
    return username === 'ubuntu' || username === 'jenkins' ? null : 'ssh.auth';
  };
  await untilReady(pool);
  expect(pool.snapshot('ready').username).toBe('ubuntu');
  expect([...new Set(tried)].slice(0, 2)).toEqual(['root', 'ubuntu']);
});

test('a user that is made after sshd is up is found all the same, lesson 122', async () => {
  const pool = await startPool(imagesWish());
  const from = pool.clock.now() + 4 * minuteMs;
  pool.sshAnswer = ({ username }) => (username !== 'root' && pool.clock.now() >= from ? null : 'ssh.auth');
  await untilReady(pool);
  expect(pool.snapshot('ready').username).not.toBe('root');
});

test('a port that refuses says nothing of users: root is tried until it answers', async () => {
  const pool = await startPool(imagesWish());
  const from = pool.clock.now() + 5 * minuteMs;
  const users = new Set<string>();
  pool.sshAnswer = ({ username }) => {
    users.add(username);
    return pool.clock.now() < from ? 'ssh.unreachable' : null;
  };
  await pool.until(() => pool.snapshots().some(row => row.username !== null));
  expect([...users]).toEqual(['root']);
});

test('a cloud that gives no public address is asked for a floating one, which goes with the template server', async () => {
  const cloudOf = (pool: Pool) => pool.cloud();
  const networks = [{ id: null, name: 'inner', portId: null, fixedIp: null, isPublic: false }];
  const providers = [{ name: 'alpha', maxServers: 50, networks, images: [snapshotImage()] }];
  const labels = [{ name: 'bare', image: 'snap', minReady: 0 }];
  const before = (pool: Pool) => {
    cloudOf(pool).isPrivate = true;
    cloudOf(pool).networks.push({ id: networkId('inner-id'), name: 'inner', isExternal: false });
  };
  const pool = await startPool({ ...imagesWish(), providers, labels, before });
  const addresses = () => pool.answer(cloudOf(pool).listAddresses({ deadlineMs: 1_000 }));
  await pool.until(() => pool.snapshots().some(row => row.addressId !== null));
  const { addressId, tag, ip } = pool.snapshot('building');
  expect(await addresses()).toMatchObject([{ id: addressId, tag, ip }]);
  await untilReady(pool);
  expect(await addresses()).toEqual([]);
});

test('an operator’s own key pair is used and never deleted, lesson 9', async () => {
  const wish = imagesWish();
  const providers = [{ name: 'alpha', maxServers: 50, keypair: 'theirs', images: [snapshotImage()] }];
  const pool = await startPool({ ...wish, providers, before: before => before.cloud().keypairs.set('theirs', 'key') });
  await untilReady(pool);
  expect(created(pool)[0]?.keyName).toBe('theirs');
  expect([...pool.cloud().keypairs.keys()]).toEqual(['theirs']);
});

// ── When ─────────────────────────────────────────────────────────────────────────────────────────────────────────

test('min-ready 0 builds the image and launches nothing; a disabled label builds nothing, lessons 111 and 117', async () => {
  const labels = [{ name: 'bare', image: 'snap', minReady: 0 }];
  const pool = await startPool(imagesWish({}, { labels }));
  await untilReady(pool);
  expect(pool.rows()).toEqual([]);
  const other = await startPool(imagesWish({}, { labels: [{ name: 'bare', image: 'snap', minReady: -1 }] }));
  await other.advance(dayMs);
  expect(other.snapshots()).toEqual([]);
});

test('every image in use is rebuilt on schedule, and the two newest are kept, lesson 104', async () => {
  const pool = await startPool(imagesWish());
  await untilReady(pool);
  const first = pool.snapshot('ready').id;
  for (let day = 0; day < 3; day++) {
    const at = Math.ceil((pool.clock.now() - imageUpdateMs) / dayMs) * dayMs + imageUpdateMs;
    await pool.advance(at - pool.clock.now() + hourMs);
  }
  const versions = pool.snapshots().map(row => row.version ?? 0);
  expect(versions).toEqual([...versions].sort((a, b) => a - b));
  await pool.until(() => pool.snapshots().length === 2, 9 * hourMs);
  expect(pool.snapshots().map(row => row.id)).not.toContain(first);
  expectClean(pool);
});

test('an image that is older than its rebuild-age is built anew', async () => {
  const pool = await startPool(imagesWish({ rebuildAgeMs: 3 * hourMs }));
  await untilReady(pool);
  await pool.advance(2.5 * hourMs);
  expect(pool.snapshots()).toHaveLength(1);
  await pool.advance(hourMs);
  expect(pool.snapshots()).toHaveLength(2);
});

test('scheduled, missing and asked-for builds of one image exclude each other, lesson 109', async () => {
  const pool = await startPool(imagesWish({}, { before: before => (before.cloud().snapshotMs = 3 * hourMs) }));
  await pool.until(() => pool.snapshots().length === 1);
  const joined = [await update(pool), await update(pool)];
  expect(joined.map(row => row.id)).toEqual([pool.snapshot('building').id, pool.snapshot('building').id]);
  await pool.advance(imageUpdateMs - pool.clock.now() + minuteMs);
  expect(pool.snapshots()).toHaveLength(1);
});

test('no more images are built at once than image-builds says, and the others wait their turn', async () => {
  const names = Array.from({ length: 6 }, (_none, n) => `snap-${n}`);
  const pool = await startPool({
    labels: names.map(name => ({ name, image: name, minReady: 0 })),
    providers: [{ name: 'alpha', maxServers: 50, images: names.map(name => snapshotImage({ name })) }],
  });
  let most = 0;
  await pool.until(() => {
    most = Math.max(most, pool.snapshots().filter(row => row.state === 'building' && row.step !== 'queued').length);
    return ready(pool).length === 6;
  }, 2 * hourMs);
  expect(most).toBe(2);
  expect(pool.state('/providers/alpha/images')).toBe('7 in the configuration; building 0 (0 wait)');
});

test('two builds within one second have versions that differ, lesson 118', async () => {
  const pool = await startPool(imagesWish());
  await untilReady(pool);
  const built = pool.snapshot('ready');
  const ahead = Math.floor(pool.clock.now() / 1000) + 100;
  pool.store.database.snapshots.set(built.id, { ...built, version: ahead });
  pool.crash();
  await pool.restart();
  await pool.rest();
  expect((await update(pool)).version).toBe(ahead + 1);
});

// ── Operators ────────────────────────────────────────────────────────────────────────────────────────────────────

test('deleting the current image rolls back at once, and nodes are launched from the one before', async () => {
  const pool = await startPool(imagesWish());
  await untilReady(pool);
  const [first] = ready(pool);
  await update(pool);
  await untilReady(pool, 2);
  await pool.rest();
  const second = ready(pool)[1];
  expect(pool.state('/providers/alpha/images/snap')).toBe(`usable: ${second?.imageId}`);
  const outcome = await pool.answer(pool.api.deleteImage(Number(second?.id)));
  expect(outcome).toMatchObject({ kind: 'done', image: { state: 'delete' } });
  expect(pool.state('/providers/alpha/images/snap')).toContain(`usable: ${first?.imageId}`);
  for (const { id } of pool.in('ready')) await pool.delete(Number(id));
  await pool.rest();
  expect(pool.rows().map(row => row.snapshotId)).toEqual([first?.id, first?.id]);
  expect(imageIds(pool)).toEqual([first?.imageId]);
  expectClean(pool);
  pool.checkAtRest();
});

test('an image that a launch refers to stays in the cloud until that launch has ended, lesson 120', async () => {
  const pool = await startPool(imagesWish({}, { labels: [{ name: 'bare', image: 'snap', minReady: 0 }] }));
  await untilReady(pool);
  pool.cloud().bootMs = 10 * minuteMs;
  pool.jobsWait('bare', 1);
  await pool.until(() => pool.in('building').some(row => row.serverId !== null));
  const { id, imageId: used } = pool.snapshot('ready');
  await pool.answer(pool.api.deleteImage(Number(id)));
  await pool.advance(5 * minuteMs);
  expect(imageIds(pool)).toContain(used);
  await pool.until(() => pool.in('building').every(row => row.snapshotId !== id));
  await pool.until(() => !imageIds(pool).includes(used ?? ''), minuteMs);
});

test('a build that is deleted in its middle is called off, and leaves nothing', async () => {
  for (const step of ['create', 'boot', 'login', 'setup', 'snapshot', 'save']) {
    const pool = await startPool(imagesWish());
    pool.cloud().snapshotMs = 10 * minuteMs;
    pool.sshJob = () => ({ tookMs: 10 * minuteMs });
    await pool.until(() => pool.snapshots().some(row => row.step === step), hourMs);
    await pool.answer(pool.api.pauseImage(snap, true));
    await pool.answer(pool.api.deleteImage(Number(pool.snapshot('building').id)));
    await pool.until(() => pool.snapshots().length === 0, 10 * minuteMs);
    expectClean(pool);
    expect(imageIds(pool), step).toEqual([]);
  }
});

test('a paused image is not built, whoever wants it, and after a restart neither', async () => {
  const pool = await startPool(imagesWish());
  await untilReady(pool);
  await pool.answer(pool.api.pauseImage(snap, true));
  expect(await pool.answer(pool.api.updateImage(snap))).toMatchObject({
    kind: 'refused',
    message: 'snap of alpha is not built: paused by an operator',
  });
  pool.crash();
  await pool.restart();
  await pool.advance(2 * dayMs);
  expect(pool.snapshots()).toHaveLength(1);
  await pool.answer(pool.api.pauseImage(snap, false));
  await pool.advance(hourMs);
  expect(pool.snapshots()).toHaveLength(2);
});

test('commands about what is not there, and about images of the cloud, say so', async () => {
  const pool = await startPool(imagesWish());
  await untilReady(pool);
  expect((await pool.answer(pool.api.updateImage({ provider: 'alpha', image: 'none' }))).kind).toBe('not-found');
  expect((await pool.answer(pool.api.deleteImage(9_999))).kind).toBe('not-found');
  expect((await pool.answer(pool.api.pauseImage({ provider: 'beta', image: 'snap' }, true))).kind).toBe('not-found');
  const clouds = await startPool({});
  await clouds.rest();
  expect(await clouds.answer(clouds.api.updateImage({ provider: 'alpha', image: 'img' }))).toMatchObject({
    kind: 'refused',
    message: 'img of alpha: it is an image of the cloud, and not built here',
  });
  const paused = await clouds.answer(clouds.api.pauseImage({ provider: 'alpha', image: 'img' }, true));
  expect(paused.kind).toBe('refused');
});

// ── Trouble ──────────────────────────────────────────────────────────────────────────────────────────────────────

test('a broken setup script is tried ever less often, its words are kept, and the old image stays, lessons 110 and 131', async () => {
  const pool = await startPool(imagesWish());
  await untilReady(pool);
  const { imageId: old } = pool.snapshot('ready');
  pool.sshJob = () => ({ exitCode: 3, output: 'E: no mirror\n' });
  const { id } = await update(pool);
  await pool.until(() => !pool.snapshots().some(row => row.id === id), hourMs);
  const status = await pool.answer(pool.api.imageStatus(snap));
  expect(status?.lastBuild).toMatchObject({ id: Number(id), isReady: false });
  expect(status?.lastBuild?.reason).toContain('the setup ended with 3; it said:\nE: no mirror');
  expect(pool.state('/providers/alpha/images/snap')).toContain(`usable: ${old}; its last build failed (1 in a row)`);
  expect([...pool.builds.logs.values()].at(-1)).toContain('E: no mirror');
  await pool.answer(pool.api.deleteImage(Number(pool.snapshot('ready').id)));
  const before = created(pool).length;
  await pool.advance(dayMs);
  const builds = created(pool).slice(before).length;
  expect(builds).toBeGreaterThan(5);
  expect(builds).toBeLessThan(20);
  pool.sshJob = () => ({});
  await untilReady(pool, 1, 5 * hourMs);
  await pool.rest();
  expectClean(pool);
});

test('a label whose image cannot be built anywhere says why, and is tried again', async () => {
  const pool = await startPool(imagesWish({ baseImage: 'nowhere' }));
  await pool.advance(30 * minuteMs);
  expect(pool.state('/providers/alpha/images/snap')).toContain('alpha has no active image nowhere');
  expect(pool.state('/pool')).toContain('bare in alpha: no-image');
  expect(created(pool)).toEqual([]);
  pool.cloud().images.push(fakeImage('nowhere'));
  await untilReady(pool, 1, 5 * hourMs);
});

test('a cloud that is down for an hour delays a build, and fails none', async () => {
  for (const step of ['keypair', 'create', 'snapshot', 'save']) {
    const pool = await startPool(imagesWish());
    await pool.until(() => pool.snapshots().some(row => row.step === step), hourMs);
    pool.cloud().down();
    await pool.advance(45 * minuteMs);
    pool.cloud().down(null);
    await untilReady(pool, 1, hourMs);
    expect(
      pool.happened.filter(each => each.type === 'image.build-failed'),
      step,
    ).toEqual([]);
    expectClean(pool);
  }
});

test('one image that fails keeps no other from being built, lesson 112', async () => {
  const pool = await startPool({
    labels: ['bad', 'good'].map(name => ({ name, image: name, minReady: 0 })),
    providers: [
      { name: 'alpha', images: [snapshotImage({ name: 'bad', setup: 'bad.sh' }), snapshotImage({ name: 'good' })] },
    ],
  });
  pool.sshJob = job => ({ exitCode: job.command?.includes('bad.sh') === true ? 1 : 0 });
  await pool.until(() => ready(pool).some(row => row.image === 'good'), hourMs);
  expect(pool.state('/providers/alpha/images/bad')).toContain('its last build failed');
});

test('a snapshot whose answer is lost is found by its mark, and not made twice', async () => {
  const pool = await startPool(imagesWish());
  pool.cloud().next('createImage', { loseReply: new Fault('cloud.unreachable', 'connection reset') });
  await untilReady(pool);
  expect(pool.cloud().callsOf('createImage')).toHaveLength(1);
  expectClean(pool);
});

test('a template server whose answer is lost is found by its mark, and not made twice', async () => {
  const pool = await startPool(imagesWish());
  pool.cloud().next('createServer', { loseReply: new Fault('cloud.unreachable', 'connection reset') });
  await pool.until(() => pool.snapshots().some(row => row.step === 'login'), hourMs);
  expect(created(pool)).toHaveLength(1);
  await untilReady(pool);
  expectClean(pool);
});

test('a key pair whose answer is lost is made anew', async () => {
  const pool = await startPool(imagesWish());
  pool.cloud().next('createKeypair', { loseReply: new Fault('cloud.unreachable', 'connection reset') });
  await untilReady(pool);
  expectClean(pool);
});
