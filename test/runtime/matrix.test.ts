/** What supervision means, in every combination: kind of restart × how it ends × strategy × what else befalls. */
import { describe, expect, test } from 'vitest';
import type { Supervision } from '../../src/runtime/actor.js';
import { fail, scripted, world } from './world.js';

const steady = { backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0 } };
const names = ['one', 'two', 'three'] as const;

const restarts = ['permanent', 'transient', 'temporary'] as const;
const endings = ['ends by itself', 'is asked to stop', 'crashes'] as const;
const strategies = ['one-for-one', 'rest-for-one', 'all-for-one'] as const;

type Ending = (typeof endings)[number];

/** A parent of three; `lives` has each life from now on. */
async function family(
  strategy: (typeof strategies)[number],
  supervision: Partial<Supervision>,
  failsOnce: string | null = null,
) {
  const w = world();
  const lives: string[] = [];
  let isCalm = true;
  const init = (name: string) => (): void => {
    lives.push(name);
    if (isCalm || name !== failsOnce) return;
    isCalm = true;
    fail();
  };
  await w.spawn(
    'parent',
    {
      init: ctx => {
        lives.push('parent');
        for (const name of names)
          ctx.spawn(scripted(), name, { log: [], init: init(name) }, { ...steady, ...supervision });
      },
    },
    steady,
    scripted({ strategy }),
  );
  lives.length = 0;
  isCalm = false;
  const end = async (name: string, ending: Ending): Promise<void> => {
    const cell = w.cell(`/parent/${name}`);
    if (ending === 'crashes') cell.tell(fail);
    else if (ending === 'is asked to stop') cell.askStop(1_000);
    else cell.tell((ctx: { stop(ref: unknown): void; self: unknown }) => ctx.stop(ctx.self));
    await w.clock.advance(10_000);
  };
  return { ...w, lives, end };
}

/** Whether this end of the second child leads to a new life of it. */
function beginsAnew(restart: Supervision['restart'], ending: Ending): boolean {
  if (ending === 'is asked to stop' || restart === 'temporary') return false;
  return ending === 'crashes' || restart === 'permanent';
}

const taken = {
  'one-for-one': ['two'],
  'rest-for-one': ['two', 'three'],
  'all-for-one': ['two', 'one', 'three'],
} as const;

const cases = strategies.flatMap(strategy =>
  restarts.flatMap(restart => endings.map(ending => ({ strategy, restart, ending }))),
);

describe.each(cases)('$strategy: a $restart child that $ending', ({ strategy, restart, ending }) => {
  const isAnew = beginsAnew(restart, ending);

  test(isAnew ? 'begins anew, with those that its parent says' : 'is gone, and nobody else notices', async () => {
    const w = await family(strategy, { restart });
    await w.end('two', ending);
    expect(w.lives).toEqual(isAnew ? taken[strategy] : []);
    expect(w.mode('/parent/two')).toBe(isAnew ? 'running' : 'none');
    for (const name of ['one', 'three']) expect(w.mode(`/parent/${name}`)).toBe('running');
  });

  test(
    isAnew ? 'takes its parent along where its budget is spent and escalates' : 'spends nothing, and escalates nothing',
    async () => {
      const w = await family(strategy, { restart, budget: { restarts: 0, withinMs: 60_000 }, exhausted: 'escalate' });
      await w.end('two', ending);
      expect(w.lives).toEqual(isAnew ? ['parent', ...names] : []);
      expect(w.cell('/parent').restarts).toBe(isAnew ? 1 : 0);
    },
  );

  test('ends up as if alone where another child fails in its own new life meanwhile', async () => {
    const w = await family(strategy, { restart }, 'three');
    await w.end('two', ending);
    // Only where the third is taken along is there a new life in which it can fail.
    const isThirdTaken = isAnew && strategy !== 'one-for-one';
    const isThirdAnew = isThirdTaken && restart !== 'temporary';
    expect(w.mode('/parent/two')).toBe(isAnew ? 'running' : 'none');
    expect(w.mode('/parent/three')).toBe('running');
    expect(w.cell('/parent/three').extra?.failures?.count ?? 0).toBe(isThirdAnew ? 1 : 0);
    expect(w.cell('/parent').restarts).toBe(0);
  });
});
