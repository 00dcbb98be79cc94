import { describe, expect, test } from 'vitest';
import type { Context, TaskIo, TaskOutcome } from '../../src/runtime/actor.js';
import { fail, gate, never, world, type Told } from './world.js';

const steady = { backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0 } };
const outcomeWord = (outcome: TaskOutcome<string>): string =>
  outcome.ok ? outcome.value : `failed: ${(outcome.error as Error).message}`;

const begin =
  (run: (io: TaskIo) => Promise<string>, mustSettle = false) =>
  (ctx: Context<Told>): void =>
    void ctx.task('work', run, outcomeWord, { mustSettle });

test('a task runs beside the mailbox and its value arrives as a message', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a');
  const work = gate<string>();
  ref.tell(begin(() => work.promise));
  ref.tell('meanwhile');
  await w.clock.settle();
  expect(log).toEqual(['meanwhile']);
  work.open('done');
  await w.clock.settle();
  expect(log).toEqual(['meanwhile', 'done']);
});

test.each([
  ['throws at once', fail],
  ['rejects', async () => fail()],
])('a task that %s arrives as a failure, which is no failure of the actor', async (_, run) => {
  const w = world();
  const { ref, log } = await w.spawn('a');
  ref.tell(begin(run));
  await w.clock.settle();
  expect(log).toEqual(['failed: told to fail']);
  expect(w.mode('/a')).toBe('running');
});

test('a task that is cancelled is aborted, and its outcome still arrives', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a');
  ref.tell(ctx => {
    const task = ctx.task(
      'work',
      async io => {
        await io.sleep(60_000);
        return io.signal.aborted ? 'aborted' : 'slept';
      },
      outcomeWord,
    );
    task.cancel();
  });
  await w.clock.settle();
  expect(log).toEqual(['aborted']);
  expect(w.clock.nextAt).toBeNull();
});

describe.each(['fails', 'is restarted on request', 'stops'] as const)('when its actor %s', how => {
  async function after(mustSettle: boolean) {
    const w = world();
    const work = gate<string>();
    const { ref, log } = await w.spawn('a', {}, { ...steady, stopMs: 1_000 });
    let signal: AbortSignal | undefined;
    ref.tell(
      begin(io => {
        signal = io.signal;
        return work.promise;
      }, mustSettle),
    );
    await w.clock.settle();
    if (how === 'fails') ref.tell(fail);
    else if (how === 'stops') ref.tell(ctx => ctx.stop(ctx.self));
    else w.system.restart('/a');
    await w.clock.advance(200);
    return { ...w, log, work, isAborted: () => signal?.aborted };
  }

  test('a task is aborted, and its late result is a dead letter', async () => {
    const w = await after(false);
    expect(w.isAborted()).toBe(true);
    expect(w.mode('/a')).toBe(how === 'stops' ? 'none' : 'running');
    w.work.open('late');
    await w.clock.settle();
    expect(w.log).toEqual([]);
    expect(w.deadLetters()).toEqual({ 'old-life': 1 });
  });

  test('a task that must settle is not aborted, and its late result is a dead letter', async () => {
    const w = await after(true);
    expect(w.isAborted()).toBe(false);
    expect(w.mode('/a')).toBe(how === 'stops' ? 'stopping' : 'running');
    w.work.open('late');
    await w.clock.settle();
    expect(w.mode('/a')).toBe(how === 'stops' ? 'none' : 'running');
    expect(w.log).toEqual([]);
    expect(w.deadLetters()).toEqual({ 'old-life': 1 });
  });
});

test('a stop waits for what must settle of any life, then runs the hook', async () => {
  const w = world();
  const work = gate<string>();
  const story: string[] = [];
  const { ref } = await w.spawn('a', { onStop: () => story.push('hook') }, steady);
  ref.tell(begin(() => work.promise, true));
  ref.tell(fail);
  await w.clock.advance(100);
  expect(w.cell('/a').restarts).toBe(1);
  w.cell('/a').askStop(1_000);
  await w.clock.settle();
  expect([w.mode('/a'), story]).toEqual(['stopping', []]);
  work.open('done');
  await w.clock.settle();
  expect([w.mode('/a'), story]).toEqual(['none', ['hook']]);
});

