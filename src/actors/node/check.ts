/**
 * The periodic check of a ready node: can anybody log in (reference 13)? Only a node that is still ready when the answer
 * comes is given up (lesson 82), and only for what the machine did: a key file that cannot be read here is no fault of it.
 */
import { Fault } from '../../domain/fault.js';
import type { TaskOutcome } from '../../runtime/actor.js';
import { tellingOf, tellingShell, type Telling } from '../call-made.js';
import { asFault } from '../store.js';
import { loginOf } from './names.js';
import { makeRoom } from './replace.js';
import { giveBackPermit, hasPermit, whereabouts, type NodeContext, type Self } from './self.js';

/** Faults on this side of the connection. */
const ourOwn: ReadonlySet<string> = new Set([
  'ssh.key',
  'ssh.key-exposed',
  'actor.gone',
  'actor.timeout',
  'config.removed',
]);

/** One that is due already is not due twice. */
export function wantCheck(node: Self): void {
  if (node.home.row.state === 'ready' && node.check === null) node.check = 'due';
}

/** Begins a check that is due, once there is room for it; one that is no longer due gives its place to another. */
export function proceedCheck(node: Self, ctx: NodeContext): void {
  if (node.check !== 'due') return;
  if (node.home.row.state !== 'ready') {
    forgetCheck(node);
    return;
  }
  if (!hasPermit('check', node, ctx)) return;
  node.check = 'under-way';
  ctx.task(
    'check',
    task => logIn(node, tellingOf({ node: node.home.row.id }, ctx), task.signal),
    outcome => ({ type: 'checked', outcome }),
  );
}

function forgetCheck(node: Self): void {
  node.check = null;
  giveBackPermit('check', node);
}

async function logIn({ home }: Self, telling: Telling, signal: AbortSignal): Promise<void> {
  const { row, settings, shell } = home;
  const label = settings.lastKnown.label(row.label);
  const image = label && settings.lastKnown.image(row.provider, label.image);
  if (!image) throw new Fault('config.removed', `the image of label ${row.label} is not in the configuration`);
  const call = { deadlineMs: settings.timings.checkSsh, signal };
  await tellingShell(shell, telling).check(loginOf(row, image), call);
}

export function checked(outcome: TaskOutcome<void>, node: Self, ctx: NodeContext): void {
  if (!outcome.ok) checkFailed(asFault(outcome.error), node, ctx);
  forgetCheck(node);
}

function checkFailed(fault: Fault, node: Self, ctx: NodeContext): void {
  const { row, outside } = node.home;
  const why = `the check could not log in: ${fault.message}`;
  outside.log.warn(`node ${row.id}: ${why}`, { ...whereabouts(row), fault: fault.kind, next: fault.next });
  if (ourOwn.has(fault.kind)) return;
  makeRoom({ fact: 'check-failed', why, lastError: why }, node, ctx);
}
