import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import { fail, gate, scripted, world } from './world.js';

const steady = { backoff: { minMs: 100, maxMs: 100, factor: 1, jitter: 0 } };

test('a tell never runs the receiver on the sender’s stack', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a');
  ref.tell('one');
  expect(log).toEqual([]);
  await w.clock.settle();
  expect(log).toEqual(['one']);
});

test('a message to itself is handled in its order', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a');
  ref.tell(ctx => {
    ctx.self.tell('to myself');
  });
  ref.tell('from outside');
  await w.clock.settle();
  expect(log).toEqual(['from outside', 'to myself']);
});

test('a message waits while an async handler has not settled', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a');
  const done = gate();
  ref.tell(() => done.promise);
  ref.tell('next');
  await w.clock.settle();
  expect(log).toEqual([]);
  done.open();
  await w.clock.settle();
  expect(log).toEqual(['next']);
});

test('messages told before the actor has started are handled when it has', async () => {
  const w = world();
  const started = gate();
  const { ref, log } = await w.spawn('a', { init: () => started.promise });
  ref.tell('early');
  await w.clock.settle();
  expect(log).toEqual([]);
  started.open();
  await w.clock.settle();
  expect(log).toEqual(['early']);
});

test('a full mailbox that refuses the newest keeps what it has and counts the rest as dead letters', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a', {}, {}, scripted({ mailbox: { limit: 2, overflow: 'refuse-newest' } }));
  for (const word of ['one', 'two', 'three', 'four']) ref.tell(word);
  await w.clock.settle();
  expect(log).toEqual(['one', 'two']);
  expect(w.deadLetters()).toEqual({ overflow: 2 });
  expect(w.system.deadLetterSample).toMatchObject([
    { path: '/a', reason: 'overflow', message: 'three' },
    { path: '/a', reason: 'overflow', message: 'four' },
  ]);
});

test('a full mailbox that drops the oldest keeps the newest', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a', {}, {}, scripted({ mailbox: { limit: 2, overflow: 'drop-oldest' } }));
  for (const word of ['one', 'two', 'three', 'four']) ref.tell(word);
  await w.clock.settle();
  expect(log).toEqual(['three', 'four']);
  expect(w.deadLetters()).toEqual({ overflow: 2 });
});

test.each(['refuse-newest', 'drop-oldest'] as const)(
  'what an actor waits for is never lost to a flood, though its mailbox would %s',
  async overflow => {
    const w = world();
    const { ref, log } = await w.spawn('a', {}, {}, scripted({ mailbox: { limit: 2, overflow } }));
    const done = gate();
    ref.tell(ctx => {
      ctx.timer('tick', 10, 'tick');
      ctx.task(
        'work',
        async () => undefined,
        () => 'worked',
      );
      return done.promise;
    });
    await w.clock.advance(10);
    for (const word of ['one', 'two', 'three']) ref.tell(word);
    done.open();
    await w.clock.settle();
    expect(log).toContain('tick');
    expect(log).toContain('worked');
    expect(w.deadLetters()['overflow']).toBe(3);
  },
);

test('dead letters are counted for ever and sampled for a look', async () => {
  const w = world();
  const { ref } = await w.spawn('a');
  w.cell('/a').askStop(0);
  await w.clock.settle();
  for (let n = 0; n < 200; n++) ref.tell(`word ${n}`);
  expect(w.deadLetters()).toEqual({ stopped: 200 });
  expect(w.system.deadLetterSample).toHaveLength(50);
  expect(w.system.deadLetterSample.at(-1)).toMatchObject({ message: 'word 199' });
});

test('a message told to an address where nobody is becomes a dead letter', () => {
  const w = world();
  w.system.tell({ key: 'node:7' }, 'hello');
  expect(w.deadLetters()).toEqual({ unknown: 1 });
});

test('what waits in the mailbox of an actor that stops becomes dead letters', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a');
  ref.tell(ctx => ctx.stop(ctx.self));
  ref.tell('one');
  ref.tell('two');
  await w.clock.settle();
  expect(log).toEqual([]);
  expect(w.deadLetters()).toEqual({ stopped: 2 });
});

test('a flood leaves no memory behind, and the order is kept over it', async () => {
  const w = world();
  const { ref, log } = await w.spawn('a', {}, {}, scripted({ mailbox: { limit: 5_000, overflow: 'refuse-newest' } }));
  for (let n = 0; n < 5_000; n++) ref.tell(`${n}`);
  await w.clock.settle();
  ref.tell('after');
  await w.clock.settle();
  expect(log).toEqual([...Array.from({ length: 5_000 }, (_, n) => `${n}`), 'after']);
  expect(w.system.inspect('/a')).toMatchObject({ highWater: 5_000, mailbox: 0 });
});

type Deed = { readonly kind: 'tell' | 'fail' | 'restart' | 'hang' } | { readonly kind: 'wait'; readonly ms: number };

