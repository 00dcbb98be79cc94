/** How an actor stops: its children first, then what must settle, then its hook; and all of it in time. */
import type { EndReason } from './actor.js';
import type { Cell } from './cell.js';
import type { Deadline } from './deadlines.js';
import { noState } from './extra.js';
import { isPromise } from './promises.js';

/** Of the time that a parent has left, the share that its children get: whoever stops after them has the rest. */
const childrensShare = 0.9;

/** A stop that has been asked for. */
export class Stopping {
  /** On the system's steady clock, in whole milliseconds. */
  stopBy: number;
  /** First finishes what is queued. */
  isDrain: boolean;
  phase: 'asked' | 'children' | 'tasks' | 'hook' = 'asked';
  hookSince: number | undefined = undefined;
  endReason: EndReason = 'stopped';
  deadline: Deadline | null = null;
  whenStopped: (() => void)[] | null = null;

  constructor(stopBy: number, isDrain: boolean) {
    this.stopBy = stopBy;
    this.isDrain = isDrain;
  }
}

export interface StopWish {
  readonly isDrain?: boolean;
  readonly stopped?: (() => void) | undefined;
}

/** The earliest of several deadlines counts, and a stop goes before a drain. */
export function askStop(cell: Cell, by: number, { isDrain = false, stopped }: StopWish = {}): void {
  if (cell.mode === 'stopped') {
    stopped?.();
    return;
  }
  const stopBy = Math.ceil(by);
  const stopping = (cell.stopping ??= new Stopping(stopBy, isDrain));
  if (stopped) (stopping.whenStopped ??= []).push(stopped);
  hasten(cell, stopping, stopBy);
  if (stopping.isDrain && !isDrain) drainNoMore(cell, stopping);
  if (isDrain) cell.takeNothingNew();
  cell.reconsider();
  // One that can go on now is most often done in its next turn: only what takes longer needs a deadline.
  if (!cell.isDue) needDeadline(cell, stopping);
}

function hasten(cell: Cell, stopping: Stopping, stopBy: number): void {
  if (stopBy >= stopping.stopBy) return;
  stopping.stopBy = stopBy;
  if (stopping.deadline) setDeadline(cell, stopping);
}

function drainNoMore(cell: Cell, stopping: Stopping): void {
  stopping.isDrain = false;
  if (stopping.phase !== 'children') return;
  cell.need().isDraining = false;
  const now = cell.system.clock.monotonic();
  for (const child of cell.children) if (child.stopping?.isDrain) askChild(child, stopping.stopBy, now, false);
}

function needDeadline(cell: Cell, stopping: Stopping): void {
  if (!stopping.deadline) setDeadline(cell, stopping);
}

function setDeadline(cell: Cell, stopping: Stopping): void {
  stopping.deadline?.cancel();
  const leftMs = Math.max(0, stopping.stopBy - cell.system.clock.monotonic());
  stopping.deadline = cell.system.deadlines.in(leftMs, () => cell.cutOff());
}

/** Asked to stop, and not to finish its work first. */
export function isStopAsked({ stopping }: Cell): boolean {
  return stopping !== null && !stopping.isDrain;
}

/** It can begin to stop now: nothing of its own is in hand. */
export function mayBeginStop(cell: Cell): boolean {
  const { stopping, mode, life } = cell;
  if (!stopping || stopping.phase !== 'asked') return false;
  if (stopping.isDrain) return mode === 'parked' || (mode === 'running' && isQuiet(cell));
  return mode === 'running' || mode === 'waiting' || mode === 'parked' || (mode === 'starting' && !life);
}

/** Nothing is queued, and nothing under way of which it will still hear. */
function isQuiet({ mailboxLength, extra }: Cell): boolean {
  return mailboxLength === 0 && (extra?.tasks?.size ?? 0) === 0 && (extra?.openAsks ?? 0) === 0;
}

/** What a stop waits for has come. */
export function mayGoOn(cell: Cell): boolean {
  switch (cell.stopping?.phase) {
    case 'children':
      return !cell.hasChildren;
    case 'tasks':
      return !mustWait(cell);
    default:
      return false;
  }
}

function mustWait({ extra }: Cell): boolean {
  for (const task of extra?.tasks ?? []) if (task.mustSettle) return true;
  return false;
}

export function beginStop(cell: Cell): void {
  const { stopping } = cell;
  if (!stopping) return;
  cell.mode = 'stopping';
  const { state } = cell;
  cell.endLife('stopped');
  // Kept for the hook.
  cell.state = state;
  stopping.phase = 'children';
  stopChildren(cell, stopping.stopBy, stopping.isDrain);
  goOn(cell);
}

