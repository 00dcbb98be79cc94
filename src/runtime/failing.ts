/** How an actor fails, what becomes of it, and how it begins anew. */
import { directiveFor, backoffDelay, FailureRecord, isBudgetSpent } from './supervision.js';
import type { Directive } from './actor.js';
import { Ask } from './ask.js';
import type { Cell } from './cell.js';
import type { Verdict } from './extra.js';
import { Life } from './life.js';
import { isStopAsked, stopChildren, stopFailed } from './stopping.js';

/** The life has failed. It can go on only after a handler that has ended; `given` is what that was given. */
export function fail(
  cell: Cell,
  error: unknown,
  inHand: unknown = null,
  given: { readonly item: unknown } | null = null,
): void {
  const directive = directiveFor(error, cell.supervision);
  const extra = cell.need();
  const failures = (extra.failures ??= new FailureRecord());
  failures.count++;
  const { count } = failures;
  extra.lastFailure = { error, inHand, at: cell.system.clock.now(), count };
  if (directive === 'resume' && given && !isStopAsked(cell)) {
    resume(cell, error, given.item);
    return;
  }
  extra.isFailureNew = true;
  const verdict = verdictOn(cell, error, directive);
  cell.endLife(isLast(verdict) ? 'stopped' : 'restarted');
  cell.mode = 'failing';
  extra.verdict = verdict;
  if (extra.restartAsked !== 'on-request') extra.restartAsked = null;
  cell.system.report({ type: 'failed', path: cell.path, error, count, inHand });
  stopChildren(cell, cell.system.clock.monotonic() + cell.supervision.stopMs);
  if (cell.hasChildren) cell.reconsider();
  else afterLife(cell);
}

function isLast({ kind }: Verdict): boolean {
  return kind === 'stop' || kind === 'escalate';
}

/** Others brought the failure about; it happens in the actor's own turn, before its messages. */
export function failBecause(cell: Cell, error: unknown): void {
  if (!canFail(cell)) return;
  cell.need().failureAsked ??= { error };
  cell.reconsider();
}

/** There is a life that can fail. */
export function canFail({ mode, life }: Cell): boolean {
  return life !== null && (mode === 'running' || mode === 'busy' || mode === 'starting');
}

/** The message in hand is given up, and nothing else. */
function resume(cell: Cell, error: unknown, item: unknown): void {
  cell.mode = 'running';
  if (cell.life?.stage === 'stashing') cell.life.stage = 'open';
  if (item instanceof Ask) item.gone('failed');
  cell.system.report({ type: 'resumed', path: cell.path, error });
  cell.reconsider();
}

function verdictOn(cell: Cell, error: unknown, directive: Directive): Verdict {
  const { supervision, system } = cell;
  if (isStopAsked(cell) || directive === 'stop') return { kind: 'stop' };
  if (directive === 'escalate') return { kind: 'escalate', reason: `${cell.path} failed: ${errorText(error)}` };
  // One that has no second life fails for good also where it was to resume and cannot.
  if (supervision.restart === 'temporary') return { kind: 'stop' };
  const { inRow, recent } = cell.need().failures?.add(system.clock.monotonic(), supervision) ?? { inRow: 1, recent: 1 };
  if (!isBudgetSpent(recent, supervision.budget)) {
    return { kind: 'wait', delayMs: backoffDelay(inRow, supervision.backoff, system.random) };
  }
  if (supervision.exhausted === 'park') return { kind: 'park' };
  const reason = `${cell.path} failed more than ${supervision.budget.restarts} times: ${errorText(error)}`;
  return { kind: 'escalate', reason };
}

