import { describe, expect, test } from 'vitest';
import type { Context } from '../../src/runtime/actor.js';
import { backoffDelay, isBudgetSpent } from '../../src/runtime/supervision.js';
import { fail, gate, never, scripted, world, type Told } from './world.js';

const steady = { backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0 } };

describe('what becomes of an actor by its kind of restart and the way it ended', () => {
  const ends = {
    'stops by itself': (w: ReturnType<typeof world>) => w.cell('/a').tell((ctx: Context<Told>) => ctx.stop(ctx.self)),
    'is asked to stop': (w: ReturnType<typeof world>) => w.cell('/a').askStop(1_000),
    crashes: (w: ReturnType<typeof world>) => w.cell('/a').tell(fail),
  };
  test.each([
    ['permanent', 'stops by itself', 'running', []],
    ['permanent', 'is asked to stop', 'none', ['stopped']],
    ['permanent', 'crashes', 'running', []],
    ['transient', 'stops by itself', 'none', ['stopped']],
    ['transient', 'is asked to stop', 'none', ['stopped']],
    ['transient', 'crashes', 'running', []],
    ['temporary', 'stops by itself', 'none', ['stopped']],
    ['temporary', 'is asked to stop', 'none', ['stopped']],
    ['temporary', 'crashes', 'none', ['failed']],
  ] as const)('one that is %s and %s ends up %s', async (restart, how, mode, reasons) => {
    const w = world();
    const heard: string[] = [];
    const { ref, log } = await w.spawn('a', {}, { restart, ...steady });
    await w.do(ctx => ctx.watch(ref, reason => () => heard.push(reason)));
    ends[how](w);
    await w.clock.advance(1_000);
    ref.tell('still there');
    await w.clock.settle();
    expect(w.mode('/a')).toBe(mode);
    expect(heard).toEqual(reasons);
    expect(log).toEqual(mode === 'running' ? ['still there'] : []);
  });
});

test('a permanent actor that ends by itself in each life uses up its budget', async () => {
  const w = world();
  await w.spawn(
    'a',
    { init: ctx => ctx.stop(ctx.self) },
    { restart: 'permanent', ...steady, budget: { restarts: 3, withinMs: 600_000 } },
  );
  await w.clock.advance(1_000);
  expect(w.system.inspect('/a')).toMatchObject({ state: 'parked', restarts: 3, failure: { count: 4 } });
});

test('an init that throws leaves neither children nor addresses nor timers of that life', async () => {
  const w = world();
  let lives = 0;
  await w.spawn(
    'a',
    {
      init: ctx => {
        lives++;
        ctx.spawn(scripted(), 'child', { log: [] });
        ctx.register({ key: 'node:1' });
        ctx.timer('tick', 50, 'tick');
        fail();
      },
    },
    { restart: 'temporary' },
  );
  await w.clock.advance(1_000);
  expect(lives).toBe(1);
  expect(w.mode('/a')).toBe('none');
  expect(w.mode('/a/child')).toBe('none');
  expect(w.system.resolve({ key: 'node:1' })).toBeUndefined();
  expect(w.clock.nextAt).toBeNull();
});

test('an init that throws once is tried again after the back-off', async () => {
  const w = world();
  let lives = 0;
  const { ref, log } = await w.spawn('a', { init: () => (++lives === 1 ? fail() : undefined) }, steady);
  ref.tell('hello');
  expect(w.mode('/a')).toBe('waiting');
  await w.clock.advance(100);
  expect(lives).toBe(2);
  expect(log).toEqual(['hello']);
});

test('an init that rejects late is a failure like any other', async () => {
  const w = world();
  const started = gate();
  let lives = 0;
  const { log, ref } = await w.spawn('a', { init: () => (++lives === 1 ? started.promise : undefined) }, steady);
  ref.tell('hello');
  await w.clock.advance(500);
  expect(w.mode('/a')).toBe('starting');
  started.breakIt(new Error('no database'));
  await w.clock.settle();
  expect(w.system.inspect('/a')).toMatchObject({ state: 'waiting', failure: { message: 'no database' } });
  await w.clock.advance(100);
  expect(log).toEqual(['hello']);
});

