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
import { gaugesOf, type CountedNode, type Gauge } from '../domain/statistics.js';
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
  /** As they were last sent. */
  sent: ReadonlyMap<string, Gauge>;
  isDue: boolean;
}

const coalesceMs = 1_000;

export const gaugesActor: Actor<GaugesMessage, GaugesState, GaugesArgs> = {
  kind: 'gauges',
  mailbox: { limit: 200_000, overflow: 'refuse-newest' },

  init(ctx, args) {
    ctx.register(gaugesAddress);
    const state: GaugesState = { ...args, sent: new Map(), isDue: false };
    soon(state, ctx);
    beginPass(state, ctx);
    return state;
  },

  handle(message, state, ctx) {
    switch (message.type) {
      case 'node':
        if (note(message.fact, state)) soon(state, ctx);
        return;
      case 'node-gone':
        if (state.nodes.delete(message.id)) soon(state, ctx);
        return;
      case 'reconfigured':
        soon(state, ctx);
        return;
      case 'flush':
        state.isDue = false;
        flush(state, ctx, gauge => state.sent.get(gauge.key)?.value !== gauge.value);
        return;
      case 'pass':
        flush(state, ctx, () => true);
        beginPass(state, ctx);
    }
  },

  describe: ({ nodes, sent }) => ({ state: `${nodes.size} nodes, ${sent.size} gauges` }),
};

function note({ id, revision, provider, label, target, state: now }: NodeFactSheet, { nodes }: GaugesState): boolean {
  const known = nodes.get(id);
  if (known && known.revision > revision) return false;
  nodes.set(id, { revision, provider, label, target, state: now });
  return known?.state !== now;
}

function soon(state: GaugesState, ctx: Context<GaugesMessage>): void {
  if (state.isDue) return;
  state.isDue = true;
  ctx.timer('flush', coalesceMs, { type: 'flush' });
}

function beginPass({ settings }: GaugesState, ctx: Context<GaugesMessage>): void {
  ctx.timer('pass', settings.timings.pass, { type: 'pass' });
}

function flush(state: GaugesState, ctx: Context<GaugesMessage>, isWanted: (gauge: Gauge) => boolean): void {
  const now = new Map(wanted(state).map(gauge => [gauge.key, gauge]));
  const gone = [...state.sent.values()].filter(({ key }) => !now.has(key)).map(gauge => ({ ...gauge, value: 0 }));
  const gauges = [...[...now.values()].filter(isWanted), ...gone];
  state.sent = now;
  if (gauges.length > 0) ctx.tell(statsAddress, { type: 'gauges', gauges });
}

/** Those of the seed are thousands in a large pool: they are made for statsd alone, where somebody reads them. */
function wanted({ settings, nodes }: GaugesState): Gauge[] {
  const { statsd } = settings.config;
  const gauges = gaugesOf(settings.config, nodes.values());
  return statsd.host === null || statsd.keys === '0.3' ? gauges.filter(({ of }) => of !== 'seed') : gauges;
}
