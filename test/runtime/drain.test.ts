import { describe, expect, test } from 'vitest';
import type { Context, TaskOutcome } from '../../src/runtime/actor.js';
import { gate, never, scripted, world, type Told } from './world.js';

const word = (outcome: TaskOutcome<string>): string => (outcome.ok ? outcome.value : 'failed');

function drained(w: ReturnType<typeof world>, withinMs = 10_000): { readonly late: () => readonly string[] | null } {
  let late: readonly string[] | null = null;
  void w.system.drain(withinMs).then(paths => (late = paths));
  return { late: () => late };
}

describe('a drain', () => {
  test('finishes what is queued, takes nothing new, and then stops', async () => {
    const w = world();
    const busy = gate();
    const { ref, log } = await w.spawn('a', { hears: heard => (heard === 'one' ? busy.promise : undefined) });
    ref.tell('one');
    ref.tell('two');
    await w.clock.settle();
    const drain = drained(w);
    await w.clock.settle();
    ref.tell('too late');
    busy.open();
    await w.clock.settle();
    expect(log).toEqual(['one', 'two']);
    expect(drain.late()).toEqual([]);
    expect(w.deadLetters()).toEqual({ draining: 1 });
  });

  test('waits for tasks and answers that are still to come, and handles what comes of them', async () => {
    const w = world();
    const work = gate<string>();
    const answer = gate<string>();
    await w.spawn('other', { answers: async (_question, replyTo) => replyTo.reply(await answer.promise) });
    const { ref, log } = await w.spawn('a');
    ref.tell(ctx => void ctx.task('work', () => work.promise, word));
    ref.tell(ctx => {
      const other = w.cell('/other');
      ctx.ask<Told, string>(
        other,
        replyTo => ({ question: 'well?', replyTo }),
        60_000,
        outcome => outcome.kind,
      );
    });
    await w.clock.settle();
    w.guardian.tell(ctx => ctx.drain(ref, 60_000));
    await w.clock.settle();
    expect(w.mode('/a')).toBe('running');
    work.open('worked');
    answer.open('yes');
    await w.clock.settle();
    expect(log.toSorted()).toEqual(['reply', 'worked']);
    expect(w.mode('/a')).toBe('none');
  });

  test('is cut off at its deadline, and named', async () => {
    const w = world();
    const { ref } = await w.spawn('a', { hears: never });
    ref.tell('one');
    const drain = drained(w, 1_000);
    await w.clock.advance(1_000);
    expect(drain.late()).toEqual(['/a']);
  });

  test('that is followed by a stop leaves what is queued', async () => {
    const w = world();
    const busy = gate();
    const { ref, log } = await w.spawn('a', { hears: () => busy.promise });
    for (const heard of ['one', 'two', 'three']) ref.tell(heard);
    await w.clock.settle();
    drained(w);
    await w.clock.settle();
    const late = w.stop(1_000);
    busy.open();
    expect(await late).toEqual([]);
    expect(log).toEqual(['one']);
    expect(w.deadLetters()).toEqual({ stopped: 2 });
  });

  test('of a tree drains children before their parent', async () => {
    const w = world();
    const order: string[] = [];
    const child = { log: [], onStop: () => void order.push('child'), hears: (heard: string) => void order.push(heard) };
    const parent = {
      init: (ctx: Context<Told>) => void ctx.spawn(scripted(), 'child', child),
      onStop: () => void order.push('parent'),
    };
    await w.spawn('parent', parent);
    w.cell('/parent/child').tell('queued');
    const drain = drained(w);
    await w.clock.settle();
    expect(order).toEqual(['queued', 'child', 'parent']);
    expect(drain.late()).toEqual([]);
  });
});
