/**
 * What a message, an ask and an actor cost, in counts and bytes and never in time: the small form of
 * `npm run bench:runtime` that can say no on any machine.
 */
import { createHook } from 'node:async_hooks';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test, vi } from 'vitest';
import type { Actor, Context, Ref, ReplyTo } from '../../src/runtime/actor.js';
import type { Clock } from '../../src/runtime/clock.js';
import { ActorSystem } from '../../src/runtime/system.js';

/**
 * Bounds in bytes. That of a message leaves room for what the engine makes while it has not yet compiled the code.
 */
const bytes = { message: 64, ask: 720, idleActor: 400 };

type Told = 'count' | { readonly replyTo: ReplyTo<number> };
type Deed = (ctx: Context<Deed>) => void;

const guardian: Actor<Deed, null, null> = {
  kind: 'guardian',
  init: () => null,
  handle: (deed, _state, ctx) => deed(ctx),
};

const counter: Actor<Told, { heard: number }, null> = {
  kind: 'counter',
  init: () => ({ heard: 0 }),
  handle(told, state) {
    state.heard++;
    if (told !== 'count') told.replyTo.reply(state.heard);
  },
};

/** A clock that stands still and counts the timers that it is asked for; none of them ever comes. */
class CountingClock implements Clock {
  timers = 0;
  now = (): number => 0;
  monotonic = (): number => 0;
  after = (): (() => void) => {
    this.timers++;
    return () => undefined;
  };
}

/** Collects garbage now. */
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

const turnOfTheLoop = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

function newSystem(): { system: ActorSystem; clock: CountingClock; root: Ref<Deed> } {
  const clock = new CountingClock();
  const system = new ActorSystem({ clock });
  return { system, clock, root: system.start(guardian, null) };
}

async function spawned(root: Ref<Deed>, count: number): Promise<{ first: Ref<Told>; all: Ref<Told>[] }> {
  const all: Ref<Told>[] = [];
  root.tell(ctx => {
    for (let i = 0; i < count; i++) all.push(ctx.spawn(counter, String(i), null));
  });
  await turnOfTheLoop();
  const [first] = all;
  if (!first) throw new Error('nothing was started');
  return { first, all };
}

/** What the engine makes for work that waits until all of it is done: promises, microtasks, timers, immediates. */
async function madeFor(work: () => void): Promise<Record<string, number>> {
  const nothing = await leastMade(() => undefined);
  const something = await leastMade(work);
  const more = Object.entries(something).map(([type, count]) => [type, count - (nothing[type] ?? 0)] as const);
  return Object.fromEntries(more.filter(([, count]) => count > 0));
}

/** The least of some tries: whoever runs the tests makes something now and then too. */
async function leastMade(work: () => void): Promise<Record<string, number>> {
  const tries: Map<string, number>[] = [];
  for (let i = 0; i < 5; i++) {
    const counts = new Map<string, number>();
    const hook = createHook({ init: (_id, type) => counts.set(type, (counts.get(type) ?? 0) + 1) });
    hook.enable();
    work();
    await turnOfTheLoop();
    hook.disable();
    tries.push(counts);
  }
  const types = new Set(tries.flatMap(counts => [...counts.keys()]));
  return Object.fromEntries([...types].map(type => [type, Math.min(...tries.map(counts => counts.get(type) ?? 0))]));
}

/**
 * Bytes that one of so many pieces of work takes once the engine has made its best of the code: the least of many tries.
 * A try during which garbage was collected says nothing.
 */
async function bytesOf(count: number, work: () => void): Promise<number> {
  const tries: number[] = [];
  while (tries.length < 30) {
    const before = process.memoryUsage().heapUsed;
    work();
    await turnOfTheLoop();
    const bytes = process.memoryUsage().heapUsed - before;
    if (bytes > 0) tries.push(bytes / count);
  }
  return Math.min(...tries);
}

const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((total, each) => total + each, 0);

const many = 1_000;
const deadlineMs = 5_000;

const question = (replyTo: ReplyTo<number>): Told => ({ replyTo });

