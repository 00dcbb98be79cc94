/**
 * A stop waits for what is in flight, because its effect cannot be called back. What only waits, for its turn, for the
 * cloud to be well again, or for a list that tells whether there is something, has no effect: it is answered at once, and
 * the next start begins it anew.
 */
import { notSent } from './calls.js';
import type { CloudContext, CloudState } from './state.js';

export function endWaiting(state: CloudState, ctx: CloudContext): void {
  state.isClosing = true;
  const outcome = notSent();
  for (const call of state.pacer.withdrawn()) call.settled(outcome, ctx.now());
  // A list may be in flight for these.
  for (const waiter of state.offerWaiters.splice(0)) waiter(outcome);
  for (const { replyTo } of state.addressWaiters.splice(0)) replyTo.reply({ ...outcome, wasSent: false });
  state.waiters.giveUpTagged(outcome.fault);
}
