import { describe, expect, test } from 'vitest';
import type { Directive, FailedLife, Supervision } from '../../src/runtime/actor.js';
import type { Told } from './world.js';
import { fail, never, scripted, world } from './world.js';

const steady = { backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0 } };

class Known extends Error {}

const failKnown = (): never => {
  throw new Known('a known one');
};

function says(directive: Directive): Partial<Supervision> {
  return { ...steady, directive: error => (error instanceof Known ? directive : 'restart') };
}

describe('what is done about a failure by its error', () => {
  test.each([
    ['restart', 'running', 2, []],
    ['resume', 'running', 1, []],
    ['stop', 'none', 1, ['failed']],
  ] as const)('%s leaves it %s after lives: %i', async (directive, mode, lives, reasons) => {
    const w = world();
    let begun = 0;
    const heard: string[] = [];
    const { ref, log } = await w.spawn('a', { init: () => void begun++ }, says(directive));
    await w.do(ctx => ctx.watch(ref, reason => () => heard.push(reason)));
    ref.tell(failKnown);
    ref.tell('behind it');
    await w.clock.advance(1_000);
    expect(w.mode('/a')).toBe(mode);
    expect(begun).toBe(lives);
    expect(heard).toEqual(reasons);
    expect(log).toEqual(mode === 'running' ? ['behind it'] : []);
  });

  test('escalate ends it for good, and its parent fails and starts its children anew', async () => {
    const w = world();
    const lives: string[] = [];
    await w.spawn(
      'parent',
      {
        init: ctx => {
          lives.push('parent');
          ctx.spawn(scripted(), 'child', { log: [], init: () => void lives.push('child') }, says('escalate'));
        },
      },
      steady,
    );
    w.cell('/parent/child').tell(failKnown);
    await w.clock.advance(1_000);
    expect(lives).toEqual(['parent', 'child', 'parent', 'child']);
    expect(w.cell('/parent').restarts).toBe(1);
  });

  test('another error than the known one is a restart', async () => {
    const w = world();
    const { ref } = await w.spawn('a', {}, says('stop'));
    ref.tell(fail);
    await w.clock.advance(1_000);
    expect(w.cell('/a')).toMatchObject({ mode: 'running', restarts: 1 });
  });

  test('an opinion that fails itself is none: the actor is restarted', async () => {
    const w = world();
    const { ref } = await w.spawn('a', {}, { ...steady, directive: fail });
    ref.tell(failKnown);
    await w.clock.advance(1_000);
    expect(w.cell('/a')).toMatchObject({ mode: 'running', restarts: 1 });
  });

  test('resume uses up nothing of the budget, is told, and ends the question in hand as failed', async () => {
    const w = world();
    const { ref } = await w.spawn(
      'a',
      { answers: failKnown },
      { ...says('resume'), budget: { restarts: 0, withinMs: 1_000 } },
    );
    for (let n = 0; n < 5; n++) {
      const outcome = w.system.request<Told, string>(ref, replyTo => ({ question: 'well?', replyTo }), 1_000);
      await w.clock.settle();
      expect(await outcome).toEqual({ kind: 'gone', asked: '/a', reason: 'failed' });
    }
    expect(w.events.filter(event => event.type === 'resumed')).toHaveLength(5);
    expect(w.system.inspect('/a')).toMatchObject({ state: 'running', restarts: 0, failure: { count: 5 } });
  });

  test.each([
    ['an init that fails', { init: failKnown }],
    ['a handler that hangs', { hears: never }],
  ])('%s cannot be resumed: it is restarted', async (_, script) => {
    const w = world();
    const { ref } = await w.spawn('a', script, {
      ...steady,
      directive: () => 'resume',
      budget: { restarts: 2, withinMs: 600_000 },
    });
    ref.tell('one');
    ref.tell('two');
    ref.tell('three');
    await w.clock.advance(120_000);
    expect(w.system.inspect('/a')).toMatchObject({ state: 'parked', restarts: 2 });
  });
});

describe('the hook at a restart', () => {
  /** An actor whose new lives write down how the last one failed. */
  function telling(told: FailedLife<Told>[], onRestart?: () => void | Promise<void>) {
    return {
      ...scripted(),
      onRestart: (failed: FailedLife<Told>) => {
        told.push(failed);
        return onRestart?.();
      },
    };
  }

  test('is given the error, the message in hand and the number of failures, and runs before init', async () => {
    const w = world();
    const told: FailedLife<Told>[] = [];
    const order: string[] = [];
    const actor = telling(told, () => void order.push('hook'));
    const script = {
      init: () => void order.push('init'),
      hears: (word: string) => (word === 'bad' ? fail() : undefined),
    };
    const { ref, log } = await w.spawn('a', script, steady, actor);
    ref.tell('bad');
    ref.tell('good');
    await w.clock.advance(100);
    ref.tell('bad');
    await w.clock.advance(100);
    expect(told).toMatchObject([
      { error: { message: 'told to fail' }, inHand: 'bad', count: 1 },
      { error: { message: 'told to fail' }, inHand: 'bad', count: 2 },
    ]);
    expect(order).toEqual(['init', 'hook', 'init', 'hook', 'init']);
    expect(log).toEqual(['good']);
  });

  test('is not run at a restart on request, since nothing has failed', async () => {
    const w = world();
    const told: FailedLife<Told>[] = [];
    await w.spawn('a', {}, steady, telling(told));
    w.system.restart('/a');
    await w.clock.settle();
    expect(w.cell('/a').restarts).toBe(1);
    expect(told).toEqual([]);
  });

  test.each([
    ['throws', fail],
    ['rejects late', async () => Promise.resolve().then(fail)],
    ['hangs', never],
  ] as const)('one that %s is a failure of the new life, which uses up the budget like any other', async (_, hook) => {
    const w = world();
    const told: FailedLife<Told>[] = [];
    const { ref } = await w.spawn(
      'a',
      {},
      { ...steady, budget: { restarts: 3, withinMs: 600_000 } },
      telling(told, hook),
    );
    ref.tell(fail);
    await w.clock.advance(300_000);
    expect(w.system.inspect('/a')).toMatchObject({ state: 'parked', failure: { count: 4 } });
  });

  test('a stop during a hook that hangs is done at its deadline', async () => {
    const w = world();
    const { ref } = await w.spawn('a', {}, steady, telling([], never));
    ref.tell(fail);
    await w.clock.advance(100);
    expect(w.mode('/a')).toBe('starting');
    w.cell('/a').askStop(500);
    await w.clock.advance(500);
    expect(w.mode('/a')).toBe('none');
  });
});
