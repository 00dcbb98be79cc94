import { expect, test } from 'vitest';
import { fail, world } from './world.js';

const steady = { backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0 } };

async function watched(supervision = {}) {
  const w = world();
  const other = await w.spawn('other', {}, { ...steady, ...supervision });
  const watcher = await w.spawn('watcher', {}, steady);
  const watch = async (): Promise<void> => {
    watcher.ref.tell(ctx => ctx.watch(other.ref, reason => reason));
    await w.clock.settle();
  };
  return { ...w, other: other.ref, watcher: watcher.ref, heard: watcher.log, watch };
}

test('a stop is told to those who watch', async () => {
  const w = await watched();
  await w.watch();
  w.cell('/other').askStop(0);
  await w.clock.settle();
  expect(w.heard).toEqual(['stopped']);
});

test('a failure for good is told as one', async () => {
  const w = await watched({ restart: 'temporary' });
  await w.watch();
  w.other.tell(fail);
  await w.clock.settle();
  expect(w.heard).toEqual(['failed']);
});

test('a restart is nothing to tell', async () => {
  const w = await watched();
  await w.watch();
  w.other.tell(fail);
  await w.clock.advance(1_000);
  w.system.restart('/other');
  await w.clock.settle();
  expect(w.cell('/other').restarts).toBe(2);
  expect(w.heard).toEqual([]);
});

test('parking is told, and so is what comes of it later', async () => {
  const w = await watched({ budget: { restarts: 0, withinMs: 1_000 } });
  await w.watch();
  w.other.tell(fail);
  await w.clock.settle();
  expect(w.heard).toEqual(['parked']);
  w.system.restart('/other');
  await w.clock.settle();
  w.cell('/other').askStop(0);
  await w.clock.settle();
  expect(w.heard).toEqual(['parked', 'stopped']);
});

test.each([
  ['stopped', 'stopped'],
  ['failed', 'failed'],
  ['parked', 'parked'],
] as const)('one that is %s already is told at once', async (_, reason) => {
  const w = await watched({
    budget: { restarts: 0, withinMs: 1_000 },
    restart: reason === 'parked' ? 'transient' : 'temporary',
  });
  if (reason === 'stopped') w.cell('/other').askStop(0);
  else w.other.tell(fail);
  await w.clock.settle();
  await w.watch();
  expect(w.heard).toEqual([reason]);
});

test('a watch ends with the life that began it', async () => {
  const w = await watched();
  await w.watch();
  w.watcher.tell(fail);
  await w.clock.advance(100);
  await w.watch();
  w.cell('/other').askStop(0);
  await w.clock.settle();
  expect(w.heard).toEqual(['stopped']);
  expect(w.deadLetters()).toEqual({});
});

test('a watcher that cannot make a message of it fails alone', async () => {
  const w = await watched();
  w.watcher.tell(ctx => ctx.watch(w.other, fail));
  await w.clock.settle();
  w.cell('/other').askStop(0);
  await w.clock.settle();
  expect([w.mode('/other'), w.mode('/watcher')]).toEqual(['none', 'waiting']);
});

test('a thousand lives of one watcher are heard once', async () => {
  const w = await watched();
  for (let n = 0; n < 1_000; n++) {
    await w.watch();
    w.system.restart('/watcher');
  }
  await w.watch();
  w.cell('/other').askStop(0);
  await w.clock.settle();
  expect(w.heard).toEqual(['stopped']);
});