/** The children of a life that is over have stopped. */
export function afterLife(cell: Cell): void {
  const extra = cell.need();
  const verdict: Verdict = isStopAsked(cell) ? { kind: 'stop' } : (extra.verdict ?? { kind: 'again' });
  extra.verdict = null;
  switch (verdict.kind) {
    case 'again':
      restart(cell);
      return;
    case 'stop':
      stopFailed(cell);
      return;
    case 'escalate':
      cell.system.report({ type: 'escalated', path: cell.path, error: extra.lastFailure?.error });
      stopFailed(cell);
      cell.system.escalate(cell.parent, verdict.reason);
      return;
    case 'wait':
      startAfter(cell, 'waiting', verdict.delayMs);
      return;
    case 'park':
      extra.failures?.forgive();
      startAfter(cell, 'parked', cell.supervision.retryParkedMs);
      cell.system.report({ type: 'parked', path: cell.path, error: errorText(extra.lastFailure?.error) });
      extra.tellWatchers('parked');
  }
}

/** A new life begins in a turn of its own, so that a stop can come between. */
function startAfter(cell: Cell, mode: 'waiting' | 'parked', delayMs: number): void {
  const extra = cell.need();
  cell.mode = mode;
  const isDue = (): void => {
    extra.cancelWait = null;
    extra.restartAsked ??= 'due';
    cell.reconsider();
  };
  if (delayMs <= 0) {
    isDue();
    return;
  }
  extra.cancelWait = cell.system.clock.after(delayMs, isDue);
  cell.reconsider();
}

/** Begins a new life on request, whatever the budget says. */
export function askRestart(cell: Cell): void {
  cell.need().restartAsked = 'on-request';
  cell.reconsider();
}

/** The actor has nothing more to do. One that is to be there always has failed by ending, and is started again. */
export function endByItself(cell: Cell): void {
  if (cell.supervision.restart !== 'permanent') {
    cell.askStop(cell.supervision.stopMs);
    return;
  }
  cell.need().restartAsked ??= 'by-itself';
  cell.reconsider();
}

export function mayRestart({ mode }: Cell): boolean {
  return mode === 'running' || mode === 'waiting' || mode === 'parked';
}

export function restartAsAsked(cell: Cell): void {
  const extra = cell.need();
  const asked = extra.restartAsked;
  if (asked === 'by-itself') {
    extra.restartAsked = null;
    fail(cell, new Error('ended by itself, but is permanent'));
    return;
  }
  extra.isWithSibling = asked === 'with-sibling';
  if (asked === 'on-request') extra.failures?.forgive();
  if (cell.mode !== 'running') {
    restart(cell);
    return;
  }
  extra.restartAsked = null;
  cell.endLife('restarted');
  cell.mode = 'failing';
  stopChildren(cell, cell.system.clock.monotonic() + cell.supervision.stopMs);
  cell.reconsider();
}

function restart(cell: Cell): void {
  const extra = cell.need();
  extra.cancelWait?.();
  extra.cancelWait = null;
  extra.restarts++;
  start(cell);
}

export function start(cell: Cell): void {
  const life = new Life(cell);
  const { extra } = cell;
  // Whoever asked for a new life has it now.
  if (extra) extra.restartAsked = null;
  cell.begin(life, state => begun(cell, life, state));
}

function begun(cell: Cell, life: Life, state: unknown): void {
  cell.state = state;
  cell.mode = 'running';
  const { extra } = cell;
  if (!extra) return;
  // The addresses of the last life led here until now; those that this life has not taken again are free.
  cell.releaseKeys(life);
  cell.unstash();
  if (extra.failures) extra.failures.runningSince = cell.system.clock.monotonic();
  if (extra.restarts === 0) return;
  cell.system.report({ type: 'restarted', path: cell.path, restarts: extra.restarts });
  const takesAlong = !extra.isWithSibling;
  extra.isWithSibling = false;
  if (takesAlong && cell.parent) takeAlong(cell.parent, cell);
}

/** Those who build on the child begin a new life with it. One whose life is over already does so anyway. */
function takeAlong(parent: Cell, child: Cell): void {
  const { strategy } = parent.kind;
  if (strategy === 'one-for-one') return;
  let isLater = false;
  for (const sibling of parent.children) {
    if (sibling === child) isLater = true;
    else if (isLater || strategy === 'all-for-one') restartWithSibling(sibling);
  }
}

function restartWithSibling(cell: Cell): void {
  if (!canFail(cell)) return;
  cell.need().restartAsked ??= 'with-sibling';
  cell.reconsider();
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
