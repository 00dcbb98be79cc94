import { describe, expect, test } from 'vitest';
import type { Actor, Supervision } from '../../src/runtime/actor.js';
import { fail, gate, scripted, world } from './world.js';

const steady = { backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0 } };
type Strategy = NonNullable<Actor<never, never, never>['strategy']>;

/** A parent of three that writes down each life as it begins. */
async function family(strategy: Strategy, supervision: Partial<Supervision> = {}, init?: (name: string) => unknown) {
  const w = world();
  const lives: string[] = [];
  const log: string[] = [];
  await w.spawn(
    'parent',
    {
      init: ctx => {
        for (const name of ['one', 'two', 'three']) {
          const script = {
            log,
            init: () => {
              lives.push(name);
              return init?.(name);
            },
          };
          ctx.spawn(scripted(), name, script, { ...steady, ...supervision });
        }
      },
    },
    steady,
    scripted({ strategy }),
  );
  lives.length = 0;
  return { ...w, lives, log };
}

test.each([
  ['one-for-one', ['two']],
  ['rest-for-one', ['two', 'three']],
  ['all-for-one', ['two', 'one', 'three']],
] as const)('%s: when the second of three fails, new lives begin of %j', async (strategy, expected) => {
  const w = await family(strategy);
  w.cell('/parent/two').tell(fail);
  w.cell('/parent/three').tell('kept');
  await w.clock.advance(1_000);
  expect(w.lives).toEqual(expected);
  expect(w.log).toEqual(['kept']);
});

describe.each(['rest-for-one', 'all-for-one'] as const)('%s', strategy => {
  test('a restart on request takes the others along as well', async () => {
    const w = await family(strategy);
    w.system.restart('/parent/one');
    await w.clock.advance(1_000);
    expect(w.lives).toEqual(['one', 'two', 'three']);
  });

  test('those taken along use up nothing of their budget', async () => {
    const w = await family(strategy, { budget: { restarts: 3, withinMs: 1_000 } });
    for (let n = 0; n < 3; n++) {
      w.cell('/parent/one').tell(fail);
      await w.clock.advance(100);
    }
    expect(w.system.inspect('/parent/three')).toMatchObject({ restarts: 3, failure: null, state: 'running' });
  });

  test('one that is busy finishes its message first', async () => {
    const w = await family(strategy);
    const done = gate();
    w.cell('/parent/three').tell(() => done.promise);
    w.cell('/parent/two').tell(fail);
    await w.clock.advance(1_000);
    expect(w.lives).not.toContain('three');
    done.open();
    await w.clock.settle();
    expect(w.lives).toContain('three');
  });

  test('another that fails while it is taken along begins once more, after its own back-off', async () => {
    let isBroken = false;
    const w = await family(strategy, {}, name => {
      if (name !== 'three' || !isBroken) return;
      isBroken = false;
      fail();
    });
    isBroken = true;
    w.cell('/parent/two').tell(fail);
    await w.clock.advance(1_000);
    expect(w.lives.slice(-3)).toContain('three');
    expect(w.system.inspect('/parent/three')).toMatchObject({ state: 'running', failure: { count: 1 } });
    for (const name of ['one', 'two']) expect(w.mode(`/parent/${name}`)).toBe('running');
  });

  test('a budget that is spent escalates to the parent, which starts them all', async () => {
    const w = await family(strategy, { budget: { restarts: 0, withinMs: 1_000 }, exhausted: 'escalate' });
    w.cell('/parent/three').tell(fail);
    await w.clock.advance(1_000);
    expect(w.lives).toEqual(['one', 'two', 'three']);
    expect(w.system.inspect('/parent')).toMatchObject({ restarts: 1 });
  });
});
