/**
 * Owns    the subscription to one ZeroMQ publisher.
 * Hears   frames and the state of the link, from the subscription; unheard (target).
 * Tells   the node that an event is about, found by its name; the pool whether events are heard; its health to stats.
 * Stores  nothing; the node's row is the witness of what was heard.
 * If it dies: the subscription is closed by the next life and opened anew; what is published meanwhile is lost, as ZeroMQ loses it.
 *
 * A publisher that cannot bind its port, or lost it, goes on without a word, and a subscription to whatever has the port
 * is `connected` all the same (jenkins.md 10). So Jenkins is a second witness: where jobs start and nothing at all is
 * heard, the publisher is silent. That is shown, and it is subscribed to anew, at growing intervals, until a frame comes.
 */
import { backoffMs } from '../domain/backoff.js';
import { readJobEvent, type JobEvent } from '../domain/job-event.js';
import type { EventSubscription, LinkState } from '../ports/events.js';
import type { Outside } from '../ports/outside.js';
import type { Actor, Context } from '../runtime/actor.js';
import { eventsAddress, nodeNameAddress, poolAddress, statsAddress } from './addresses.js';

export type EventsMessage =
  | { readonly type: 'frame'; readonly text: string }
  | { readonly type: 'link'; readonly link: LinkState; readonly detail: string | null }
  /** A job has started on this target since then, and no event has told its node. */
  | { readonly type: 'unheard'; readonly target: string; readonly since: number }
  /** Still nothing. */
  | { readonly type: 'silent'; readonly target: string };

export interface EventsArgs {
  readonly endpoint: string;
  readonly outside: Outside;
  /** The subscription of an earlier life, which nobody else would close. */
  readonly opened: { subscription: EventSubscription | null };
}

interface EventsState extends EventsArgs {
  link: LinkState;
  detail: string | null;
  /** When the link became as it is. */
  linkedAt: number;
  heardAt: number | null;
  /** Why it is taken for silent. */
  silence: string | null;
  /** Subscribed anew so often without a frame. */
  renewals: number;
  mayRenewAt: number;
  heard: number;
  malformed: number;
}

/** What was published before the list of slaves was made may be heard after it. */
const graceMs = 5_000;
const renewBackoff = { minMs: 60_000, maxMs: 3_600_000, factor: 2, jitter: 0.2 };

export const eventsActor: Actor<EventsMessage, EventsState, EventsArgs> = {
  kind: 'events',
  mailbox: { limit: 100_000, overflow: 'refuse-newest' },

  init(ctx, args) {
    ctx.register(eventsAddress(args.endpoint));
    subscribe(args, ctx);
    const state: EventsState = {
      ...args,
      link: 'connecting',
      detail: null,
      linkedAt: ctx.now(),
      heardAt: null,
      silence: null,
      renewals: 0,
      mayRenewAt: 0,
      heard: 0,
      malformed: 0,
    };
    tellLink(state, ctx);
    return state;
  },

  handle(message, state, ctx) {
    switch (message.type) {
      case 'frame':
        frame(message.text, state, ctx);
        return;
      case 'link':
        if (state.link === message.link && state.detail === message.detail) return;
        if (state.link !== message.link) state.linkedAt = ctx.now();
        state.link = message.link;
        state.detail = message.detail;
        tellLink(state, ctx);
        return;
      case 'unheard':
        unheard(message, state, ctx);
        return;
      case 'silent':
        renew(message.target, state, ctx);
    }
  },

  async onStop({ opened }) {
    await opened.subscription?.close();
  },

  describe(state) {
    const { link, heard, malformed } = state;
    const trouble = troubleOf(state);
    const shown = trouble ?? link;
    return { state: `${shown}; ${heard} events${malformed > 0 ? `, ${malformed} malformed` : ''}` };
  },
};

/** Endpoints hold slashes, names of actors do not: `tcp://jenkins1:8888` is `tcp:jenkins1:8888`. */
export function endpointName(endpoint: string): string {
  return endpoint.replaceAll('/', '');
}

function subscribe({ endpoint, outside, opened }: EventsArgs, ctx: Context<EventsMessage>): void {
  void opened.subscription?.close();
  opened.subscription = outside.events.open(endpoint, {
    frame: text => ctx.self.tell({ type: 'frame', text }),
    link: (link, detail) => ctx.self.tell({ type: 'link', link, detail }),
  });
}

// ── Frames ───────────────────────────────────────────────────────────────────────────────────────────────────────

function frame(text: string, state: EventsState, ctx: Context<EventsMessage>): void {
  const reading = readJobEvent(text);
  switch (reading.kind) {
    case 'event':
      state.heard++;
      heard(state, ctx);
      pass(reading, ctx);
      return;
    case 'ignored':
      heard(state, ctx);
      return;
    case 'malformed':
      state.malformed++;
      ctx.tell(statsAddress, { type: 'count', key: 'nodepool.events.malformed' });
      // Warned of once: a publisher that sends such frames goes on with it.
      if (state.malformed === 1) {
        state.outside.log.warn(`${state.endpoint}: a frame is no event: ${reading.why}`, { actor: ctx.path });
      }
  }
}

/** A name that no actor has is a machine that is not ours, or is gone: the message becomes a dead letter, counted. */
function pass({ topic, job, nodename, result, branch }: JobEvent, ctx: Context<EventsMessage>): void {
  const node = nodeNameAddress(nodename);
  if (topic === 'onStarted') ctx.tell(node, { type: 'job-started', job });
  if (topic === 'onFinalized') ctx.tell(node, { type: 'job-finished', job, result, branch });
}

// ── Silence ──────────────────────────────────────────────────────────────────────────────────────────────────────

function heard(state: EventsState, ctx: Context<EventsMessage>): void {
  state.heardAt = ctx.now();
  ctx.cancelTimer('silent');
  state.renewals = 0;
  state.mayRenewAt = 0;
  if (state.silence === null) return;
  state.silence = null;
  tellLink(state, ctx);
}

/** One that publishes other jobs is not silent: the plugin may be on for these alone. */
function unheard(
  { target, since }: Extract<EventsMessage, { type: 'unheard' }>,
  state: EventsState,
  ctx: Context<EventsMessage>,
): void {
  const couldHear = state.link === 'connected' && state.linkedAt < since;
  if (!couldHear || (state.heardAt !== null && state.heardAt >= since) || ctx.now() < state.mayRenewAt) return;
  ctx.timer('silent', graceMs, { type: 'silent', target });
}

function renew(target: string, state: EventsState, ctx: Context<EventsMessage>): void {
  state.silence = `silent: jobs start on ${target}, and no event is heard; see the log and the port of its ZMQ plugin`;
  state.renewals++;
  state.mayRenewAt = ctx.now() + backoffMs(renewBackoff, state.renewals, ctx.random());
  state.outside.log.warn(`${state.endpoint} is ${state.silence}; subscribed anew`, { actor: ctx.path });
  ctx.tell(statsAddress, { type: 'count', key: 'nodepool.events.renewed' });
  tellLink(state, ctx);
  subscribe(state, ctx);
}

function troubleOf({ link, detail, silence }: EventsState): string | null {
  if (link !== 'connected') return `${link}${detail === null ? '' : `: ${detail}`}`;
  return silence;
}

function tellLink(state: EventsState, ctx: Context<EventsMessage>): void {
  const name = endpointName(state.endpoint);
  const reason = troubleOf(state);
  ctx.tell(poolAddress, { type: 'events', endpoint: name, isConnected: reason === null });
  ctx.tell(statsAddress, { type: 'dependency', name: `events/${name}`, reason, isVital: false });
}
