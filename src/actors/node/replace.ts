/**
 * A ready node that is to go leaves its master first, and goes once that says that nothing runs on it: a job that it was
 * given just before, heard of or not, runs to its end (lesson 82).
 */
import type { Fault } from '../../domain/fault.js';
import type { NodeFact } from '../../domain/node.js';
import { replacedMark } from '../../domain/slave-check.js';
import type { ReplyTo, TaskOutcome } from '../../runtime/actor.js';
import { targetAddress } from '../addresses.js';
import { valueOf, type Reply } from '../outcome.js';
import { asFault } from '../store.js';
import { learn } from './learn.js';
import { whereabouts, type NodeContext, type Self } from './self.js';

/** Why it is to go, and what is then known of its failure. */
export interface Replacement {
  readonly fact: Extract<NodeFact, 'outdated' | 'check-failed' | 'member-gone'>;
  readonly why: string;
  readonly lastError: string | null;
}

export interface Withdrawn {
  readonly replacement: Replacement;
  readonly outcome: TaskOutcome<'idle' | 'busy'>;
}

/** A master that does not answer for so long keeps no broken machine alive (lesson 56). */
const patienceMs = 600_000;

export function makeRoom(replacement: Replacement, node: Self, ctx: NodeContext): void {
  const { id, state, nodename: name, target } = node.home.row;
  if (state !== 'ready' || node.isLeaving) return;
  node.isLeaving = true;
  const reason = `${replacement.why}; ${replacedMark}`;
  ctx.task(
    'leave',
    async io => {
      if (name === null) return 'idle';
      const until = io.now() + patienceMs;
      return valueOf(
        await io.ask(
          targetAddress(target),
          (replyTo: ReplyTo<Reply<'idle' | 'busy'>>) => ({
            type: 'withdraw' as const,
            name,
            node: id,
            reason,
            until,
            replyTo,
          }),
          patienceMs,
        ),
      );
    },
    outcome => ({ type: 'withdrawn', replacement, outcome }),
  );
}

export async function withdrawn({ replacement, outcome }: Withdrawn, node: Self, ctx: NodeContext): Promise<void> {
  const { fact, lastError } = replacement;
  node.isLeaving = false;
  if (outcome.ok ? outcome.value === 'idle' : isGivenUp(asFault(outcome.error), replacement)) {
    await learn(fact, node, ctx, () => (lastError === null ? {} : { lastError }));
    return;
  }
  const { row, outside } = node.home;
  const why = outcome.ok ? 'a job runs on it' : asFault(outcome.error).message;
  outside.log.debug(`node ${row.id} does not go for now: ${why}`, whereabouts(row));
}

/** What is well would only be replaced, and is told to go again; what is broken is of no use to a master. */
function isGivenUp(fault: Fault, { fact }: Replacement): boolean {
  return fact !== 'outdated' && fault.kind !== 'actor.gone';
}
