/**
 * Long work beside the mailbox, and a source that waits while the mailbox is full. A kitchen has two stoves, a cook
 * takes 100 ms for a dish, and two orders may wait; the waiter waits with the next. Time is moved by hand. Run it with
 * `npx tsx examples/pool.ts`:
 *
 *        0 ms  ordered soup
 *        0 ms  ordered pasta
 *        0 ms  ordered trout
 *        0 ms  ordered salad
 *      100 ms  serves soup
 *      100 ms  ordered cake
 *      100 ms  serves pasta
 *      100 ms  ordered coffee
 *      100 ms  all is ordered
 *      200 ms  serves trout
 *      200 ms  serves salad
 *      300 ms  serves cake
 *      300 ms  serves coffee
 */
import type { Actor, Context, Ref } from '../src/runtime/actor.js';
import { ManualClock } from '../src/runtime/manual-clock.js';
import { ActorSystem } from '../src/runtime/system.js';

type Order = { readonly type: 'order'; readonly dish: string } | { readonly type: 'cooked'; readonly dish: string };

const clock = new ManualClock(0);
const say = (text: string): void => console.log(`${String(clock.now()).padStart(4)} ms  ${text}`);

const stoves = 2;
const cookingMs = 100;

const kitchen: Actor<Order, { free: number }, null> = {
  kind: 'kitchen',
  mailbox: { limit: 2, overflow: 'back-pressure' },
  init: () => ({ free: stoves }),
  handle(message, state, ctx) {
    switch (message.type) {
      case 'order':
        // Put aside it still counts against the bound, so whoever offers more has to wait.
        if (state.free === 0) ctx.stash();
        else cook(message.dish, state, ctx);
        return;
      case 'cooked':
        say(`serves ${message.dish}`);
        state.free++;
        ctx.unstash();
    }
  },
};

/** The handler is over at once; the outcome comes as a message. */
function cook(dish: string, state: { free: number }, ctx: Context<Order>): void {
  state.free--;
  ctx.task(
    dish,
    io => io.sleep(cookingMs),
    () => ({ type: 'cooked', dish }),
  );
}

const waiter: Actor<'done', null, { readonly kitchen: Ref<Order>; readonly dishes: readonly string[] }> = {
  kind: 'waiter',
  init(ctx, { kitchen, dishes }) {
    ctx.task(
      'takes orders',
      async io => {
        for (const dish of dishes) {
          await io.offer(kitchen, { type: 'order', dish });
          say(`ordered ${dish}`);
        }
      },
      () => 'done',
    );
    return null;
  },
  handle: () => say('all is ordered'),
};

const restaurant: Actor<never, null, readonly string[]> = {
  kind: 'restaurant',
  init(ctx, dishes) {
    ctx.spawn(waiter, 'waiter', { kitchen: ctx.spawn(kitchen, 'kitchen', null), dishes });
    return null;
  },
  handle: () => undefined,
};

const system = new ActorSystem({ clock });
clock.isBusy = () => !system.scheduler.isIdle;
system.start(restaurant, ['soup', 'pasta', 'trout', 'salad', 'cake', 'coffee']);
await clock.advance(1_000);
void system.stop(1_000);
await clock.settle();
