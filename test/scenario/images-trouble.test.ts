/** Whatever goes wrong with a build: it is named, nothing is left of it, the old image stays, and it is tried again. */
import { expect, test } from 'vitest';
import type { FaultKind } from '../../src/domain/fault.js';
import type { ImageId } from '../../src/domain/ids.js';
import type { ImageStatusView } from '../../src/ports/control.js';
import { fakeImage } from '../support/fake-cloud.js';
import { cloudImage } from '../support/pool-config.js';
import {
  created,
  expectClean,
  hourMs,
  imagesWish,
  minuteMs,
  snap,
  untilReady,
  update,
} from '../support/pool-images.js';
import { startPool, type Pool } from '../support/pool.js';

interface Trouble {
  readonly name: string;
  readonly kind: FaultKind;
  /** In the reason of the build. */
  readonly words: string;
  readonly begin: (pool: Pool) => unknown;
}

const lines = (count: number): string => 'the same line\n'.repeat(count);

const troubles: readonly Trouble[] = [
  {
    name: 'a setup that fails',
    kind: 'build.script',
    words: 'the setup ended with 3; it said:\nE: no mirror',
    begin: pool => (pool.sshJob = () => ({ exitCode: 3, output: 'E: no mirror\n' })),
  },
  {
    name: 'a setup that fails without a word',
    kind: 'build.script',
    words: 'the setup ended with 1, without a word',
    begin: pool => (pool.sshJob = () => ({ exitCode: 1 })),
  },
  {
    name: 'a setup that is killed',
    kind: 'build.script',
    words: 'the setup was ended by KILL',
    begin: pool => (pool.sshJob = () => ({ exitCode: null, signal: 'KILL' })),
  },
  {
    name: 'a setup that hangs, lesson 125',
    kind: 'ssh.timeout',
    words: 'not done within 600000 ms',
    begin: pool => (pool.sshJob = () => ({ tookMs: hourMs })),
  },
  {
    name: 'a setup that floods its output',
    kind: 'build.script',
    words: 'the same line\nE: no space left',
    begin: pool =>
      (pool.sshJob = () => ({ exitCode: 1, output: `${lines(4_000)}E: no space left\n`, droppedBytes: 4e9 })),
  },
  {
    name: 'a setup that kills sshd',
    kind: 'ssh.unreachable',
    words: 'ssh.unreachable',
    begin: pool => (pool.sshJob = () => ({ fault: 'ssh.unreachable' })),
  },
  {
    name: 'a template server that never answers',
    kind: 'ssh.timeout',
    words: 'none of root, ubuntu, fedora, cloud-user, centos, debian, jenkins may log in',
    begin: pool => (pool.sshAnswer = () => 'ssh.timeout'),
  },
  {
    name: 'a snapshot that ends in ERROR, lesson 105',
    kind: 'build.image-error',
    words: 'ended in the state error',
    begin: pool => spoilSnapshots(pool, id => pool.cloud().setImageStatus(id, 'error')),
  },
  {
    name: 'a snapshot that vanishes',
    kind: 'build.image-gone',
    words: 'has vanished: the cloud could not save it',
    begin: pool => spoilSnapshots(pool, id => pool.cloud().failSnapshot(id)),
  },
];

