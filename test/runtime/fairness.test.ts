import { expect, test } from 'vitest';
import type { Clock } from '../../src/runtime/clock.js';
import { ManualClock } from '../../src/runtime/manual-clock.js';
import { Scheduler, type Runnable } from '../../src/runtime/scheduler.js';
import { scripted, world } from './world.js';

/** A clock on which each look takes a millisecond: turns are counted, nothing is measured. */
function tickingClock(): Clock {
  let now = 0;
  return { now: () => now, monotonic: () => now++, after: () => () => undefined };
}

/** Runs what the event loop runs next, beside the scheduler. */
const turnOfTheLoop = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

test('an actor with a million messages lets another have its turn after 64 of them', async () => {
  const w = world();
  const flooded = await w.spawn(
    'flooded',
    {},
    {},
    scripted({ mailbox: { limit: 2_000_000, overflow: 'refuse-newest' } }),
  );
  let handledBefore = -1;
  const other = await w.spawn('other', { hears: () => (handledBefore = w.cell('/flooded').handled) });
  for (let n = 0; n < 1_000_000; n++) flooded.ref.tell('drop');
  other.ref.tell('and me?');
  await w.clock.settle();
  expect(handledBefore).toBe(64);
  expect(w.cell('/flooded').handled).toBe(1_000_000);
});

test('a flood goes back to the event loop when its slice is over, and goes on after it', async () => {
  const scheduler = new Scheduler(tickingClock());
  let turns = 0;
  scheduler.add({ turn: () => ++turns < 1_000 });
  await turnOfTheLoop();
  expect(turns).toBeLessThan(10);
  while (!scheduler.isIdle) await turnOfTheLoop();
  expect(turns).toBe(1_000);
});

test('a chain of short drains, as an ask loop is, goes back to the event loop too', async () => {
  const scheduler = new Scheduler(tickingClock());
  let turns = 0;
  const link: Runnable = {
    turn: () => {
      if (++turns < 10_000) queueMicrotask(() => scheduler.add(link));
      return false;
    },
  };
  scheduler.add(link);
  await turnOfTheLoop();
  expect(turns).toBeLessThan(100);
  while (turns < 10_000) await turnOfTheLoop();
});

test('an actor that asks another over and over keeps no timer waiting', async () => {
  const w = world({ clock: tickingClock() });
  await turnOfTheLoop();
  let asks = 0;
  const again = (): void => {
    if (++asks === 10_000) return;
    void w.system
      .request<never, string>(w.cell('/'), replyTo => ({ question: '?', replyTo }) as never, 1_000)
      .then(again);
  };
  again();
  await turnOfTheLoop();
  await turnOfTheLoop();
  expect(asks).toBeLessThan(200);
  while (asks < 10_000) await turnOfTheLoop();
});

test('under a clock that stands still a slice never ends, so that the order does not depend on the machine', async () => {
  const scheduler = new Scheduler(new ManualClock(0));
  let turns = 0;
  scheduler.add({ turn: () => ++turns < 5_000 });
  await Promise.resolve();
  expect(turns).toBe(5_000);
});

test('turns go round: each that has more comes after all others', async () => {
  const scheduler = new Scheduler(new ManualClock(0));
  const story: string[] = [];
  for (const name of ['a', 'b', 'c']) {
    let left = 2;
    scheduler.add({
      turn: () => {
        story.push(name);
        return --left > 0;
      },
    });
  }
  await Promise.resolve();
  expect(story.join('')).toBe('abcabc');
});
