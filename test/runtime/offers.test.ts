import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import type { OfferOutcome } from '../../src/runtime/actor.js';
import { gate, scripted, world, type Told } from './world.js';

const bounded = scripted({ mailbox: { limit: 2, overflow: 'back-pressure' } });

/** An actor that is busy until its gate opens, with room for two. */
async function narrow(actor = bounded) {
  const w = world();
  const busy = gate();
  const { ref, log } = await w.spawn('a', { hears: heard => (heard === 'busy' ? busy.promise : undefined) }, {}, actor);
  ref.tell('busy');
  await w.clock.settle();
  const outcomes: string[] = [];
  const offer = (message: string): void => {
    w.system.offerTo<Told>(ref, message, outcome => outcomes.push(`${message} ${outcome}`));
  };
  return { ...w, ref, log, busy, outcomes, offer };
}

test('a source that offers waits until there is room, and is let in by its turn', async () => {
  const w = await narrow();
  for (const message of ['one', 'two', 'three', 'four']) w.offer(message);
  await w.clock.settle();
  expect(w.outcomes).toEqual(['one taken', 'two taken']);
  w.busy.open();
  await w.clock.settle();
  expect(w.outcomes).toEqual(['one taken', 'two taken', 'three taken', 'four taken']);
  expect(w.log).toEqual(['busy', 'one', 'two', 'three', 'four']);
  expect(w.deadLetters()).toEqual({});
});

test('one that only tells does not overtake those who wait: it is refused', async () => {
  const w = await narrow();
  for (const message of ['one', 'two', 'three']) w.offer(message);
  w.ref.tell('told');
  w.busy.open();
  await w.clock.settle();
  expect(w.log).toEqual(['busy', 'one', 'two', 'three']);
  expect(w.deadLetters()).toEqual({ overflow: 1 });
});

test.each([
  ['refuse-newest', ['one taken', 'two taken', 'three refused'], ['busy', 'one', 'two']],
  ['drop-oldest', ['one taken', 'two taken', 'three taken'], ['busy', 'two', 'three']],
] as const)('where a full mailbox is to %s, nobody waits', async (overflow, outcomes, log) => {
  const w = await narrow(scripted({ mailbox: { limit: 2, overflow } }));
  for (const message of ['one', 'two', 'three']) w.offer(message);
  w.busy.open();
  await w.clock.settle();
  expect(w.outcomes).toEqual(outcomes);
  expect(w.log).toEqual(log);
  expect(w.deadLetters()).toEqual({ overflow: 1 });
});

test('an offer to nobody, or to one that stops while it waits, is gone', async () => {
  const w = await narrow();
  const nobody: OfferOutcome[] = [];
  w.system.offerTo({ key: 'node:0' }, 'hello', outcome => nobody.push(outcome));
  expect(nobody).toEqual(['gone']);
  for (const message of ['one', 'two', 'three']) w.offer(message);
  const stopped = w.stop(1_000);
  w.busy.open();
  await stopped;
  expect(w.outcomes).toEqual(['one taken', 'two taken', 'three gone']);
  expect(w.deadLetters()).toEqual({ unknown: 1, stopped: 3 });
});

test('an actor hears of its offers by message, and a task by promise', async () => {
  const w = await narrow();
  const source = await w.spawn('source');
  source.ref.tell(ctx => ctx.offer<Told>(w.ref, 'from an actor', outcome => `actor: ${outcome}`));
  source.ref.tell(ctx => {
    ctx.task(
      'offers',
      io => io.offer<Told>(w.ref, 'from a task'),
      outcome => `task: ${outcome.ok ? outcome.value : 'failed'}`,
    );
  });
  w.busy.open();
  await w.clock.settle();
  expect(source.log.toSorted()).toEqual(['actor: taken', 'task: taken']);
  expect(w.log).toEqual(['busy', 'from an actor', 'from a task']);
});

test('whoever offers, and whatever the bound, nothing is lost, doubled or overtaken, and the bound holds', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 8 }),
      fc.array(fc.tuple(fc.nat({ max: 3 }), fc.boolean()), { maxLength: 60 }),
      async (limit, script) => {
        const w = world();
        const heard: string[] = [];
        const actor = scripted({ mailbox: { limit, overflow: 'back-pressure' } });
        const slow = { hears: (message: string) => Promise.resolve().then(() => void heard.push(message)) };
        const { ref } = await w.spawn('a', slow, {}, actor);
        const expected: string[][] = [[], [], [], []];
        for (const [source, isPause] of script) {
          const message = `${source}.${expected[source]?.length}`;
          // At most so many may wait as there is room for: the rest is refused.
          w.system.offerTo<Told>(ref, message, outcome => {
            if (outcome === 'taken') expected[source]?.push(message);
          });
          expect(w.cell('/a').mailboxLength).toBeLessThanOrEqual(limit);
          if (isPause) await w.clock.settle();
        }
        await w.clock.settle();
        for (const [source, messages] of expected.entries()) {
          expect(heard.filter(message => message.startsWith(`${source}.`))).toEqual(messages);
        }
        expect(w.cell('/a').highWater).toBeLessThanOrEqual(limit);
      },
    ),
    { numRuns: 50 },
  );
});
