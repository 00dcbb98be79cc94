import { describe, expect, test } from 'vitest';
import type { AskOutcome, Context, Ref, ReplyTo } from '../../src/runtime/actor.js';
import { address } from '../../src/runtime/actor.js';
import { fail, gate, scripted, world, type Told } from './world.js';

const steady = { backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0 } };
const nobody = address<Told>('nobody', 1);

/** Asks from outside the tree and writes the outcomes down. */
function asking(w: ReturnType<typeof world>) {
  const outcomes: AskOutcome<string>[] = [];
  const ask = (to: Ref<Told> | typeof nobody, question = 'well?', deadlineMs = 1_000) =>
    w.system.ask(
      to,
      (replyTo: ReplyTo<string>) => ({ question, replyTo }),
      deadlineMs,
      outcome => outcomes.push(outcome),
    );
  return { outcomes, ask };
}

describe('an ask ends', () => {
  test('with the reply, never on the stack of the asker', async () => {
    const w = world();
    const { ref } = await w.spawn('a');
    const { ask, outcomes } = asking(w);
    ask(ref);
    expect(outcomes).toEqual([]);
    await w.clock.settle();
    expect(outcomes).toEqual([{ kind: 'reply', value: 'well?' }]);
    expect(w.clock.nextAt).toBeNull();
  });

  test('with a timeout when the asked one is silent', async () => {
    const w = world();
    const { ref } = await w.spawn('a', { answers: () => undefined });
    const { ask, outcomes } = asking(w);
    ask(ref);
    await w.clock.advance(999);
    expect(outcomes).toEqual([]);
    await w.clock.advance(1);
    expect(outcomes).toEqual([{ kind: 'timeout', asked: '/a' }]);
  });

  test('as unknown where nobody is registered, and the question is a dead letter', async () => {
    const w = world();
    const { ask, outcomes } = asking(w);
    ask(nobody);
    await w.clock.settle();
    expect(outcomes).toEqual([{ kind: 'gone', asked: 'nobody:1', reason: 'unknown' }]);
    expect(w.deadLetters()).toEqual({ unknown: 1 });
  });

  test('as stopped when the asked one has stopped already', async () => {
    const w = world();
    const { ref } = await w.spawn('a');
    w.cell('/a').askStop(0);
    await w.clock.settle();
    const { ask, outcomes } = asking(w);
    ask(ref);
    await w.clock.settle();
    expect(outcomes).toEqual([{ kind: 'gone', asked: '/a', reason: 'stopped' }]);
    expect(w.deadLetters()).toEqual({ stopped: 1 });
  });

  test('as stopped when the asked one stops before it comes to the question, or with it in hand', async () => {
    const w = world();
    const { ref } = await w.spawn('a', { answers: () => undefined });
    const { ask, outcomes } = asking(w);
    ask(ref, 'in hand');
    await w.clock.settle();
    ref.tell(ctx => ctx.stop(ctx.self));
    ask(ref, 'queued');
    await w.clock.settle();
    expect(outcomes).toEqual([
      { kind: 'gone', asked: '/a', reason: 'stopped' },
      { kind: 'gone', asked: '/a', reason: 'stopped' },
    ]);
    expect(w.clock.nextAt).toBeNull();
  });

  test('as refused when the mailbox is full', async () => {
    const w = world();
    const { ref } = await w.spawn('a', {}, {}, scripted({ mailbox: { limit: 1, overflow: 'refuse-newest' } }));
    const { ask, outcomes } = asking(w);
    ref.tell('first');
    ask(ref);
    await w.clock.settle();
    expect(outcomes).toEqual([{ kind: 'gone', asked: '/a', reason: 'refused' }]);
    expect(w.deadLetters()).toEqual({ overflow: 1 });
  });

  test('as restarted when it is in hand at a failure, while those that wait are answered by the next life', async () => {
    const w = world();
    const { ref } = await w.spawn(
      'a',
      { answers: (question, to) => (question === 'bad' ? fail() : to.reply('good')) },
      steady,
    );
    const { ask, outcomes } = asking(w);
    ask(ref, 'bad');
    ask(ref, 'next');
    await w.clock.settle();
    expect(outcomes).toEqual([{ kind: 'gone', asked: '/a', reason: 'restarted' }]);
    await w.clock.advance(100);
    expect(outcomes[1]).toEqual({ kind: 'reply', value: 'good' });
  });

  test('as stopped when it is in hand at the failure of one that is not started again', async () => {
    const w = world();
    const { ref } = await w.spawn('a', { answers: fail }, { restart: 'temporary' });
    const { ask, outcomes } = asking(w);
    ask(ref);
    await w.clock.settle();
    expect(outcomes).toEqual([{ kind: 'gone', asked: '/a', reason: 'stopped' }]);
  });

  test('at its deadline when the asked one is parked', async () => {
    const w = world();
    const { ref } = await w.spawn('a', {}, { budget: { restarts: 0, withinMs: 1_000 } });
    ref.tell(fail);
    await w.clock.settle();
    const { ask, outcomes } = asking(w);
    ask(ref);
    await w.clock.advance(1_000);
    expect(outcomes).toEqual([{ kind: 'timeout', asked: '/a' }]);
  });
});

