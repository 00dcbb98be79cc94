import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import type { Context } from '../../src/runtime/actor.js';
import { fail, gate, never, scripted, world, type Script, type Told } from './world.js';

const steady = { backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0 } };

/** A world with one actor in it that counts how often its stop hook ran. */
async function stoppable(script: Partial<Script> = {}, supervision = {}) {
  const w = world();
  let stops = 0;
  const actor = await w.spawn(
    'a',
    {
      onStop: () => {
        stops++;
      },
      ...script,
    },
    { ...steady, ...supervision },
    scripted({ handlerDeadlineMs: 1_000 }),
  );
  return { ...w, ...actor, stops: () => stops };
}

describe('a stop', () => {
  test('comes after the message in hand and before those that wait', async () => {
    const w = await stoppable();
    w.ref.tell(ctx => ctx.stop(ctx.self));
    w.ref.tell('behind');
    await w.clock.settle();
    expect([w.mode('/a'), w.log, w.stops()]).toEqual(['none', [], 1]);
  });

  test('of an actor that has not had its first turn never starts it', async () => {
    const w = await stoppable();
    let lives = 0;
    await w.do(ctx => ctx.stop(ctx.spawn(scripted(), 'b', { log: [], init: () => lives++ })));
    expect([lives, w.mode('/b')]).toEqual([0, 'none']);
  });

  test('waits for an init under way, and runs the hook', async () => {
    const started = gate();
    const w = await stoppable({ init: () => started.promise });
    w.cell('/a').askStop(500);
    await w.clock.advance(100);
    expect(w.mode('/a')).toBe('starting');
    started.open();
    await w.clock.settle();
    expect([w.mode('/a'), w.stops()]).toEqual(['none', 1]);
  });

  test('waits for an init under way, and is done when that fails', async () => {
    const started = gate();
    const w = await stoppable({ init: () => started.promise });
    w.cell('/a').askStop(500);
    started.breakIt(new Error('no database'));
    await w.clock.settle();
    expect([w.mode('/a'), w.stops()]).toEqual(['none', 0]);
  });

  test('waits for an async handler, and runs the hook once', async () => {
    const w = await stoppable();
    const done = gate();
    w.ref.tell(() => done.promise);
    await w.clock.settle();
    w.cell('/a').askStop(500);
    w.cell('/a').askStop(500);
    await w.clock.settle();
    expect([w.mode('/a'), w.stops()]).toEqual(['busy', 0]);
    done.open();
    await w.clock.settle();
    expect([w.mode('/a'), w.stops()]).toEqual(['none', 1]);
  });

  test.each([
    ['waiting for its back-off', { budget: { restarts: 5, withinMs: 60_000 } }, 'waiting'],
    ['parked', { budget: { restarts: 0, withinMs: 60_000 } }, 'parked'],
  ])('of an actor that is %s is done at once, without a hook for the state that failed', async (_, kept, mode) => {
    const w = await stoppable({}, kept);
    w.ref.tell(fail);
    await w.clock.settle();
    expect(w.mode('/a')).toBe(mode);
    w.cell('/a').askStop(500);
    await w.clock.settle();
    expect([w.mode('/a'), w.stops()]).toEqual(['none', 0]);
    expect(w.clock.nextAt).toBeNull();
  });

  test('asked while children stop for a restart comes instead of the new life', async () => {
    const childStops = gate();
    let lives = 0;
    const w = await stoppable({
      init: ctx => {
        lives++;
        ctx.spawn(scripted(), 'child', { log: [], onStop: () => childStops.promise });
      },
    });
    w.system.restart('/a');
    await w.clock.settle();
    w.cell('/a').askStop(500);
    childStops.open();
    await w.clock.settle();
    expect([w.mode('/a'), lives]).toEqual(['none', 1]);
  });

  test('asked while children stop after a failure comes instead of the back-off', async () => {
    const childStops = gate();
    const w = await stoppable({
      init: ctx => void ctx.spawn(scripted(), 'child', { log: [], onStop: () => childStops.promise }),
    });
    w.ref.tell(fail);
    await w.clock.settle();
    w.cell('/a').askStop(500);
    childStops.open();
    await w.clock.settle();
    expect(w.mode('/a')).toBe('none');
    expect(w.clock.nextAt).toBeNull();
  });

  test('is done when the hook throws, and says that it failed', async () => {
    const w = await stoppable({ onStop: fail });
    const heard: string[] = [];
    await w.do(ctx => ctx.watch(w.ref, reason => () => heard.push(reason)));
    w.cell('/a').askStop(500);
    await w.clock.settle();
    expect([w.mode('/a'), heard]).toEqual(['none', ['failed']]);
    expect(w.events).toMatchObject([{ type: 'failed', path: '/a' }]);
  });

  test('is done when the hook rejects late', async () => {
    const hook = gate();
    const w = await stoppable({ onStop: () => hook.promise });
    w.cell('/a').askStop(500);
    await w.clock.advance(499);
    expect(w.system.inspect('/a')).toMatchObject({ state: 'stopping', task: { name: 'stop hook', ageSeconds: 0.5 } });
    hook.breakIt(new Error('no goodbye'));
    await w.clock.settle();
    expect(w.mode('/a')).toBe('none');
  });

  test('is cut off at its deadline when the hook hangs, and a rejection after that is only told', async () => {
    const hook = gate();
    const w = await stoppable({ onStop: () => hook.promise });
    w.cell('/a').askStop(500);
    await w.clock.advance(500);
    expect(w.mode('/a')).toBe('none');
    hook.breakIt(new Error('no goodbye'));
    await w.clock.settle();
    expect(w.events.map(each => each.type)).toEqual(['stopped-late', 'late-failure']);
  });

  test('is cut off at its deadline when a handler hangs', async () => {
    const w = await stoppable();
    w.ref.tell(never);
    await w.clock.settle();
    w.cell('/a').askStop(500);
    await w.clock.advance(500);
    expect([w.mode('/a'), w.stops()]).toEqual(['none', 0]);
    expect(w.events).toMatchObject([{ type: 'stopped-late', path: '/a', error: 'busy' }]);
    expect(w.clock.nextAt).toBeNull();
  });

  test('that is asked again with less time is done in less time', async () => {
    const w = await stoppable({ onStop: never });
    w.cell('/a').askStop(60_000);
    await w.clock.settle();
    w.cell('/a').askStop(0);
    await w.clock.advance(0);
    expect(w.mode('/a')).toBe('none');
    expect(w.clock.nextAt).toBeNull();
  });

  test('lets the hook tell a last word, and begin nothing', async () => {
    const w = world();
    const { ref, log } = await w.spawn('ear');
    let refused: unknown;
    await w.spawn('a', {
      onStop: ctx => {
        ctx.tell(ref, 'goodbye');
        try {
          ctx.timer('tick', 10, 'tick');
        } catch (error) {
          refused = error;
        }
      },
    });
    w.cell('/a').askStop(500);
    await w.clock.settle();
    expect(log).toEqual(['goodbye']);
    expect(refused).toBeInstanceOf(Error);
    expect(w.clock.nextAt).toBeNull();
  });
});