test.each([
  ['temporary', { restart: 'temporary' }],
  ['out of budget and escalating', { budget: { restarts: 0, withinMs: 1_000 }, exhausted: 'escalate' }],
] as const)('one that fails and is %s still waits for what must settle', async (_, supervision) => {
  const w = world();
  const work = gate<string>();
  const { ref } = await w.spawn('a', {}, { ...supervision, stopMs: 1_000 });
  ref.tell(begin(() => work.promise, true));
  ref.tell(fail);
  await w.clock.settle();
  expect(w.mode('/a')).toBe('stopping');
  work.open('done');
  await w.clock.settle();
  expect(w.mode('/a')).toBe('none');
});

test('a stop does not wait for what must settle beyond its deadline, and names it', async () => {
  const w = world();
  const { ref } = await w.spawn('a', {}, { stopMs: 1_000 });
  ref.tell(begin(never, true));
  await w.clock.settle();
  expect(await w.stop(30_000)).toEqual(['/a']);
  expect(w.events).toMatchObject([{ type: 'stopped-late', path: '/a', error: 'work' }]);
  expect(w.clock.nextAt).toBeNull();
});

test('a task that must settle cannot be cancelled', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a');
  ref.tell(ctx => {
    const task = ctx.task(
      'work',
      async io => {
        await io.sleep(50);
        return io.signal.aborted ? 'aborted' : 'settled';
      },
      outcomeWord,
      { mustSettle: true },
    );
    task.cancel();
  });
  await w.clock.advance(50);
  expect(log).toEqual(['settled']);
});

test('a task asks, sleeps and knows the time', async () => {
  const w = world();
  const { ref: asked } = await w.spawn('asked');
  const { ref, log } = await w.spawn('a');
  ref.tell(
    begin(async io => {
      const before = io.now();
      await io.sleep(250);
      const outcome = await io.ask<Told, string>(asked, replyTo => ({ question: 'well?', replyTo }), 1_000);
      return `${outcome.kind} after ${io.now() - before}`;
    }),
  );
  await w.clock.advance(250);
  expect(log).toEqual(['reply after 250']);
});

describe('a task that has not settled by its deadline', () => {
  const hang = (): Promise<string> => never();

  test('is a failure of its actor, and its late result is a dead letter', async () => {
    const w = world();
    const work = gate<string>();
    const { ref, log } = await w.spawn('a', {}, steady);
    ref.tell(ctx => void ctx.task('work', () => work.promise, outcomeWord, { deadlineMs: 1_000 }));
    await w.clock.advance(1_100);
    expect(w.system.inspect('/a')).toMatchObject({ state: 'running', restarts: 1, task: null });
    expect(w.system.inspect('/a')?.failure?.message).toBe('task work for more than 1000 ms');
    work.open('late');
    await w.clock.settle();
    expect(log).toEqual([]);
    expect(w.deadLetters()).toEqual({ 'old-life': 1 });
  });

  test('is aborted, unless it must settle', async () => {
    for (const mustSettle of [false, true]) {
      const w = world();
      let signal: AbortSignal | undefined;
      const run = (io: TaskIo): Promise<string> => {
        ({ signal } = io);
        return hang();
      };
      const { ref } = await w.spawn('a', {}, steady);
      ref.tell(ctx => void ctx.task('work', run, outcomeWord, { deadlineMs: 1_000, mustSettle }));
      await w.clock.advance(1_000);
      expect(signal?.aborted).toBe(!mustSettle);
    }
  });

  test('of a life that is over already is only told', async () => {
    const w = world();
    const { ref } = await w.spawn('a', {}, steady);
    ref.tell(ctx => void ctx.task('work', hang, outcomeWord, { deadlineMs: 1_000, mustSettle: true }));
    await w.clock.settle();
    w.system.restart('/a');
    await w.clock.advance(1_000);
    expect(w.cell('/a')).toMatchObject({ mode: 'running', restarts: 1 });
    expect(w.events.filter(event => event.type === 'late-failure')).toHaveLength(1);
  });
});
