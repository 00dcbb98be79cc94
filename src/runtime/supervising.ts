/** What supervision does in an actor's turn, before its messages. */
import type { Cell } from './cell.js';
import { afterLife, canFail, fail, mayRestart, restartAsAsked, start } from './failing.js';
import { beginStop, finishStop, goOn, mayBeginStop, mayGoOn, Stopping } from './stopping.js';

/** There is something to do that can be done in the present mode. */
export function isDue(cell: Cell): boolean {
  switch (cell.mode) {
    case 'stopped':
      return false;
    case 'failing':
      return !cell.hasChildren;
    case 'stopping':
      return mayGoOn(cell);
    default:
      return isUnborn(cell) || isAsked(cell);
  }
}

function isUnborn({ mode, life }: Cell): boolean {
  return mode === 'starting' && !life;
}

function isAsked(cell: Cell): boolean {
  const { extra } = cell;
  if (cell.stopping && mayBeginStop(cell)) return true;
  if (!extra) return false;
  if (extra.failureAsked && canFail(cell)) return true;
  return extra.restartAsked !== null && mayRestart(cell);
}

export function attend(cell: Cell): void {
  switch (cell.mode) {
    case 'stopped':
      return;
    case 'failing':
      if (!cell.hasChildren) afterLife(cell);
      return;
    case 'stopping':
      goOn(cell);
      return;
    default:
      attendAlive(cell);
  }
}

function attendAlive(cell: Cell): void {
  const { extra } = cell;
  if (mayBeginStop(cell)) beginStop(cell);
  else if (isUnborn(cell)) start(cell);
  else if (extra?.failureAsked && canFail(cell)) fail(cell, extra.failureAsked.error, extra.inHand?.message ?? null);
  else if (extra?.restartAsked && mayRestart(cell)) restartAsAsked(cell);
}

/**
 * The time to stop is over for it and all beneath it: whatever they still do is cut off and told by name. From the
 * leaves up: freed of its children an actor may yet end by itself, and then the fault was not its own.
 */
export function cutOff(cell: Cell): void {
  const now = Math.ceil(cell.system.clock.monotonic());
  for (const each of leavesFirst(cell)) {
    if (each.mode === 'stopped') continue;
    // From here on nothing may start again, also where a stop had not been asked for yet.
    each.stopping ??= new Stopping(now, false);
    each.stopping.isDrain = false;
    if (isDue(each)) attend(each);
    if (hasStopped(each)) continue;
    each.system.stoppedLate(each.path, each.oldestTask?.name);
    each.endLife('stopped');
    each.stopping.endReason = 'failed';
    finishStop(each);
  }
}

function leavesFirst(cell: Cell): Cell[] {
  const all = [cell];
  for (let n = 0; n < all.length; n++) {
    const next = all[n];
    for (const child of next?.children ?? []) all.push(child);
  }
  return all.reverse();
}

function hasStopped({ mode }: Cell): boolean {
  return mode === 'stopped';
}