test('a name is free again only when its actor has stopped', async () => {
  const w = world();
  const hook = gate();
  const { ref } = await w.spawn('a', { onStop: () => hook.promise });
  const again: string[] = [];
  const spawn = (ctx: Context<Told>) => {
    try {
      ctx.spawn(scripted(), 'a', { log: [] });
      again.push('started');
    } catch {
      again.push('refused');
    }
  };
  await w.do(ctx => {
    ctx.stop(ref);
    spawn(ctx);
  });
  await w.do(spawn);
  hook.open();
  await w.do(spawn);
  expect(again).toEqual(['refused', 'refused', 'started']);
});

test.each(['', 'a/b'])('%j is no name for an actor', async name => {
  const w = world();
  w.guardian.tell(ctx => void ctx.spawn(scripted(), name, { log: [] }));
  await w.clock.settle();
  expect(w.system.inspect('/')).toMatchObject({ failure: { message: `${JSON.stringify(name)} cannot name an actor` } });
});

describe('the stop of a tree', () => {
  async function family(isDynamic: boolean, hooks: Record<string, () => unknown>) {
    const w = world();
    const story: string[] = [];
    const hook = (name: string) => () => {
      story.push(`${name} stops`);
      return hooks[name]?.();
    };
    await w.spawn(
      'parent',
      {
        onStop: hook('parent'),
        init: ctx => {
          for (const name of ['one', 'two', 'three']) ctx.spawn(scripted(), name, { log: [], onStop: hook(name) });
        },
      },
      {},
      scripted({ isDynamic }),
    );
    return { ...w, story };
  }

  test('stops children one after another, the last started first, then their parent', async () => {
    const w = await family(false, {});
    expect(await w.stop()).toEqual([]);
    expect(w.story).toEqual(['three stops', 'two stops', 'one stops', 'parent stops']);
  });

  test('stops dynamic children side by side', async () => {
    const w = await family(true, {});
    expect(await w.stop()).toEqual([]);
    expect(w.story).toEqual(['one stops', 'two stops', 'three stops', 'parent stops']);
  });

  test('cuts off one that hangs after its own time, so that the others still have theirs', async () => {
    const w = await family(false, { three: never });
    expect(await w.stop(30_000)).toEqual(['/parent/three']);
    expect(w.story).toEqual(['three stops', 'two stops', 'one stops', 'parent stops']);
  });

  test('names only those whose own fault it was when the time is over', async () => {
    const w = await family(true, { two: never });
    expect(await w.stop(1_000)).toEqual(['/parent/two']);
  });

  test('a second stop with less time is over sooner', async () => {
    const w = await family(true, { two: never });
    const late: (readonly string[])[] = [];
    void w.system.stop(60_000).then(paths => late.push(paths));
    await w.clock.settle();
    void w.system.stop(0).then(paths => late.push(paths));
    await w.clock.advance(0);
    expect(late).toEqual([['/parent/two'], ['/parent/two']]);
  });

  test('does not name those who were cut off long before it', async () => {
    const w = world();
    await w.spawn('a', { onStop: never });
    w.cell('/a').askStop(100);
    await w.clock.advance(1_000);
    expect(w.events).toMatchObject([{ type: 'stopped-late', path: '/a' }]);
    expect(await w.stop()).toEqual([]);
  });

  test('that has no guardian, or has stopped already, is done', async () => {
    const w = world();
    expect(await w.stop()).toEqual([]);
    expect(await w.system.stop(0)).toEqual([]);
  });
});

