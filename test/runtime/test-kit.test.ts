import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import type { Actor, ReplyTo } from '../../src/runtime/actor.js';
import { SeededRun, type SeededRunOptions } from '../../src/runtime/test-kit.js';

type Said =
  | { readonly type: 'begin'; readonly rounds: number }
  | { readonly type: 'answered' | 'tick' | 'worked' }
  | { readonly type: 'question'; readonly replyTo: ReplyTo<number> };

/** Actors that tell, ask, wait and work, so that a run has points of every kind. */
const answerer: Actor<Said, { asked: number }, null> = {
  kind: 'answerer',
  init: () => ({ asked: 0 }),
  async handle(message, state, ctx) {
    if (message.type !== 'question') return;
    state.asked++;
    await Promise.resolve();
    message.replyTo.reply(state.asked * ctx.random());
  },
};

const asker: Actor<Said, { left: number }, null> = {
  kind: 'asker',
  init: ctx => {
    ctx.timer('tick', 10, { type: 'tick' });
    return { left: 0 };
  },
  handle(message, state, ctx) {
    if (message.type === 'begin') state.left = message.rounds;
    if (message.type === 'tick') ctx.timer('tick', 10 + 10 * ctx.random(), { type: 'tick' });
    if (message.type === 'worked' || state.left-- <= 0) return;
    ctx.task(
      'work',
      io => io.sleep(5),
      () => ({ type: 'worked' as const }),
    );
    ctx.ask<Said, number>(
      { key: 'answerer:it' },
      replyTo => ({ type: 'question', replyTo }),
      1_000,
      () => ({ type: 'answered' }),
    );
  },
};

const root: Actor<Said, null, number> = {
  kind: 'root',
  init(ctx, askers) {
    ctx.spawn({ ...answerer, init: own => (own.register({ key: 'answerer:it' }), { asked: 0 }) }, 'answerer', null);
    for (let n = 0; n < askers; n++) ctx.tell(ctx.spawn(asker, `asker-${n}`, null), { type: 'begin', rounds: 5 });
    return null;
  },
  handle: () => undefined,
};

async function run(options: SeededRunOptions): Promise<SeededRun> {
  const seeded = new SeededRun({
    supervision: { backoff: { minMs: 20, maxMs: 20, factor: 1, jitter: 0.5 } },
    ...options,
  });
  seeded.system.start(root, 4);
  await seeded.clock.advance(300);
  return seeded;
}

describe('a run from a seed', () => {
  test('repeats itself to the letter', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer(),
        fc.uniqueArray(fc.integer({ min: 1, max: 80 }), { maxLength: 4 }),
        async (seed, failures) => {
          const options = { seed, failAt: new Set(failures) };
          const [one, other] = [await run(options), await run(options)];
          expect(other.trace).toEqual(one.trace);
          expect(one.points).toBeGreaterThan(50);
        },
      ),
      { numRuns: 15 },
    );
  });

  test('has points of every kind, each with its time and path', async () => {
    const { trace } = await run({ seed: 1 });
    for (const kind of ['life', 'message', 'settled']) {
      expect(trace.some(line => line.includes(` ${kind} /`))).toBe(true);
    }
    expect(trace[0]).toMatch(/^\d+ life \/ 1$/);
  });

  test('takes turns in another order for another seed', async () => {
    const first = async (seed: number): Promise<string> =>
      (await run({ seed })).trace
        .filter(line => line.endsWith(' begin'))
        .map(line => line.split(' ')[2])
        .join(' ');
    const orders = new Set<string>();
    for (let seed = 0; seed < 20; seed++) orders.add(await first(seed));
    expect(orders.size).toBeGreaterThan(5);
  });
});

describe('a disturbed run', () => {
  test('has the actor fail at the point, and goes on: whatever the point, every asker is served in the end', async () => {
    const calm = await run({ seed: 7 });
    for (let point = 1; point <= calm.points; point++) {
      const failures: string[] = [];
      const seeded = await run({
        seed: 7,
        failAt: new Set([point]),
        report: event => {
          if (event.type === 'failed') failures.push(`${event.path} ${(event.error as Error).name}`);
        },
      });
      expect(seeded.trace.slice(0, point)).toEqual(calm.trace.slice(0, point));
      const mayFail = / (message|life) /.test(calm.trace[point - 1] ?? '');
      expect(failures).toEqual(mayFail ? [`${calm.trace[point - 1]?.split(' ')[2]} Injected`] : []);
      expect(seeded.system.inspect('/')?.children).toHaveLength(5);
    }
  });

  test('ends at the point where the process dies, and nothing happens after it', async () => {
    const calm = await run({ seed: 7 });
    for (let point = 1; point <= calm.points; point++) {
      const seeded = await run({ seed: 7, crashAt: point });
      expect(seeded.isCrashed).toBe(true);
      expect(seeded.trace).toEqual(calm.trace.slice(0, point));
    }
  });

  test('can be ended from outside, at any time', async () => {
    const seeded = await run({ seed: 3 });
    const before = seeded.points;
    seeded.crash();
    await seeded.clock.advance(1_000);
    expect(seeded.points).toBe(before);
  });
});

test('actors begin in the order in which they were made, and before anything that is told later is handled', async () => {
  for (let seed = 0; seed < 20; seed++) {
    const seeded = new SeededRun({ seed });
    const family: Actor<Said, null, number> = {
      kind: 'family',
      init(ctx, generations) {
        if (generations === 0) return null;
        for (let n = 0; n < 3; n++) ctx.tell(ctx.spawn(family, `child-${n}`, generations - 1), { type: 'tick' });
        return null;
      },
      handle: () => undefined,
    };
    seeded.system.start(family, 2);
    await seeded.clock.settle();
    const kinds = seeded.trace.map(line => line.split(' ').slice(1, 3).join(' '));
    expect(kinds.slice(0, 13)).toEqual([
      'life /',
      ...[0, 1, 2].map(n => `life /child-${n}`),
      ...[0, 1, 2].flatMap(n => [0, 1, 2].map(m => `life /child-${n}/child-${m}`)),
    ]);
    expect(kinds.slice(13).every(kind => kind.startsWith('message '))).toBe(true);
  }
});
