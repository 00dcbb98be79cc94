/** One list of floating addresses for all who ask at the same time: none of them needs a list of its own (lesson 20). */
import { Fault } from '../../domain/fault.js';
import type { CloudAddress } from '../../ports/cloud.js';
import type { ReplyTo } from '../../runtime/actor.js';
import { enqueue, inTurn } from './calls.js';
import type { CloudReply } from './server-waiters.js';
import type { CloudContext, CloudState } from './state.js';

/** All addresses of the project, by a list that is asked for after this message. */
export interface ListAddresses {
  readonly type: 'list-addresses';
  readonly replyTo: ReplyTo<CloudReply<readonly CloudAddress[]>>;
}

export interface AddressWaiter {
  readonly since: number;
  readonly replyTo: ListAddresses['replyTo'];
}

export function listAddresses({ replyTo }: ListAddresses, state: CloudState, ctx: CloudContext): void {
  state.addressWaiters.push({ since: ctx.now(), replyTo });
  // Who comes before the call has started is served by it; who comes later by the next.
  if (state.addressWaiters.length === 1) ask(state, ctx);
}

function ask(state: CloudState, ctx: CloudContext): void {
  enqueue(
    {
      name: 'listAddresses',
      place: inTurn('addresses'),
      isWrite: false,
      isOptional: true,
      run: (port, deadlineMs, signal) => port.listAddresses({ deadlineMs, signal }),
      settled(outcome, askedAt) {
        const waiters = state.addressWaiters.splice(0);
        const later = waiters.filter(({ since }) => outcome.ok && since > askedAt);
        const reply = replyOf(outcome);
        for (const waiter of waiters) if (!later.includes(waiter)) waiter.replyTo.reply(reply);
        state.addressWaiters.push(...later);
        if (state.addressWaiters.length > 0) ask(state, ctx);
      },
    },
    state,
    ctx,
  );
}

/** A cloud without floating addresses has none of ours. */
function replyOf(
  outcome: { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly fault: Fault },
): CloudReply<readonly CloudAddress[]> {
  if (outcome.ok) return { ok: true, value: outcome.value as readonly CloudAddress[] };
  const hasNone = outcome.fault.kind === 'cloud.not-found' || outcome.fault.kind === 'cloud.refused';
  return hasNone ? { ok: true, value: [] } : { ok: false, fault: outcome.fault, wasSent: true };
}
