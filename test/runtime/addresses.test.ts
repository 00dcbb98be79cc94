import { expect, test } from 'vitest';
import type { Context } from '../../src/runtime/actor.js';
import { address } from '../../src/runtime/actor.js';
import { fail, gate, world, type Told } from './world.js';

const steady = { backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0 } };
const home = address<Told>('node', 7);
const register = (ctx: Context<Told>): void => ctx.register(home);

test('an actor is found at the address it registered', async () => {
  const w = world();
  const { log } = await w.spawn('a', { init: register });
  w.system.tell(home, 'hello');
  await w.clock.settle();
  expect(log).toEqual(['hello']);
});

test('a later registration wins, and the end of the first one does not take it away', async () => {
  const w = world();
  await w.spawn('a', { init: register });
  const { log } = await w.spawn('b', { init: register });
  w.cell('/a').askStop(0);
  await w.clock.settle();
  w.system.tell(home, 'hello');
  await w.clock.settle();
  expect(log).toEqual(['hello']);
});

test('an address is free again when a stop begins', async () => {
  const w = world();
  const hook = gate();
  await w.spawn('a', { init: register, onStop: () => hook.promise });
  w.cell('/a').askStop(1_000);
  await w.clock.settle();
  expect(w.system.resolve(home)).toBeUndefined();
});

test('what is sent to the address during a back-off waits for the next life', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a', { init: register }, steady);
  ref.tell(fail);
  await w.clock.settle();
  w.system.tell(home, 'hello');
  const outcome = w.system.request<Told, string>(home, replyTo => ({ question: 'well?', replyTo }), 1_000);
  await w.clock.advance(100);
  expect(log).toEqual(['hello']);
  expect(await outcome).toEqual({ kind: 'reply', value: 'well?' });
});

test('a parked actor stays addressed', async () => {
  const w = world();
  const { ref } = await w.spawn('a', { init: register }, { budget: { restarts: 0, withinMs: 1_000 } });
  ref.tell(fail);
  await w.clock.settle();
  expect(w.system.resolve(home)?.path).toBe('/a');
});

test('an address that the next life has not registered again is free', async () => {
  const w = world();
  let lives = 0;
  const { ref } = await w.spawn('a', { init: ctx => (++lives === 1 ? register(ctx) : undefined) }, steady);
  ref.tell(fail);
  await w.clock.advance(100);
  expect(lives).toBe(2);
  expect(w.system.resolve(home)).toBeUndefined();
});

test('an address of one that failed for good is free', async () => {
  const w = world();
  const { ref } = await w.spawn('a', { init: register }, { restart: 'temporary' });
  ref.tell(fail);
  await w.clock.settle();
  expect(w.system.resolve(home)).toBeUndefined();
});
