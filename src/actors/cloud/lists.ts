/** One list of servers for all who wait: at most one per interval, one at a time (lessons 18 and 19). */
import { Fault } from '../../domain/fault.js';
import type { Server } from '../../ports/cloud.js';
import type { CloudMessage } from '../cloud.js';
import { enqueue, inTurn, notSent } from './calls.js';
import { ServerList } from './server-list.js';
import type { ServerWaiter, Waiter } from './server-waiters.js';
import type { CloudContext, CloudState } from './state.js';

export function wait(waiter: Waiter, state: CloudState, ctx: CloudContext): void {
  if (!state.access.port) {
    const fault = new Fault('cloud.no-endpoint', `${state.provider} is not in the configuration`);
    waiter.replyTo.reply({ ok: false, fault, wasSent: false });
    return;
  }
  if (waiter.kind === 'tagged' && state.isClosing) {
    waiter.replyTo.reply({ ...notSent(), wasSent: false });
    return;
  }
  if (waiter.kind === 'list' && state.list && state.list.askedAt > waiter.since) {
    waiter.replyTo.reply({ ok: true, value: state.list });
    return;
  }
  state.waiters.add(waiter, state.list);
  listIfWanted(state, ctx);
}

/** Behind a create with that tag that is under way, whose own answer is better than any list. */
export function findTagged(
  message: Extract<CloudMessage, { type: 'find-tagged' }>,
  state: CloudState,
  ctx: CloudContext,
): void {
  const look = (): void => wait({ ...message, kind: 'tagged', since: message.askedAfter }, state, ctx);
  const underWay = state.creates.get(message.tag);
  if (underWay) underWay.push(look);
  else look();
}

/** Servers are seldom made alone: a list waits so long for more who want one, so that they share it. */
const gatherMs = 50;

export function listIfWanted(state: CloudState, ctx: CloudContext): void {
  const { serverList } = state.settings.timings;
  const now = ctx.now();
  state.waiters.expire(now);
  if (state.waiters.size === 0) return;
  state.wantedAt ??= now;
  const dueAt = Math.max(
    (state.list?.askedAt ?? -Infinity) + serverList,
    state.wantedAt + Math.min(gatherMs, serverList / 4),
  );
  const isDue = !state.isListing && now >= dueAt;
  // Runs on while anybody waits, so that deadlines are kept although the cloud does not answer.
  ctx.timer('list-due', isDue || state.isListing ? serverList : dueAt - now, { type: 'list-due' });
  if (!isDue) return;
  state.wantedAt = null;
  state.isListing = true;
  enqueue(
    {
      name: 'listServers',
      place: inTurn('list'),
      isWrite: false,
      run: (port, deadlineMs, signal) => port.listServers({ deadlineMs, signal }),
      settled(outcome, askedAt) {
        state.isListing = false;
        if (!outcome.ok) return;
        state.list = new ServerList(askedAt, outcome.value as readonly Server[]);
        for (const waiter of state.waiters.settle(state.list, ctx.now())) confirm(waiter, state, ctx);
      },
    },
    state,
    ctx,
  );
}

/** The list does not have it: asked for this server alone (lesson 3). */
function confirm(waiter: ServerWaiter, state: CloudState, ctx: CloudContext): void {
  enqueue(
    {
      name: 'getServer',
      place: inTurn('confirm'),
      isWrite: false,
      run: (port, deadlineMs, signal) => port.getServer(waiter.server, { deadlineMs, signal }),
      settled(outcome) {
        if (!outcome.ok || !state.waiters.has(waiter)) return;
        const server = outcome.value as Server | null;
        if (server) state.waiters.seen(waiter, server);
        else state.waiters.absent(waiter);
      },
    },
    state,
    ctx,
  );
}