test('an init that hangs fails at its deadline, and its late success is not another life', async () => {
  const w = world();
  const started = gate();
  let lives = 0;
  const { ref, log } = await w.spawn(
    'a',
    { init: () => (++lives === 1 ? started.promise : undefined) },
    steady,
    scripted({ handlerDeadlineMs: 1_000 }),
  );
  ref.tell('hello');
  await w.clock.advance(1_000);
  expect(w.system.inspect('/a')).toMatchObject({ state: 'waiting', failure: { count: 1 } });
  started.open();
  await w.clock.advance(100);
  expect(lives).toBe(2);
  expect(log).toEqual(['hello']);
});

test('a handler that hangs fails at its deadline, and the messages behind it are handled in the next life', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a', {}, steady, scripted({ handlerDeadlineMs: 1_000 }));
  ref.tell(never);
  ref.tell('behind it');
  await w.clock.advance(999);
  expect(w.system.inspect('/a')).toMatchObject({ mailbox: 1, task: { name: 'busy', ageSeconds: 1 } });
  await w.clock.advance(101);
  expect(log).toEqual(['behind it']);
});

test('a handler that outlives its deadline can begin nothing in the name of the next life', async () => {
  const w = world();
  const stuck = gate();
  const began: string[] = [];
  const { ref, log } = await w.spawn('a', {}, steady, scripted({ handlerDeadlineMs: 1_000 }));
  ref.tell(async ctx => {
    await stuck.promise;
    const begins: Record<string, () => unknown> = {
      timer: () => ctx.timer('tick', 10, 'tick'),
      task: () =>
        ctx.task(
          'late',
          async () => 'done',
          () => 'task',
        ),
      spawn: () => ctx.spawn(scripted(), 'child', { log: [] }),
      register: () => ctx.register({ key: 'late' }),
      stop: () => ctx.stop(ctx.self),
      ask: () =>
        ctx.ask<Told, string>(
          ctx.self,
          replyTo => ({ question: 'me?', replyTo }),
          10,
          () => 'answer',
        ),
      watch: () => ctx.watch(ctx.self, () => 'ended'),
    };
    for (const [name, begin] of Object.entries(begins)) {
      try {
        begin();
        began.push(name);
      } catch {
        // Refused, as it should be.
      }
    }
    ctx.tell(ctx.self, 'told');
    throw new Error('too late');
  });
  await w.clock.advance(1_100);
  expect(w.cell('/a').restarts).toBe(1);
  stuck.open();
  await w.clock.advance(1_000);
  expect(began).toEqual([]);
  expect(log).toEqual(['told']);
  expect(w.cell('/a').restarts).toBe(1);
  expect(w.events).toContainEqual({ type: 'late-failure', path: '/a', error: new Error('too late') });
});

test('a handler that rejects is a failure, and one that resolves is counted as handled only then', async () => {
  const w = world();
  const { ref } = await w.spawn('a', {}, steady);
  const handled = gate();
  ref.tell(() => handled.promise);
  await w.clock.settle();
  expect(w.system.inspect('/a')).toMatchObject({ handled: 0 });
  handled.open();
  await w.clock.settle();
  expect(w.system.inspect('/a')).toMatchObject({ handled: 1 });
  ref.tell(async () => fail());
  await w.clock.settle();
  expect(w.system.inspect('/a')).toMatchObject({ state: 'waiting', handled: 1, failure: { message: 'told to fail' } });
});

test('an awaited value need not be a promise of the language to hold the mailbox', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a');
  const done = gate();
  ref.tell(() => ({ then: done.promise.then.bind(done.promise) }));
  ref.tell('after');
  await w.clock.settle();
  expect(log).toEqual([]);
  done.open();
  await w.clock.settle();
  expect(log).toEqual(['after']);
});

test('an actor whose budget is spent is parked, keeps its mailbox, and is tried again later', async () => {
  const w = world();
  let isBroken = true;
  const { ref, log } = await w.spawn(
    'a',
    { init: () => (isBroken ? fail() : undefined) },
    { ...steady, budget: { restarts: 2, withinMs: 60_000 }, retryParkedMs: 3_600_000 },
  );
  await w.clock.advance(10_000);
  expect(w.system.inspect('/a')).toMatchObject({ state: 'parked', failure: { count: 3 } });
  ref.tell('keep me');
  isBroken = false;
  await w.clock.advance(3_600_000);
  expect(log).toEqual(['keep me']);
  expect(w.mode('/a')).toBe('running');
});