test.each(troubles.map(trouble => [trouble.name, trouble] as const))('%s', async (_name, { kind, words, begin }) => {
  const labels = [{ name: 'bare', image: 'snap', minReady: 0 }];
  const pool = await startPool(imagesWish({}, { labels, timings: { script: 10 * minuteMs } }));
  await untilReady(pool);
  const old = pool.snapshot('ready');
  begin(pool);
  const { id } = await update(pool);
  const first = await failed(pool, 1);

  expect(first.lastBuild).toMatchObject({ id: Number(id), isReady: false });
  expect(first.lastBuild?.reason).toContain(words);
  expect(first.lastBuild?.reason?.length).toBeLessThan(5_000);
  const line = pool.log.find(({ message }) => message.startsWith(`image ${id}: its build failed`));
  expect(line).toMatchObject({ level: 'warn', fault: kind });
  expect(line?.next).toBeTruthy();
  // Nodes are launched from the old one, and whoever asks is told what is wrong with the new one.
  expect(first.current?.id).toBe(Number(old.id));
  const [summary = ''] = words.split('\n');
  expect(await imagesExplained(pool)).toMatchObject([
    {
      provider: 'alpha',
      image: 'snap',
      detail: expect.stringContaining('its last build failed (1 in a row)') as string,
    },
  ]);
  expect((await imagesExplained(pool))[0]?.detail).toContain(kind === 'build.script' ? 'the setup' : summary);
  await pool.until(() => pool.snapshots().length === 1);
  expectClean(pool);

  // Without any it is wanted again: tried ever less often, until it comes to something.
  await pool.answer(pool.api.deleteImage(Number(old.id)));
  const second = await failed(pool, 2);
  expect(restOf(second)).toBeGreaterThan(1.3 * restOf(first));
  mend(pool);
  await untilReady(pool);
  expect((await status(pool)).lastBuild?.isReady).toBe(true);
  expect(await imagesExplained(pool)).toEqual([]);
  expectClean(pool);
});

/** Each snapshot takes an hour, and something happens to it while it is saved. */
function spoilSnapshots(pool: Pool, spoil: (id: ImageId) => void): void {
  pool.cloud().snapshotMs = hourMs;
  const spoilt = new Set<string>();
  const look = (): void => {
    for (const { step, imageId: id } of pool.snapshots()) {
      if (step !== 'save' || id === null || spoilt.has(id)) continue;
      spoilt.add(id);
      spoil(id);
    }
    if (pool.cloud().snapshotMs > 0) pool.clock.after(1_000, look);
  };
  look();
}

function mend(pool: Pool): void {
  pool.sshJob = () => ({});
  pool.sshAnswer = () => null;
  pool.cloud().snapshotMs = 0;
}

async function failed(pool: Pool, count: number): Promise<ImageStatusView> {
  const state = (): string => pool.state('/providers/alpha/images/snap') ?? '';
  await pool.until(() => state().includes(`its last build failed (${count} in a row)`), 3 * hourMs);
  return status(pool);
}

async function status(pool: Pool): Promise<ImageStatusView> {
  const view = await pool.answer(pool.api.imageStatus(snap));
  if (view === null) throw new Error('there is no such image');
  return view;
}

function restOf({ restsUntil, lastBuild }: ImageStatusView): number {
  if (restsUntil === null || lastBuild === null) throw new Error('no build of it has failed');
  return restsUntil - lastBuild.at;
}

async function imagesExplained(pool: Pool) {
  const view = await pool.answer(pool.api.explain({ label: 'bare' }));
  return view?.labels[0]?.images ?? [];
}

test('a label whose image no cloud has is told so by name, looked for ever less often, and found when it comes', async () => {
  const cloudImages = [{ ...cloudImage, name: 'gone', imageName: 'gone' }];
  const pool = await startPool({
    labels: [{ name: 'bare', image: 'gone', minReady: 1 }],
    providers: [
      { name: 'alpha', cloudImages },
      { name: 'beta', cloudImages },
    ],
  });
  await pool.advance(hourMs);
  const [label] = (await pool.answer(pool.api.explain({ label: 'bare' })))?.labels ?? [];
  expect(label?.verdict).toContain('1 node wanted that are not launched');
  expect(label?.verdict).toContain('2 of 2 providers refuse: no-image');
  expect(label?.refusals.map(({ detail }) => detail)).toEqual([
    'alpha has no usable image gone: cloud.no-image: alpha has no active image gone; it has img',
    'beta has no usable image gone: cloud.no-image: beta has no active image gone; it has img',
  ]);
  expect(label?.images).toEqual([]);
  expect(created(pool)).toEqual([]);
  expect(pool.cloud().callsOf('listImages').length).toBeLessThan(100);
  pool.cloud('beta').images.push(fakeImage('gone'));
  await pool.rest();
  expect(pool.one('ready').provider).toBe('beta');
});