test('a question whose deadline is over is not handled any more, and counted', async () => {
  const w = world();
  const questions: string[] = [];
  const { ref } = await w.spawn('a', { answers: question => questions.push(question) });
  const done = gate();
  const { ask } = asking(w);
  ref.tell(() => done.promise);
  ask(ref, 'too late', 10);
  await w.clock.advance(10);
  done.open();
  await w.clock.settle();
  expect(questions).toEqual([]);
  expect(w.deadLetters()).toEqual({ expired: 1 });
});

test('only the first reply counts; a second one, or one after the deadline, is a dead letter', async () => {
  const w = world();
  const replies: ReplyTo<string>[] = [];
  const { ref } = await w.spawn('a', { answers: (_, replyTo) => replies.push(replyTo) });
  const { ask, outcomes } = asking(w);
  ask(ref);
  ask(ref, 'again', 10);
  await w.clock.advance(10);
  replies[0]?.reply('one');
  replies[0]?.reply('two');
  replies[1]?.reply('late');
  await w.clock.settle();
  expect(outcomes).toEqual([
    { kind: 'timeout', asked: '/a' },
    { kind: 'reply', value: 'one' },
  ]);
  expect(w.deadLetters()).toEqual({ 'late-reply': 2 });
});

test('a reply that an old life still gives is a dead letter', async () => {
  const w = world();
  const replies: ReplyTo<string>[] = [];
  const { ref } = await w.spawn('a', { answers: (_, replyTo) => replies.push(replyTo) }, steady);
  const { ask, outcomes } = asking(w);
  ask(ref);
  ref.tell(fail);
  await w.clock.advance(100);
  replies[0]?.reply('from the grave');
  await w.clock.settle();
  expect(outcomes).toEqual([{ kind: 'gone', asked: '/a', reason: 'restarted' }]);
  expect(w.deadLetters()).toEqual({ 'late-reply': 1 });
});

test('the outcome reaches an actor as a message, unless the life that asked is over', async () => {
  const w = world();
  const asked = await w.spawn('asked');
  const { ref, log } = await w.spawn('a', {}, steady);
  const done = gate();
  asked.ref.tell(() => done.promise);
  const question = (ctx: Context<Told>): void =>
    ctx.ask<Told, string>(
      asked.ref,
      replyTo => ({ question: 'well?', replyTo }),
      10_000,
      outcome => outcome.kind,
    );
  ref.tell(question);
  ref.tell(fail);
  ref.tell(question);
  await w.clock.advance(100);
  done.open();
  await w.clock.settle();
  expect(log).toEqual(['reply']);
  expect(w.deadLetters()).toEqual({ 'old-life': 1 });
});

test('an outcome that cannot be made a message of is a failure of the asker alone', async () => {
  const w = world();
  const asked = await w.spawn('asked');
  const { ref } = await w.spawn('a', {}, steady);
  ref.tell(ctx => ctx.ask<Told, string>(asked.ref, replyTo => ({ question: 'well?', replyTo }), 1_000, fail));
  await w.clock.settle();
  expect([w.mode('/a'), w.mode('/asked')]).toEqual(['waiting', 'running']);
});

test('those who are no actors ask by promise', async () => {
  const w = world();
  const { ref } = await w.spawn('a');
  const outcome = w.system.request<Told, string>(ref, replyTo => ({ question: 'well?', replyTo }), 1_000);
  await w.clock.settle();
  expect(await outcome).toEqual({ kind: 'reply', value: 'well?' });
});
