/**
 * Owns    one Gearman server: asks it again and again how long its queues are.
 * Hears   its own clock.
 * Tells   the pool each good sample; its health to stats.
 * Stores  nothing.
 * If it dies: it asks again; the pool keeps the last good sample for a while.
 */
import type { GearmanServer } from '../domain/pool-config.js';
import type { QueueStatus } from '../ports/demand.js';
import type { Outside } from '../ports/outside.js';
import type { Actor, Context, TaskOutcome } from '../runtime/actor.js';
import { poolAddress, statsAddress } from './addresses.js';
import type { Settings } from './settings.js';
import { asFault } from './store.js';

type DemandMessage =
  | { readonly type: 'ask' }
  | { readonly type: 'answered'; readonly askedAt: number; readonly outcome: TaskOutcome<QueueStatus> };

export interface DemandArgs {
  readonly server: GearmanServer;
  readonly outside: Outside;
  readonly settings: Settings;
}

interface DemandState extends DemandArgs {
  trouble: string | null;
  functions: number;
  /** Lines that were no function line were warned of. */
  hasWarned: boolean;
}

export const demandActor: Actor<DemandMessage, DemandState, DemandArgs> = {
  kind: 'demand',

  init(ctx, args) {
    const state: DemandState = { ...args, trouble: 'not asked yet', functions: 0, hasWarned: false };
    ask(state, ctx);
    return state;
  },

  handle(message, state, ctx) {
    switch (message.type) {
      case 'ask':
        ask(state, ctx);
        return;
      case 'answered':
        answered(message, state, ctx);
    }
  },

  describe: state => ({ state: state.trouble ?? `${state.functions} functions` }),
};

export function serverName({ host, port }: GearmanServer): string {
  return `${host}_${port}`;
}

function ask({ outside, settings, ...state }: DemandState, ctx: Context<DemandMessage>): void {
  // What is said of TLS may have changed since; another host or port is another actor.
  const name = serverName(state.server);
  const server = settings.config.gearmanServers.find(each => serverName(each) === name) ?? state.server;
  const askedAt = ctx.now();
  ctx.task(
    'status',
    io => outside.demand.status(server, { deadlineMs: settings.timings.gearman, signal: io.signal }),
    outcome => ({ type: 'answered', askedAt, outcome }),
  );
}

function answered(
  { askedAt, outcome }: Extract<DemandMessage, { type: 'answered' }>,
  state: DemandState,
  ctx: Context<DemandMessage>,
): void {
  const name = serverName(state.server);
  if (outcome.ok) {
    const { functions, malformed } = outcome.value;
    state.trouble = null;
    state.functions = functions.length;
    ctx.tell(poolAddress, { type: 'demand', server: name, functions, askedAt });
    if (malformed.length > 0) warnOfLines(malformed, state, ctx);
  } else {
    state.trouble = asFault(outcome.error).message;
  }
  ctx.tell(statsAddress, { type: 'dependency', name: `demand/${name}`, reason: state.trouble, isVital: false });
  ctx.timer('ask', state.settings.timings.pass, { type: 'ask' });
}

/** Once for all: a server that sends such lines sends them with each answer. They are counted all the same. */
function warnOfLines(malformed: readonly string[], state: DemandState, ctx: Context<DemandMessage>): void {
  for (let n = 0; n < malformed.length; n++)
    ctx.tell(statsAddress, { type: 'count', key: 'nodepool.demand.malformed' });
  if (state.hasWarned) return;
  state.hasWarned = true;
  const sample = (malformed[0] ?? '').slice(0, 100);
  state.outside.log.warn(`${serverName(state.server)}: ${malformed.length} lines are no function lines: ${sample}`, {
    actor: ctx.path,
  });
}