test('a thousand messages to one actor wake the engine once and let it look again once, whatever their number', async () => {
  const { root, clock } = newSystem();
  const { first } = await spawned(root, 1);
  const made = await madeFor(() => {
    for (let i = 0; i < many; i++) first.tell('count');
  });
  expect(sum(made)).toBeLessThanOrEqual(2);
  expect(clock.timers).toBe(0);
});

test('a message to each of a thousand actors wakes the engine no more often', async () => {
  const { root, clock } = newSystem();
  const { all } = await spawned(root, many);
  const made = await madeFor(() => {
    for (const each of all) each.tell('count');
  });
  expect(sum(made)).toBeLessThanOrEqual(2);
  expect(clock.timers).toBe(0);
});

test('turns are scheduled without a closure for each', async () => {
  const { root } = newSystem();
  const { first } = await spawned(root, 1);
  const uses = new Map<unknown, number>();
  const immediates = vi.spyOn(globalThis, 'setImmediate');
  // eslint-disable-next-line @typescript-eslint/unbound-method
  const original = Promise.prototype.then;
  Promise.prototype.then = function (this: Promise<unknown>, ...callbacks: Parameters<typeof original>) {
    uses.set(callbacks[0], (uses.get(callbacks[0]) ?? 0) + 1);
    return original.apply(this, callbacks);
  } as typeof original;
  try {
    for (let i = 0; i < many; i++) {
      first.tell('count');
      await Promise.resolve();
    }
    // The awaits of this test call it too, with a function of their own each time.
    expect(Math.max(...uses.values())).toBe(many);
    expect(new Set(immediates.mock.calls.map(([callback]) => callback)).size).toBeLessThanOrEqual(1);
    expect(immediates).toHaveBeenCalledTimes(1);
  } finally {
    Promise.prototype.then = original;
    immediates.mockRestore();
  }
});

test('a thousand asks at once share one timer, and each makes at most one microtask', async () => {
  const { system, root, clock } = newSystem();
  const { all } = await spawned(root, many);
  let answers = 0;
  const made = await madeFor(() => {
    for (const each of all) system.ask<Told, number>(each, question, deadlineMs, () => answers++);
  });
  expect(answers).toBe(5 * many);
  // The promise is that by which the run queue starts.
  expect(made).toEqual({ Microtask: many, Immediate: 1, PROMISE: 1 });
  // One for each of the five tries, which end before the next begins.
  expect(clock.timers).toBeLessThanOrEqual(5);
});

test('asks by promise make that promise and no other, but for the one that starts the run queue', async () => {
  const { system, root } = newSystem();
  const { all } = await spawned(root, many);
  const made = await madeFor(() => {
    for (const each of all) void system.request<Told, number>(each, question, deadlineMs);
  });
  expect(made.PROMISE).toBeLessThanOrEqual(many + 1);
});

test('a thousand asks one after another share one timer', async () => {
  const { system, root, clock } = newSystem();
  const { first } = await spawned(root, 1);
  for (let i = 0; i < many; i++) await system.request<Told, number>(first, question, deadlineMs);
  expect(clock.timers).toBe(1);
});

test('what a message, an ask and an idle actor take of the heap is bounded', async () => {
  const { system, root } = newSystem();
  const { first, all } = await spawned(root, many);
  const perMessage = await bytesOf(many, () => {
    for (let i = 0; i < many; i++) first.tell('count');
  });
  expect(perMessage).toBeLessThanOrEqual(bytes.message);
  const perAsk = await bytesOf(many, () => {
    for (const each of all) void system.request<Told, number>(each, question, deadlineMs);
  });
  expect(perAsk).toBeLessThanOrEqual(bytes.ask);
});

test('an idle supervised actor takes few bytes of the heap', async () => {
  const count = 20_000;
  const { root } = newSystem();
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  const { all } = await spawned(root, count);
  collectGarbage();
  expect((process.memoryUsage().heapUsed - before) / count).toBeLessThanOrEqual(bytes.idleActor);
  expect(all.length).toBe(count);
});