test('failures further apart than the time of the budget never spend it', async () => {
  const w = world();
  const { ref } = await w.spawn('a', {}, { ...steady, budget: { restarts: 1, withinMs: 1_000 } });
  for (let n = 0; n < 10; n++) {
    ref.tell(fail);
    await w.clock.advance(2_000);
  }
  expect(w.system.inspect('/a')).toMatchObject({ restarts: 10 });
  expect(w.mode('/a')).toBe('running');
});

test('one child’s failures do not count against another', async () => {
  const w = world();
  const one = await w.spawn('one', {}, { ...steady, budget: { restarts: 1, withinMs: 60_000 } });
  const other = await w.spawn('other', {}, { ...steady, budget: { restarts: 1, withinMs: 60_000 } });
  one.ref.tell(fail);
  one.ref.tell(fail);
  await w.clock.advance(1_000);
  other.ref.tell(fail);
  await w.clock.advance(1_000);
  expect([w.mode('/one'), w.mode('/other')]).toEqual(['parked', 'running']);
});

test('a spent budget that escalates makes the parent fail, which starts its children anew', async () => {
  const w = world();
  const lives: string[] = [];
  const child = { ...steady, budget: { restarts: 1, withinMs: 60_000 }, exhausted: 'escalate' } as const;
  await w.spawn(
    'parent',
    {
      init: ctx => {
        lives.push('parent');
        ctx.spawn(scripted(), 'child', { log: [], init: () => lives.push('child') }, child);
      },
    },
    steady,
  );
  w.cell('/parent/child').tell(fail);
  w.cell('/parent/child').tell(fail);
  await w.clock.advance(1_000);
  expect(lives).toEqual(['parent', 'child', 'child', 'parent', 'child']);
  expect(w.events.filter(each => each.type === 'escalated').map(each => each.path)).toEqual(['/parent/child']);
});

test('escalation reaches the guardian, which gives up once its own budget is spent', async () => {
  const reasons: string[] = [];
  const w = world({ onGiveUp: reason => reasons.push(reason), supervision: { ...steady, exhausted: 'escalate' } });
  for (let n = 0; n < 6; n++) {
    w.guardian.tell(fail);
    await w.clock.advance(1_000);
  }
  expect(reasons).toEqual(['/ failed more than 5 times: told to fail']);
  expect(await w.stop()).toEqual([]);
  expect(w.clock.nextAt).toBeNull();
});

test('children are stopped, the last first, before their parent starts again', async () => {
  const w = world();
  const story: string[] = [];
  await w.spawn(
    'parent',
    {
      init: ctx => {
        story.push('parent starts');
        for (const name of ['one', 'two']) {
          ctx.spawn(scripted(), name, { log: [], onStop: () => story.push(`${name} stops`) });
        }
      },
    },
    steady,
  );
  w.cell('/parent').tell(fail);
  await w.clock.advance(1_000);
  expect(story).toEqual(['parent starts', 'two stops', 'one stops', 'parent starts']);
});