test('many children that were stopped at once are passed over without a deep stack', async () => {
  const w = world();
  await w.spawn('parent', {
    init: ctx => {
      for (let n = 0; n < 20_000; n++)
        ctx.spawn(scripted(), `${n}`, { log: [], ...(n === 19_999 ? { onStop: never } : {}) });
    },
  });
  const late = await w.stop(100);
  expect(late.includes('/parent/19999')).toBe(true);
  expect(w.clock.nextAt).toBeNull();
});

// ── Random trees ─────────────────────────────────────────────────────────────────────────────────────────────────

interface Plant {
  readonly restart: 'permanent' | 'transient' | 'temporary';
  readonly exhausted: 'park' | 'escalate';
  readonly isDynamic: boolean;
  readonly strategy: 'one-for-one' | 'rest-for-one' | 'all-for-one';
  readonly init: 'sync' | 'async' | 'slow' | 'throws sometimes';
  readonly onStop: 'sync' | 'slow' | 'throws' | 'rejects' | 'hangs';
  readonly children: readonly Plant[];
}

const plantOf = (depth: number): fc.Arbitrary<Plant> =>
  fc.record({
    restart: fc.constantFrom('permanent', 'transient', 'temporary'),
    exhausted: fc.constantFrom('park', 'escalate'),
    isDynamic: fc.boolean(),
    strategy: fc.constantFrom('one-for-one', 'rest-for-one', 'all-for-one'),
    init: fc.constantFrom('sync', 'async', 'slow', 'throws sometimes'),
    onStop: fc.constantFrom('sync', 'slow', 'throws', 'rejects', 'hangs'),
    children: depth === 0 ? fc.constant([]) : fc.array(plantOf(depth - 1), { maxLength: 3 }),
  });

