import { expect, test } from 'vitest';
import type { Actor, AskOutcome, ReplyTo } from '../../src/runtime/actor.js';
import { ManualClock } from '../../src/runtime/manual-clock.js';
import { seededRandom } from '../../src/runtime/random.js';
import { ActorSystem } from '../../src/runtime/system.js';

type Message = { type: 'add'; by: number } | { type: 'fail' } | { type: 'get'; replyTo: ReplyTo<number> };

const counter: Actor<Message, { total: number }, number> = {
  kind: 'counter',
  init: (_ctx, start) => ({ total: start }),
  handle(message, state) {
    switch (message.type) {
      case 'add':
        state.total += message.by;
        return;
      case 'fail':
        throw new Error('told to fail');
      case 'get':
        message.replyTo.reply(state.total);
    }
  },
};

function testSystem() {
  const clock = new ManualClock();
  const system = new ActorSystem({ clock, random: seededRandom(1) });
  clock.isBusy = () => !system.scheduler.isIdle;
  return { clock, system };
}

const guardian: Actor<never, object, (ctx: Parameters<Actor<never, object, unknown>['init']>[0]) => void> = {
  kind: 'guardian',
  init: (ctx, setUp) => {
    setUp(ctx);
    return {};
  },
  handle: () => undefined,
};

test('a failed actor starts again after its back-off, keeps its mailbox, and fails only the ask in hand', async () => {
  const { clock, system } = testSystem();
  system.start(guardian, ctx => void ctx.spawn(counter, 'counter', 10));
  await clock.settle();
  const ref = system.find('/counter');
  if (!ref) throw new Error('no counter');
  ref.tell({ type: 'add', by: 1 });
  ref.tell({ type: 'fail' });
  ref.tell({ type: 'add', by: 5 });
  const asked: AskOutcome<number>[] = [];
  system.ask(
    ref,
    (replyTo: ReplyTo<number>) => ({ type: 'get', replyTo }),
    10_000,
    outcome => asked.push(outcome),
  );
  await clock.settle();
  expect(system.inspect('/counter')).toMatchObject({
    state: 'waiting',
    mailbox: 2,
    failure: { message: 'told to fail' },
  });
  await clock.advance(1_000);
  expect(asked).toEqual([{ kind: 'reply', value: 15 }]);
  expect(system.inspect('/counter')).toMatchObject({ restarts: 1, mailbox: 0, handled: 3 });
  expect(await system.stop(1_000)).toEqual([]);
});
