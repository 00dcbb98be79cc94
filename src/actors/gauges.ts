/**
 * Owns    how many nodes there are of each kind, for the statistics.
 * Hears   node, node-gone (node actors), reconfigured (config), its own clock.
 * Tells   stats the gauges: those that changed, at most once a second, and all of them at each pass.
 * Stores  nothing.
 * If it dies: what nodes told of themselves outlives a life; all gauges are sent again.
 *
 * A burst of changes is one message, and a packet that UDP loses is made good by the next pass (lessons 169 and 170).
 */
import type { NodeId } from '../domain/ids.js';
import { Gauges, type CountedNode, type Gauge } from '../domain/statistics.js';
import type { NodeFactSheet } from '../domain/stock.js';
import type { Actor, Context } from '../runtime/actor.js';
import { gaugesAddress, statsAddress } from './addresses.js';
import type { Settings } from './settings.js';

export type GaugesMessage =
  | { readonly type: 'node'; readonly fact: NodeFactSheet }
  | { readonly type: 'node-gone'; readonly id: NodeId }
  | { readonly type: 'reconfigured' }
  | { readonly type: 'flush' }
  | { readonly type: 'pass' };

export interface GaugesArgs {
  readonly settings: Settings;
  readonly nodes: Map<NodeId, CountedNode & Pick<NodeFactSheet, 'revision'>>;
}

interface GaugesState extends GaugesArgs {
  gauges: Gauges;
  /** Another configuration may have others. */
  isReconfigured: boolean;
  isDue: boolean;
}

const coalesceMs = 1_000;

export const gaugesActor: Actor<GaugesMessage, GaugesState, GaugesArgs> = {
  kind: 'gauges',
  mailbox: { limit: 200_000, overflow: 'refuse-newest' },

  init(ctx, args) {
    ctx.register(gaugesAddress);
    const state: GaugesState = { ...args, gauges: counted(args), isReconfigured: false, isDue: false };
    send(state.gauges.all(), ctx);
    beginPass(state, ctx);
    return state;
  },

  handle(message, state, ctx) {
    switch (message.type) {
      case 'node':
        note(message.fact, state, ctx);
        return;
      case 'node-gone':
        forget(message.id, state, ctx);
        return;
      case 'reconfigured':
        state.isReconfigured = true;
        soon(state, ctx);
        return;
      case 'flush':
        state.isDue = false;
        flush(state, ctx);
        return;
      case 'pass':
        if (state.isReconfigured) flush(state, ctx);
        send(state.gauges.all(), ctx);
        beginPass(state, ctx);
    }
  },

  describe: ({ nodes, gauges }) => ({ state: `${nodes.size} nodes, ${gauges.size} gauges` }),
};

/** Those of the seed are for statsd alone, where somebody reads them. */
function counted({ settings, nodes }: GaugesArgs): Gauges {
  const { statsd } = settings.config;
  const isWithoutSeed = statsd.host === null || statsd.keys === '0.3';
  return new Gauges(settings.config, nodes.values(), of => of !== 'seed' || !isWithoutSeed);
}

function note(
  { id, revision, provider, label, target, state: now }: NodeFactSheet,
  state: GaugesState,
  ctx: Context<GaugesMessage>,
): void {
  const known = state.nodes.get(id);
  if (known && known.revision > revision) return;
  const node = { revision, provider, label, target, state: now };
  state.nodes.set(id, node);
  if (known?.state === now) return;
  if (known) state.gauges.add(known, -1);
  state.gauges.add(node, 1);
  soon(state, ctx);
}

function forget(id: NodeId, state: GaugesState, ctx: Context<GaugesMessage>): void {
  const known = state.nodes.get(id);
  if (!known) return;
  state.nodes.delete(id);
  state.gauges.add(known, -1);
  soon(state, ctx);
}

function soon(state: GaugesState, ctx: Context<GaugesMessage>): void {
  if (state.isDue) return;
  state.isDue = true;
  ctx.timer('flush', coalesceMs, { type: 'flush' });
}

function beginPass({ settings }: GaugesState, ctx: Context<GaugesMessage>): void {
  ctx.timer('pass', settings.timings.pass, { type: 'pass' });
}

function flush(state: GaugesState, ctx: Context<GaugesMessage>): void {
  send(state.gauges.takeChanged(), ctx);
  if (!state.isReconfigured) return;
  const before = state.gauges;
  state.isReconfigured = false;
  state.gauges = counted(state);
  send(state.gauges.differentFrom(before), ctx);
}

function send(gauges: readonly Gauge[], ctx: Context<GaugesMessage>): void {
  if (gauges.length > 0) ctx.tell(statsAddress, { type: 'gauges', gauges });
}
