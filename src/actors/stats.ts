/**
 * Owns    what the outside may learn while it happens: counters, timers and gauges, the event stream, the health of what we
 *         depend on.
 * Hears   happened, count, timing, gauges, dependency (from all), listen, unlisten, readiness (from control).
 * Tells   the listeners of the event stream; the statistics port.
 * Stores  nothing.
 * If it dies: nothing is lost; what it was told and who listens outlives a life.
 */
import { nextOf } from '../domain/fault.js';
import type { Gauge, Generation } from '../domain/statistics.js';
import type { PoolEvent, ReadinessView } from '../ports/control.js';
import type { Outside } from '../ports/outside.js';
import type { Actor, ReplyTo } from '../runtime/actor.js';
import { statsAddress } from './addresses.js';

type Listener = (event: PoolEvent) => void;

export type StatsMessage =
  | { readonly type: 'happened'; readonly event: Omit<PoolEvent, 'at'> }
  | { readonly type: 'count'; readonly key: string }
  /** A timer and its counter, which has the same key where no other is named (reference 18). */
  | {
      readonly type: 'timing';
      readonly key: string;
      readonly counter?: string;
      readonly ms: number;
      /** The generation of the original that the key belongs to. */
      readonly of?: Generation;
    }
  | { readonly type: 'gauges'; readonly gauges: readonly Gauge[] }
  /** `reason` null: all is well. Without a vital one nothing works. */
  | { readonly type: 'dependency'; readonly name: string; readonly reason: string | null; readonly isVital: boolean }
  /** Of an actor that has gone, and of those beneath it: by its path. */
  | { readonly type: 'forget-dependencies'; readonly of: string }
  | { readonly type: 'listen'; readonly listener: Listener }
  | { readonly type: 'unlisten'; readonly listener: Listener }
  | { readonly type: 'readiness'; readonly replyTo: ReplyTo<ReadinessView> };

interface Dependency {
  readonly reason: string | null;
  readonly isVital: boolean;
  /** What the log has of its trouble: reasons, whose numbers do not count. */
  readonly told: readonly string[];
  readonly since: number;
}

/** Outlives a life: nobody would tell it again. */
export interface Heard {
  readonly listeners: Set<Listener>;
  readonly dependencies: Map<string, Dependency>;
}

export const nothingHeard = (): Heard => ({ listeners: new Set(), dependencies: new Map() });

interface StatsState extends Heard {
  readonly outside: Outside;
}

/** What must have been heard of before the daemon is ready. */
const vitalNames = ['store', 'pool'];

export const statsActor: Actor<StatsMessage, StatsState, StatsState> = {
  kind: 'stats',
  mailbox: { limit: 50_000, overflow: 'drop-oldest' },

  init(ctx, args) {
    ctx.register(statsAddress);
    args.outside.stats.watch(reason => {
      ctx.tell(statsAddress, { type: 'dependency', name: 'stats', reason, isVital: false });
    });
    return args;
  },

  handle(message, state, ctx) {
    switch (message.type) {
      case 'happened':
        state.outside.stats.count(`nodepool.event.${message.event.type}`);
        for (const listener of state.listeners) listener({ at: ctx.now(), ...message.event });
        return;
      case 'count':
        state.outside.stats.count(message.key);
        return;
      case 'timing':
        state.outside.stats.count(message.counter ?? message.key, 1, message.of ?? null);
        state.outside.stats.timing(message.key, message.ms, message.of ?? null);
        return;
      case 'gauges':
        for (const { key, value, of } of message.gauges) state.outside.stats.gauge(key, value, of);
        return;
      case 'dependency':
        noteDependency(message, state, ctx.now());
        return;
      case 'forget-dependencies':
        for (const name of state.dependencies.keys()) {
          if (`/${name}/`.startsWith(`${message.of}/`)) state.dependencies.delete(name);
        }
        return;
      case 'listen':
        state.listeners.add(message.listener);
        return;
      case 'unlisten':
        state.listeners.delete(message.listener);
        return;
      case 'readiness':
        message.replyTo.reply(readinessOf(state, ctx.now()));
    }
  },

  describe({ listeners, dependencies }) {
    const trouble = dependencies.get('stats')?.reason ?? null;
    return { state: `${listeners.size} listening${trouble === null ? '' : `; ${trouble}`}` };
  },
};

/** Enough to see what it came to; one whose every failure has other words is not told for ever. */
const reasonsTold = 5;

/**
 * Told when it goes wrong, when that has another reason, and when it is well again. The first word of a dependency is
 * what it begins with, and only the second one says whether something is wrong.
 */
function noteDependency(
  { name, reason, isVital }: Extract<StatsMessage, { type: 'dependency' }>,
  state: StatsState,
  now: number,
): void {
  const before = state.dependencies.get(name);
  const isSame = before !== undefined && (before.reason === null) === (reason === null);
  const since = isSame ? before.since : now;
  if (reason === null) {
    state.dependencies.set(name, { reason, isVital, told: [], since });
    if (!before || before.told.length === 0) return;
    state.outside.log.info(`${name}: well again`, { actor: name });
    tellListeners('dependency.well', `${name}: well again`, state, now);
    return;
  }
  const words = reason.replaceAll(/\d+/g, '#');
  const told = before?.told ?? [];
  const isNews = before !== undefined && told.length < reasonsTold && !told.includes(words);
  state.dependencies.set(name, { reason, isVital, told: isNews ? [...told, words] : told, since });
  if (!isNews) return;
  const next = nextOf(reason);
  state.outside.log.warn(`${name}: ${reason}`, { actor: name, ...(next === null ? {} : { next }) });
  tellListeners('dependency.fault', `${name}: ${reason}`, state, now);
}

function tellListeners(type: PoolEvent['type'], message: string, { listeners }: StatsState, at: number): void {
  for (const listener of listeners) listener({ at, type, message });
}

function readinessOf({ dependencies }: StatsState, now: number): ReadinessView {
  const isWell = (name: string): boolean => dependencies.get(name)?.reason === null;
  return {
    ready: vitalNames.every(isWell) && [...dependencies.values()].every(each => !each.isVital || each.reason === null),
    dependencies: [...dependencies].map(([name, { reason, since }]) => ({
      name,
      ok: reason === null,
      reason,
      ageSeconds: Math.round((now - since) / 1000),
    })),
  };
}
