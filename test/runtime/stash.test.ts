import { describe, expect, test } from 'vitest';
import { fail, gate, scripted, world, type Told } from './world.js';

const steady = { backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0 } };

/** Puts aside what it hears before it is open, and says what it took at last. */
async function closed(options: { limit?: number; failsAt?: string; isOpenInNewLife?: boolean } = {}) {
  const w = world();
  const taken: string[] = [];
  let isOpen = false;
  let lives = 0;
  const { ref } = await w.spawn(
    'a',
    {
      init: () => {
        lives++;
        if (options.isOpenInNewLife && lives > 1) isOpen = true;
      },
      hears: (heard, ctx) => {
        if (heard === 'open') {
          isOpen = true;
          ctx.unstash();
        } else if (heard === options.failsAt && lives < 3) fail();
        else if (isOpen) taken.push(heard);
        else ctx.stash();
      },
    },
    steady,
    scripted({ mailbox: { limit: options.limit ?? 100, overflow: 'refuse-newest' } }),
  );
  return { ...w, ref, taken };
}

describe('what is put aside', () => {
  test('comes back in its order, before all that waits', async () => {
    const w = await closed();
    for (const heard of ['one', 'two', 'open', 'three']) w.ref.tell(heard);
    await w.clock.settle();
    expect(w.taken).toEqual(['one', 'two', 'three']);
  });

  test('counts against the bound of the mailbox', async () => {
    const w = await closed({ limit: 3 });
    for (const heard of ['one', 'two', 'three']) w.ref.tell(heard);
    await w.clock.settle();
    w.ref.tell('four');
    await w.clock.settle();
    expect(w.deadLetters()).toEqual({ overflow: 1 });
  });

  test('comes back with each new life, also after a second failure on the way', async () => {
    const w = await closed({ failsAt: 'bad', isOpenInNewLife: true });
    for (const heard of ['one', 'two', 'bad', 'three', 'bad', 'four']) w.ref.tell(heard);
    await w.clock.advance(1_000);
    // Both times the message in hand is given up, and nothing else.
    expect(w.taken).toEqual(['one', 'two', 'three', 'four']);
    expect(w.cell('/a').restarts).toBe(2);
    expect(w.deadLetters()).toEqual({});
  });

  test('is a dead letter when its actor stops, and a question in it ends', async () => {
    const w = world();
    const { ref } = await w.spawn('a', {
      hears: (_heard, ctx) => ctx.stash(),
      answers: (_question, _replyTo, ctx) => ctx.stash(),
    });
    ref.tell('one');
    const outcome = w.system.request<Told, string>(ref, replyTo => ({ question: 'well?', replyTo }), 60_000);
    await w.clock.settle();
    await w.stop();
    expect(await outcome).toEqual({ kind: 'gone', asked: '/a', reason: 'stopped' });
    expect(w.deadLetters()).toEqual({ stopped: 2 });
  });

  test('keeps a question open until its deadline, and answers it from the next life', async () => {
    const w = world();
    let isOpen = false;
    const { ref } = await w.spawn(
      'a',
      {
        init: () => void (isOpen = w.system.inspect('/a')?.restarts !== 0),
        answers: (question, replyTo, ctx) => (isOpen ? replyTo.reply(`${question} yes`) : ctx.stash()),
      },
      steady,
    );
    isOpen = false;
    const outcome = w.system.request<Told, string>(ref, replyTo => ({ question: 'well?', replyTo }), 60_000);
    await w.clock.settle();
    ref.tell(fail);
    await w.clock.settle();
    isOpen = true;
    await w.clock.advance(1_000);
    expect(await outcome).toEqual({ kind: 'reply', value: 'well? yes' });
  });

  test('is not what failed while it was being put aside', async () => {
    const w = world();
    const late = gate();
    let calls = 0;
    const { ref } = await w.spawn(
      'a',
      {
        hears: async (_heard, ctx) => {
          calls++;
          ctx.stash();
          await late.promise;
          fail();
        },
      },
      steady,
    );
    ref.tell('one');
    await w.clock.settle();
    late.open();
    await w.clock.advance(1_000);
    expect(calls).toBe(1);
    expect(w.cell('/a')).toMatchObject({ mode: 'running', restarts: 1 });
  });
});
