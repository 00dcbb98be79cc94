/**
 * An actor has a state that nobody else sees, and is told and asked. Run it with `npx tsx examples/counter.ts`:
 *
 *     apples: { kind: 'reply', value: 3 }
 *     pears: { kind: 'reply', value: 0 }
 *     in the cellar: { kind: 'gone', asked: 'basket:cellar', reason: 'unknown' }
 *     dead letters: unknown basket:cellar
 */
import { address, type Actor, type Address, type AskOutcome, type Ref, type ReplyTo } from '../src/runtime/actor.js';
import { ActorSystem } from '../src/runtime/system.js';

/** All that a basket understands. The types refuse anything else. */
type Message =
  | { readonly type: 'add'; readonly fruit: string }
  | { readonly type: 'count'; readonly fruit: string; readonly replyTo: ReplyTo<number> };

const basketIn = (room: string): Address<Message> => address('basket', room);

const basket: Actor<Message, Map<string, number>, null> = {
  kind: 'basket',
  init: ctx => {
    ctx.register(basketIn('kitchen'));
    return new Map();
  },
  handle(message, counts) {
    const count = counts.get(message.fruit) ?? 0;
    switch (message.type) {
      case 'add':
        counts.set(message.fruit, count + 1);
        return;
      case 'count':
        message.replyTo.reply(count);
    }
  },
};

const system = new ActorSystem();
// The first actor is the guardian of all others; here there are none.
const ref = system.start(basket, null);

// To tell is to put into a mailbox: it never waits, never throws, and runs nothing on this stack.
for (let n = 0; n < 3; n++) ref.tell({ type: 'add', fruit: 'apples' });

/** Who is no actor asks by promise. An ask has a deadline, and ends with a reply, by timeout, or as gone. */
const ask = (to: Ref<Message> | Address<Message>, fruit: string): Promise<AskOutcome<number>> =>
  system.request<Message, number>(to, replyTo => ({ type: 'count', fruit, replyTo }), 1_000);

console.log('apples:', await ask(ref, 'apples'));
// By its address an actor is found without a reference, at each send.
console.log('pears:', await ask(basketIn('kitchen'), 'pears'));
console.log('in the cellar:', await ask(basketIn('cellar'), 'apples'));
// What could not be delivered is counted, and a sample is kept.
console.log('dead letters:', system.deadLetterSample.map(letter => `${letter.reason} ${letter.path}`).join());
await system.stop(1_000);