/** The end of one that failed: there is no sound state left to give to a stop hook. */
export function stopFailed(cell: Cell): void {
  const by = Math.ceil(cell.system.clock.monotonic() + cell.supervision.stopMs);
  const stopping = (cell.stopping ??= new Stopping(by, false));
  hasten(cell, stopping, by);
  stopping.endReason = 'failed';
  cell.mode = 'stopping';
  cell.releaseKeys(null);
  stopping.phase = 'tasks';
  goOn(cell);
}

/** From phase to phase, as far as nothing has to be waited for. */
export function goOn(cell: Cell): void {
  const { stopping } = cell;
  if (!stopping) return;
  if (stopping.phase === 'children' && !cell.hasChildren) stopping.phase = 'tasks';
  if (stopping.phase === 'tasks' && !mustWait(cell)) {
    stopping.phase = 'hook';
    runHook(cell, stopping);
  }
  if (cell.mode !== 'stopped') needDeadline(cell, stopping);
}

function runHook(cell: Cell, stopping: Stopping): void {
  const { state, life, kind } = cell;
  if (state === noState || !life || !kind.actor.onStop) {
    finishStop(cell);
    return;
  }
  stopping.hookSince = cell.system.clock.now();
  try {
    const pending: unknown = kind.actor.onStop(state, life);
    if (!isPromise(pending)) {
      finishStop(cell);
      return;
    }
    pending.then(
      () => finishStop(cell),
      (error: unknown) => hookFailed(cell, error),
    );
  } catch (error) {
    hookFailed(cell, error);
  }
}

function hookFailed(cell: Cell, error: unknown): void {
  if (cell.mode === 'stopped') {
    cell.system.report({ type: 'late-failure', path: cell.path, error });
    return;
  }
  if (cell.stopping) cell.stopping.endReason = 'failed';
  const count = (cell.extra?.failures?.count ?? 0) + 1;
  cell.system.report({ type: 'failed', path: cell.path, error, count, inHand: null });
  finishStop(cell);
}

export function finishStop(cell: Cell): void {
  if (cell.mode === 'stopped' || cell.system.scheduler.isHalted) return;
  const { stopping, extra } = cell;
  cell.mode = 'stopped';
  stopping?.deadline?.cancel();
  cell.state = noState;
  cell.emptyMailbox();
  cell.lookAgain();
  cell.releaseKeys(null, true);
  // What must settle and has not is on its own from here on.
  for (const task of extra?.tasks ?? []) task.deadline?.cancel();
  cell.system.probe?.({ type: 'stopped', path: cell.path });
  cell.parent?.childStopped(cell);
  extra?.tellWatchers(stopping?.endReason ?? 'stopped');
  extra?.forgetWatchers();
  for (const stopped of stopping?.whenStopped ?? []) stopped();
  if (stopping) stopping.whenStopped = null;
}

// ── Children ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** Dynamic children side by side; others one after another, in reverse order of their start. */
export function stopChildren(cell: Cell, by: number, isDrain = false): void {
  if (!cell.hasChildren) return;
  const extra = cell.need();
  extra.childrenStopBy = by;
  extra.isDraining = isDrain;
  if (cell.kind.isDynamic) {
    const now = cell.system.clock.monotonic();
    for (const child of cell.children) askChild(child, by, now, isDrain);
    return;
  }
  extra.toStop = [...cell.children];
  stopNext(cell);
}

function stopNext(cell: Cell): void {
  const { extra } = cell;
  if (!extra?.toStop) return;
  for (let next = extra.toStop.pop(); next; next = extra.toStop.pop()) {
    if (next.mode === 'stopped') continue;
    const by = cell.stopping?.phase === 'children' ? cell.stopping.stopBy : extra.childrenStopBy;
    askChild(next, by, cell.system.clock.monotonic(), extra.isDraining);
    return;
  }
  extra.toStop = null;
}

/** One that hangs must not use up the time of the others; one with children gets as long as there is. */
function askChild(child: Cell, by: number, now: number, isDrain: boolean): void {
  const share = now + childrensShare * Math.max(0, by - now);
  const mayTake = child.hasChildren ? share : Math.min(share, now + child.supervision.stopMs);
  askStop(child, isDrain ? share : mayTake, { isDrain });
}

/** One child less. */
export function childStopped(cell: Cell): void {
  if (cell.mode !== 'failing' && cell.stopping?.phase !== 'children') return;
  if (cell.extra?.toStop) stopNext(cell);
  if (!cell.hasChildren) cell.reconsider();
}