const deeds = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Deed>({ kind: 'tell' }) },
    { weight: 2, arbitrary: fc.constant<Deed>({ kind: 'fail' }) },
    { weight: 1, arbitrary: fc.constant<Deed>({ kind: 'hang' }) },
    { weight: 1, arbitrary: fc.constant<Deed>({ kind: 'restart' }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(300) }) },
  ),
  { maxLength: 60 },
);

test('over failures, hangs and restarts each message is handled in order, or in hand at a failure, or a dead letter', async () => {
  await fc.assert(
    fc.asyncProperty(deeds, fc.boolean(), fc.nat(20), async (script, isStopped, limit) => {
      const w = world();
      const fatal = new Set<string>();
      const inHand: string[] = [];
      const { ref, log } = await w.spawn(
        'a',
        {
          hears: word => {
            if (!fatal.has(word)) return undefined;
            inHand.push(word);
            // Not written down: the message in hand is lost with its life.
            return word.endsWith('hang') ? new Promise(() => undefined) : fail();
          },
        },
        { ...steady, budget: { restarts: 3, withinMs: 1_000 }, retryParkedMs: 2_000 },
        scripted({ handlerDeadlineMs: 200, mailbox: { limit: limit + 1, overflow: 'refuse-newest' } }),
      );
      const told: string[] = [];
      for (const deed of script) {
        if (deed.kind === 'wait') await w.clock.advance(deed.ms);
        else if (deed.kind === 'restart') w.system.restart('/a');
        else {
          const word = `${told.length} ${deed.kind}`;
          if (deed.kind !== 'tell') fatal.add(word);
          told.push(word);
          ref.tell(word);
        }
      }
      if (isStopped) w.cell('/a').askStop(10_000);
      await w.clock.advance(600_000);

      const handled = log.filter(word => !fatal.has(word));
      const dead = [...w.system.deadLetterCounts.values()].reduce((sum, count) => sum + count, 0);
      expect(handled.length + inHand.length + dead).toBe(told.length);
      const reached = told.filter(word => handled.includes(word) || inHand.includes(word));
      expect(handled).toEqual(reached.filter(word => !fatal.has(word)));
      expect(inHand).toEqual(reached.filter(word => fatal.has(word)));
      expect(await w.stop()).toEqual([]);
      expect(w.clock.nextAt).toBeNull();
    }),
    { numRuns: 150 },
  );
});

test('messages of each sender arrive in its order, whatever the others send and however often the receiver fails', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(2), fc.nat(9)), { maxLength: 80 }), async script => {
      const w = world();
      const { ref, log } = await w.spawn('receiver', {}, { ...steady, budget: { restarts: 100, withinMs: 1_000 } });
      const senders = await Promise.all([0, 1, 2].map(n => w.spawn(`sender-${n}`)));
      const sent: string[][] = [[], [], []];
      for (const [n, chance] of script) {
        const words = sent[n];
        const word = `${n}:${words?.length}`;
        words?.push(word);
        senders[n]?.ref.tell(ctx => ctx.tell(ref, word));
        if (chance === 0) senders[n]?.ref.tell(ctx => ctx.tell(ref, fail));
        if (chance === 1) await w.clock.advance(50);
      }
      await w.clock.advance(60_000);
      sent.forEach((words, n) => expect(log.filter(word => word.startsWith(`${n}:`))).toEqual(words));
    }),
    { numRuns: 50 },
  );
});

test('a long queue is told of once, until it has halved', async () => {
  const w = world();
  const busy = gate();
  const actor = scripted({ mailbox: { limit: 1_000, overflow: 'refuse-newest', alarmAt: 4 } });
  const { ref } = await w.spawn('a', { hears: word => (word === 'busy' ? busy.promise : undefined) }, {}, actor);
  const alarms = (): unknown[] => w.events.filter(event => event.type === 'long-queue');
  ref.tell('busy');
  await w.clock.settle();
  for (let n = 0; n < 10; n++) ref.tell('more');
  expect(alarms()).toEqual([{ type: 'long-queue', path: '/a', length: 4 }]);
  busy.open();
  await w.clock.settle();
  for (let n = 0; n < 4; n++) ref.tell('again');
  expect(alarms()).toHaveLength(2);
});

test('a queue knows the age of its oldest message, also after that one has gone', async () => {
  const w = world();
  const gates = [gate(), gate()];
  const { ref } = await w.spawn('a', { hears: word => gates[Number(word)]?.promise });
  const age = (): number | null | undefined => w.system.inspect('/a')?.oldestSeconds;
  ref.tell('0');
  await w.clock.settle();
  expect(age()).toBeNull();
  ref.tell('1');
  await w.clock.advance(5_000);
  ref.tell('2');
  await w.clock.advance(2_000);
  expect(age()).toBe(7);
  gates[0]?.open();
  await w.clock.settle();
  expect(age()).toBe(2);
  gates[1]?.open();
  await w.clock.settle();
  expect(age()).toBeNull();
});
