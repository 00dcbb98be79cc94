import { firstDeleteStep } from '../../domain/delete-step.js';
import type { NodePatch, NodeRow } from '../../domain/node-row.js';
import { decide, jobTimes, type Decision, type NodeFact } from '../../domain/node.js';
import { change, tellImage, whereabouts, type NodeContext, type Self } from './self.js';

/** What the domain says of a fact is written, with what else is to be written then. Resolves with what it said. */
export async function learn(
  fact: NodeFact,
  node: Self,
  ctx: NodeContext,
  more: (row: NodeRow) => NodePatch = () => ({}),
): Promise<Decision> {
  const before = node.home.row;
  let decision = decide(before, fact);
  await change(node, ctx, row => {
    decision = decide(row, fact);
    if (decision.kind === 'ignore' || decision.kind === 'refuse') return null;
    return {
      ...jobTimes(decision, ctx.now()),
      ...statePatch(decision, row),
      ...delayPatch(decision, row, ctx.now() + node.home.settings.timings.deleteDelay),
      ...more(row),
    };
  });
  // How a launch failed its own step knows.
  if (before.state === 'building' && decision.kind === 'move' && fact !== 'launch-failed') {
    tellImage(hasComeUp.has(decision.to) ? 'up' : 'void', node, ctx);
  }
  const { row, outside } = node.home;
  const line = `node ${row.id}: ${decision.why}`;
  if (decision.kind === 'ignore') outside.log.debug(`${line} (${fact})`, whereabouts(row));
  else outside.log.info(line, whereabouts(row));
  return decision;
}

const hasComeUp: ReadonlySet<string> = new Set(['ready', 'test', 'used']);

/** What a change of state brings with it. */
function statePatch(decision: Decision, row: NodeRow): NodePatch {
  if (decision.kind !== 'move') return {};
  const { to } = decision;
  const released = row.state === 'hold' ? { reason: null, expiry: null } : {};
  switch (to) {
    case 'delete':
      return { ...released, state: to, step: firstDeleteStep(row), stepAt: null };
    case 'ready':
      return { ...released, state: to, step: null, stepAt: null, lastError: null };
    case 'used':
      return { ...released, state: to, step: null, stepAt: null };
    case 'test':
      // A test that a hold interrupted is made again.
      return { ...released, state: to, jobStartedAt: null };
    case 'hold':
    case 'building':
      return { ...released, state: to };
  }
}

/** The end of a job starts the delete delay: a time on the row, so that a restart does not lose it (lesson 71). */
function delayPatch(decision: Decision, row: NodeRow, deleteAt: number): NodePatch {
  if (decision.kind === 'ignore' || decision.kind === 'refuse' || decision.note !== 'job-ended') return {};
  const state = decision.kind === 'move' ? decision.to : row.state;
  return state === 'used' ? { deleteAt } : {};
}
