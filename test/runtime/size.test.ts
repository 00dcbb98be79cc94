import { expect, test } from 'vitest';
import type { Context } from '../../src/runtime/actor.js';
import { fail, scripted, world, type Script, type Told } from './world.js';

const length = 5_000;

/** Starts a child that starts a child, and so on. */
function chain(log: string[], left: number): Partial<Script> & { log: string[] } {
  const init = (ctx: Context<Told>): void => {
    if (left > 1)
      ctx.spawn(scripted(), 'c', chain(log, left - 1), { backoff: { minMs: 1, maxMs: 1, factor: 1, jitter: 0 } });
  };
  return { log, init, onStop: () => void log.push(String(left)) };
}

test('a chain of 5,000 actors, each the child of the one before, starts, passes a message on and stops from its end', async () => {
  const w = world();
  const log: string[] = [];
  await w.spawn('c', chain(log, length));
  await w.clock.settle();
  const last = w.cell('/c'.repeat(length));
  expect(last.path).toHaveLength(2 * length);
  const passOn = (ctx: Context<Told>): void => {
    const [child] = ctx.childNames();
    if (child === undefined) log.push('came through');
    else ctx.tell(w.cell(`${ctx.path}/${child}`), passOn);
  };
  log.length = 0;
  last.tell(passOn);
  await w.clock.settle();
  expect(log).toEqual(['came through']);
  log.length = 0;
  expect(await w.stop(60_000)).toEqual([]);
  expect(log).toEqual(Array.from({ length }, (_none, index) => String(index + 1)));
});

test('a chain of 5,000 actors begins anew when its first one fails', async () => {
  const w = world();
  const log: string[] = [];
  await w.spawn('c', chain(log, length));
  await w.clock.settle();
  w.cell('/c').tell(fail);
  await w.clock.advance(60_000);
  expect(w.cell('/c').restarts).toBe(1);
  expect(w.cell('/c'.repeat(length)).mode).toBe('running');
});

test('a chain of 5,000 questions, each asked to answer the one before, is answered', async () => {
  const w = world();
  const answerers: { ref: Awaited<ReturnType<typeof w.spawn>>['ref'] }[] = [];
  await w.do(ctx => {
    for (let n = 0; n < length; n++) {
      const script: Script = {
        log: [],
        answers: (question, replyTo, own) => {
          const next = answerers[n + 1]?.ref;
          if (!next) return replyTo.reply(`${question} yes`);
          own.ask<Told, string>(
            next,
            inner => ({ question, replyTo: inner }),
            60_000,
            outcome => () => {
              replyTo.reply(outcome.kind === 'reply' ? outcome.value : outcome.kind);
            },
          );
        },
      };
      answerers.push({ ref: ctx.spawn(scripted(), `a${n}`, script) });
    }
  });
  const first = answerers[0]?.ref;
  if (!first) throw new Error('nobody was started');
  const outcome = w.system.request<Told, string>(first, replyTo => ({ question: 'well?', replyTo }), 60_000);
  await w.clock.settle();
  expect(await outcome).toEqual({ kind: 'reply', value: 'well? yes' });
});

test('10⁵ actors stop within one deadline, and those that hang are named', async () => {
  const w = world();
  const many = scripted({ isDynamic: true });
  const hangs = (n: number): boolean => n % 25_000 === 7;
  const init = (ctx: Context<Told>): void => {
    for (let n = 0; n < 100_000; n++) {
      const script = hangs(n) ? { log: [], onStop: () => new Promise(() => undefined) } : { log: [] };
      ctx.spawn(scripted(), `n${n}`, script);
    }
  };
  await w.spawn('many', { init }, {}, many);
  await w.clock.settle();
  expect(await w.stop(10_000)).toEqual(['/many/n7', '/many/n25007', '/many/n50007', '/many/n75007']);
});
