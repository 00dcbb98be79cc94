import { expect, test } from 'vitest';
import { fail, gate, world } from './world.js';

const steady = { backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0 } };

test('a timer arrives as a message, once', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a');
  ref.tell(ctx => ctx.timer('tick', 50, 'tick'));
  await w.clock.advance(49);
  expect(log).toEqual([]);
  await w.clock.advance(1_000);
  expect(log).toEqual(['tick']);
});

test('a timer of the same key is replaced', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a');
  ref.tell(ctx => {
    ctx.timer('tick', 50, 'first');
    ctx.timer('tick', 80, 'second');
    ctx.timer('other', 60, 'other');
  });
  await w.clock.advance(1_000);
  expect(log).toEqual(['other', 'second']);
});

test('a timer can be set anew by the message it brought', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a', { hears: (word, ctx) => ctx.timer('tick', 50, word) });
  ref.tell('tick');
  await w.clock.advance(170);
  expect(log).toEqual(['tick', 'tick', 'tick', 'tick']);
});

test.each(['cancelled', 'replaced'] as const)('a timer that is %s is taken back out of the mailbox', async how => {
  const w = world();
  const { ref, log } = await w.spawn('a');
  const done = gate();
  ref.tell(async ctx => {
    ctx.timer('tick', 50, 'old');
    await done.promise;
    if (how === 'cancelled') ctx.cancelTimer('tick');
    else ctx.timer('tick', 50, 'new');
  });
  await w.clock.advance(60);
  expect(w.system.inspect('/a')).toMatchObject({ mailbox: 1 });
  done.open();
  await w.clock.advance(1_000);
  expect(log).toEqual(how === 'cancelled' ? [] : ['new']);
  expect(w.deadLetters()).toEqual({});
});

test('cancelling what is not set does nothing', async () => {
  const w = world();
  const { ref } = await w.spawn('a');
  ref.tell(ctx => ctx.cancelTimer('tick'));
  await w.clock.settle();
  expect(w.mode('/a')).toBe('running');
});

test.each(['pending', 'in the mailbox already'] as const)(
  'a timer of an old life that is %s never arrives',
  async where => {
    const w = world();
    const { ref, log } = await w.spawn('a', {}, steady);
    const done = gate();
    ref.tell(async ctx => {
      ctx.timer('tick', where === 'pending' ? 150 : 50, 'tick');
      await done.promise;
      fail();
    });
    await w.clock.advance(60);
    done.open();
    await w.clock.advance(1_000);
    expect(w.cell('/a').restarts).toBe(1);
    expect(log).toEqual([]);
  },
);

test('a stop takes its timers with it', async () => {
  const w = world();
  const { ref } = await w.spawn('a');
  ref.tell(ctx => ctx.timer('tick', 50, 'tick'));
  await w.clock.settle();
  w.cell('/a').askStop(0);
  await w.clock.settle();
  expect(w.clock.nextAt).toBeNull();
});

test('the timers of a state are cancelled together when it is left, and no others', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a');
  ref.tell(ctx => {
    ctx.timer('poll', 10, 'poll', 'booting');
    ctx.timer('give-up', 20, 'give up', 'booting');
    ctx.timer('check', 30, 'check');
    ctx.timer('other', 40, 'other', 'ready');
    ctx.leave('booting');
  });
  await w.clock.advance(1_000);
  expect(log).toEqual(['check', 'other']);
});

test('a timer whose state is left while its message waits is taken back', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a');
  ref.tell(ctx => ctx.timer('poll', 10, 'poll', 'booting'));
  await w.clock.settle();
  const busy = gate();
  ref.tell(async ctx => {
    await busy.promise;
    ctx.leave('booting');
  });
  await w.clock.advance(100);
  busy.open();
  await w.clock.settle();
  expect(log).toEqual([]);
});
