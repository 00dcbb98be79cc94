import { expect, test } from 'vitest';
import type { Actor } from '../../src/runtime/actor.js';
import { fail, gate, never, scripted, world } from './world.js';

const steady = { backoff: { minMs: 60_000, maxMs: 60_000, factor: 1, jitter: 0 } };

test('the tree shows each actor with its path, kind and children', async () => {
  const w = world();
  await w.spawn('providers', { init: ctx => void ctx.spawn(scripted(), 'rax-dfw', { log: [] }) });
  expect(w.system.inspect('/')).toMatchObject({
    path: '/',
    kind: 'scripted',
    state: 'running',
    children: [{ path: '/providers', children: [{ path: '/providers/rax-dfw', children: [] }] }],
  });
  expect(w.system.inspect('/providers/rax-dfw')).toMatchObject({ path: '/providers/rax-dfw' });
  expect(w.system.inspect('/nobody')).toBeNull();
});

test('mailbox depth, high-water mark and what was handled are counted', async () => {
  const w = world();
  const { ref } = await w.spawn('a');
  const done = gate();
  ref.tell(() => done.promise);
  for (const word of ['one', 'two', 'three']) ref.tell(word);
  await w.clock.settle();
  expect(w.system.inspect('/a')).toMatchObject({ mailbox: 3, highWater: 4, handled: 0 });
  done.open();
  await w.clock.settle();
  expect(w.system.inspect('/a')).toMatchObject({ mailbox: 0, highWater: 4, handled: 4 });
});

test('the last failure is shown with its time and its number', async () => {
  const w = world();
  const { ref } = await w.spawn('a', {}, steady);
  ref.tell(fail);
  await w.clock.advance(60_000);
  ref.tell(fail);
  await w.clock.settle();
  expect(w.system.inspect('/a')).toMatchObject({
    state: 'waiting',
    restarts: 1,
    failure: { message: 'told to fail', at: 60_000, count: 2 },
  });
});

test('the oldest task under way is shown with its age', async () => {
  const w = world();
  const { ref } = await w.spawn('a');
  ref.tell(ctx => void ctx.task('boot', never, () => 'booted'));
  await w.clock.advance(1_500);
  ref.tell(ctx => void ctx.task('later', never, () => 'booted'));
  await w.clock.advance(1_000);
  expect(w.system.inspect('/a')).toMatchObject({ task: { name: 'boot', ageSeconds: 2.5 } });
});

test('an init under way is shown as what it is', async () => {
  const w = world();
  await w.spawn('a', { init: never });
  await w.clock.advance(2_000);
  expect(w.system.inspect('/a')).toMatchObject({ state: 'starting', task: { name: 'starting', ageSeconds: 2 } });
});

const lessee: Actor<never, object, { readonly isBroken: boolean }> = {
  kind: 'lessee',
  init: (_, args) => args,
  handle: () => undefined,
  describe: state => {
    if ('isBroken' in state && state.isBroken) fail();
    return { state: 'boot', connection: { state: 'held', since: 0 } };
  },
};

test('an actor describes itself, and its database connection', async () => {
  const w = world();
  await w.do(ctx => ctx.spawn(lessee, 'a', { isBroken: false }));
  await w.clock.advance(3_000);
  expect(w.system.inspect('/a')).toMatchObject({ state: 'boot', connection: { state: 'held', ageSeconds: 3 } });
});

test('an actor that cannot describe itself does not spoil the view of the others', async () => {
  const w = world();
  await w.do(ctx => {
    ctx.spawn(lessee, 'a', { isBroken: true });
    ctx.spawn(lessee, 'b', { isBroken: false });
  });
  expect(w.system.inspect('/')?.children.map(child => child.state)).toEqual([
    'cannot be described: told to fail',
    'boot',
  ]);
});

test('a failing actor is reported before its children are gone, so that the tree can still be shown', async () => {
  let children: number | undefined;
  const w = world({
    report: event => {
      if (event.type === 'failed' && event.path === '/') children = w.system.inspect('/')?.children.length;
    },
  });
  await w.spawn('a');
  w.guardian.tell(fail);
  await w.clock.settle();
  expect(children).toBe(1);
});