const misfortune = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('fail', 'stop', 'restart', 'hang', 'task', 'must-settle', 'timer', 'wait', 'cut-off'),
});

test('any tree stops within its deadline, whatever befell it, and leaves nothing behind in the clock', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(plantOf(3), { maxLength: 4 }),
      fc.array(misfortune, { maxLength: 40 }),
      async (plants, script) => {
        const w = world({ supervision: { ...steady, budget: { restarts: 2, withinMs: 2_000 }, retryParkedMs: 3_000 } });
        const sleep = (ms: number) => new Promise<void>(resolve => void w.clock.after(ms, resolve));
        const running = new Map<string, number>();
        let failures = 0;

        const grow = (ctx: Context<Told>, { children }: { children: readonly Plant[] }): void => {
          children.forEach((child, n) => {
            const script: Script = {
              log: [],
              init: inner => {
                if (child.init === 'throws sometimes' && ++failures % 3 === 0) fail();
                running.set(inner.path, (running.get(inner.path) ?? 0) + 1);
                grow(inner, child);
                inner.register({ key: inner.path });
                if (child.init === 'async') return Promise.resolve();
                return child.init === 'slow' ? sleep(150) : undefined;
              },
              onStop: () => {
                if (child.onStop === 'throws') fail();
                if (child.onStop === 'rejects') return Promise.reject(new Error('no goodbye'));
                if (child.onStop === 'hangs') return never();
                return child.onStop === 'slow' ? sleep(70) : undefined;
              },
            };
            ctx.spawn(
              scripted({ isDynamic: child.isDynamic, strategy: child.strategy, handlerDeadlineMs: 300 }),
              `${n}`,
              script,
              child,
            );
          });
        };
        await w.do(ctx => grow(ctx, { children: plants }));

        const all = (): string[] => {
          const paths: string[] = [];
          const walk = (cell: ReturnType<typeof w.cell>): void => {
            for (const child of cell.children) {
              paths.push(child.path);
              walk(child);
            }
          };
          if (w.system.find('/')) walk(w.cell('/'));
          return paths;
        };
        for (const { at, kind } of script) {
          const paths = all();
          const path = paths[at % Math.max(1, paths.length)];
          if (kind === 'wait' || path === undefined) {
            await w.clock.advance(at % 400);
            continue;
          }
          const cell = w.cell(path);
          if (kind === 'fail') cell.tell(fail);
          else if (kind === 'stop') cell.tell((ctx: Context<Told>) => ctx.stop(ctx.self));
          else if (kind === 'restart') w.system.restart(path);
          else if (kind === 'hang') cell.tell(never);
          else if (kind === 'cut-off') cell.askStop(at % 100);
          else if (kind === 'timer') cell.tell((ctx: Context<Told>) => ctx.timer('tick', at % 5_000, 'tick'));
          else {
            cell.tell((ctx: Context<Told>) => {
              ctx.task(
                'work',
                io => io.sleep(at % 500),
                () => 'worked',
                { mustSettle: kind === 'must-settle' },
              );
            });
          }
        }

        await w.stop(1_000);
        expect(all()).toEqual([]);
        expect(w.mode('/')).toBe('stopped');
        for (const path of running.keys()) expect(w.system.resolve({ key: path })).toBeUndefined();
        // What tasks that must settle and the hooks' own sleeps still wait for belongs to nobody, and ends.
        await w.clock.advance(1_000);
        expect(w.clock.nextAt).toBeNull();
      },
    ),
    { numRuns: 200 },
  );
});
