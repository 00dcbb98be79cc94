import type { PoolConfig } from '../domain/pool-config.js';
import type { Outside } from '../ports/outside.js';
import type { Context } from '../runtime/actor.js';
import type { Settings } from './settings.js';

/** Timers cannot be longer than this, and a clock that is put right meanwhile is noticed. */
const longestWaitMs = 3_600_000;

/**
 * Sends `due` when the schedule comes due next, once: called again when that run is over, it never overlaps itself
 * (reference 2.2). Where that is far off, `later` comes before, to call it again; the same after a reload.
 */
export function awaitSchedule<M>(
  name: keyof PoolConfig['cron'],
  { due, later }: { readonly due: M; readonly later: M },
  { settings, outside }: { readonly settings: Settings; readonly outside: Outside },
  ctx: Context<M>,
): void {
  const at = outside.nextRun(settings.config.cron[name], ctx.now());
  const inMs = at === null ? Infinity : Math.max(0, at - ctx.now());
  if (inMs <= longestWaitMs) ctx.timer(`cron ${name}`, inMs, due);
  else ctx.timer(`cron ${name}`, longestWaitMs, later);
}