describe('a restart on request', () => {
  test('begins a new life at once and keeps the mailbox', async () => {
    const w = world();
    let lives = 0;
    const { ref, log } = await w.spawn('a', { init: () => lives++ });
    ref.tell('one');
    expect(w.system.restart('/a')).toBe(true);
    ref.tell('two');
    await w.clock.settle();
    expect(lives).toBe(2);
    expect(log).toEqual(['one', 'two']);
  });

  test('of an actor that has not had its first turn does not keep it from starting', async () => {
    const w = world();
    let lives = 0;
    await w.do(ctx => {
      ctx.spawn(scripted(), 'a', { log: [], init: () => lives++ });
      w.system.restart('/a');
    });
    expect([lives, w.mode('/a')]).toEqual([1, 'running']);
  });

  test('of one whose init is under way waits for the init', async () => {
    const w = world();
    const started = gate();
    let lives = 0;
    await w.spawn('a', { init: () => (lives++ === 0 ? started.promise : undefined) });
    w.system.restart('/a');
    await w.clock.settle();
    expect(lives).toBe(1);
    started.open();
    await w.clock.settle();
    expect([lives, w.mode('/a')]).toEqual([2, 'running']);
  });

  test('of a busy one waits for the message in hand', async () => {
    const w = world();
    const done = gate();
    let lives = 0;
    const { ref } = await w.spawn('a', { init: () => lives++ });
    ref.tell(() => done.promise);
    await w.clock.settle();
    w.system.restart('/a');
    await w.clock.settle();
    expect(lives).toBe(1);
    done.open();
    await w.clock.settle();
    expect(lives).toBe(2);
  });

  test('ends a back-off', async () => {
    const w = world();
    const { ref } = await w.spawn('a', {}, { backoff: { minMs: 60_000, maxMs: 60_000, factor: 1, jitter: 0 } });
    ref.tell(fail);
    await w.clock.settle();
    expect(w.mode('/a')).toBe('waiting');
    w.system.restart('/a');
    await w.clock.settle();
    expect(w.mode('/a')).toBe('running');
    expect(w.clock.nextAt).toBeNull();
  });

  test('of a parked one gives it its whole budget back', async () => {
    const w = world();
    const { ref } = await w.spawn('a', {}, { ...steady, budget: { restarts: 0, withinMs: 60_000 } });
    ref.tell(fail);
    await w.clock.settle();
    expect(w.mode('/a')).toBe('parked');
    w.system.restart('/a');
    await w.clock.settle();
    expect(w.mode('/a')).toBe('running');
    expect(w.clock.nextAt).toBeNull();
  });

  test('while its children are being stopped for another restart makes one new life, not two', async () => {
    const w = world();
    const stopped = gate();
    let lives = 0;
    await w.spawn('a', {
      init: ctx => {
        lives++;
        ctx.spawn(scripted(), 'child', { log: [], onStop: () => (lives === 1 ? stopped.promise : undefined) });
      },
    });
    w.system.restart('/a');
    await w.clock.settle();
    expect(w.mode('/a')).toBe('failing');
    w.system.restart('/a');
    stopped.open();
    await w.clock.settle();
    expect([lives, w.mode('/a')]).toEqual([2, 'running']);
  });

  test('of an unknown path is refused', () => {
    expect(world().system.restart('/nobody')).toBe(false);
  });

  test('while it is being stopped changes nothing', async () => {
    const w = world();
    const hook = gate();
    await w.spawn('a', { onStop: () => hook.promise });
    w.cell('/a').askStop(1_000);
    await w.clock.settle();
    w.system.restart('/a');
    hook.open();
    await w.clock.settle();
    expect(w.mode('/a')).toBe('none');
  });
});

test('the delay before a restart grows by its factor up to its maximum', () => {
  const backoff = { minMs: 100, maxMs: 1_000, factor: 2, jitter: 0 };
  expect([1, 2, 3, 4, 5, 50].map(n => backoffDelay(n, backoff, () => 0.5))).toEqual([100, 200, 400, 800, 1_000, 1_000]);
});

test('jitter moves the delay by at most its share, either way', () => {
  const backoff = { minMs: 1_000, maxMs: 1_000, factor: 1, jitter: 0.2 };
  expect([0, 0.5, 1].map(chance => backoffDelay(1, backoff, () => chance))).toEqual([800, 1_000, 1_200]);
});

test('a budget of so many restarts is spent by one failure more', () => {
  expect([5, 6].map(failures => isBudgetSpent(failures, { restarts: 5, withinMs: 1 }))).toEqual([false, true]);
});

test('the delays begin anew after a life that was calm for long enough', async () => {
  const w = world();
  const backoff = { minMs: 100, maxMs: 10_000, factor: 10, jitter: 0, resetMs: 5_000 };
  const { ref } = await w.spawn('a', {}, { backoff });
  const failAfter = async (calmMs: number): Promise<number> => {
    await w.clock.advance(calmMs);
    ref.tell(fail);
    await w.clock.settle();
    const from = w.clock.now();
    await w.clock.advanceUntil(() => w.mode('/a') === 'running', 60_000);
    return w.clock.now() - from;
  };
  expect([await failAfter(0), await failAfter(1_000), await failAfter(4_000), await failAfter(5_000)]).toEqual([
    100, 1_000, 10_000, 100,
  ]);
});
