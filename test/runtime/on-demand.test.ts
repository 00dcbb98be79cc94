import { describe, expect, test } from 'vitest';
import type { Context } from '../../src/runtime/actor.js';
import { fail, scripted, world, type Told } from './world.js';

const steady = { backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0 } };

/** A parent that makes the actor of any number, but for 13. */
async function nodes() {
  const w = world();
  const log: string[] = [];
  let made = 0;
  const start = (ctx: Context<Told>) => (name: string) => {
    if (name === 'broken') fail();
    if (name === '13') return null;
    made++;
    return ctx.spawn(scripted(), name, { log, init: () => void log.push(`${name} begins`) }, steady);
  };
  const parent = await w.spawn(
    'nodes',
    { init: ctx => ctx.onDemand('node', start(ctx)) },
    steady,
    scripted({ isDynamic: true }),
  );
  const tell = (name: string | number, message: Told): void => w.system.tell<Told>({ key: `node:${name}` }, message);
  return { ...w, parent: parent.ref, log, tell, made: () => made };
}

describe('an actor that is made when it is first needed', () => {
  test('is made by the first message to its address, and found by the next', async () => {
    const w = await nodes();
    w.tell(17, 'one');
    w.tell(17, 'two');
    await w.clock.settle();
    expect(w.log).toEqual(['17 begins', 'one', 'two']);
    expect(w.made()).toBe(1);
    expect(w.mode('/nodes/17')).toBe('running');
  });

  test('is kept at its address over its own restarts', async () => {
    const w = await nodes();
    w.tell(17, 'one');
    w.tell(17, fail);
    await w.clock.settle();
    w.tell(17, 'two');
    await w.clock.advance(1_000);
    expect(w.log).toEqual(['17 begins', 'one', '17 begins', 'two']);
    expect(w.made()).toBe(1);
  });

  test('is gone when it has ended, and made anew for the next message', async () => {
    const w = await nodes();
    w.tell(17, ctx => ctx.stop(ctx.self));
    await w.clock.settle();
    expect(w.mode('/nodes/17')).toBe('none');
    w.tell(17, 'two');
    await w.clock.settle();
    expect(w.log).toEqual(['17 begins', '17 begins', 'two']);
    expect(w.made()).toBe(2);
  });

  test('that there is none of makes a dead letter, and a question is gone', async () => {
    const w = await nodes();
    w.tell(13, 'hello');
    const outcome = w.system.request<Told, string>(
      { key: 'node:13' },
      replyTo => ({ question: 'well?', replyTo }),
      1_000,
    );
    expect(await outcome).toEqual({ kind: 'gone', asked: 'node:13', reason: 'unknown' });
    expect(w.deadLetters()).toEqual({ unknown: 2 });
  });

  test('that cannot be made is a failure of the one that makes it, and never of the sender', async () => {
    const w = await nodes();
    w.tell('broken', 'hello');
    await w.clock.advance(1_000);
    expect(w.deadLetters()).toEqual({ unknown: 1 });
    expect(w.cell('/nodes').restarts).toBe(1);
    w.tell(17, 'one');
    await w.clock.settle();
    expect(w.log).toEqual(['17 begins', 'one']);
  });

  test('is not made any more once the one that makes it has stopped', async () => {
    const w = await nodes();
    w.cell('/nodes').askStop(1_000);
    await w.clock.settle();
    w.tell(17, 'one');
    expect(w.deadLetters()).toEqual({ unknown: 1 });
  });
});
