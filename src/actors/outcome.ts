import { Fault } from '../domain/fault.js';
import type { AskOutcome, WhyGone } from '../runtime/actor.js';

/** How an actor that reaches the outside answers. */
export type Reply<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault };

/** The value of a reply; whatever went wrong instead is thrown as a fault. */
export function valueOf<T>(outcome: AskOutcome<Reply<T>>): T {
  const reply = replyOf(outcome);
  if (!reply.ok) throw reply.fault;
  return reply.value;
}

/** The reply; null where there was none. */
export function answerOf<R>(outcome: AskOutcome<R>): R | null {
  return outcome.kind === 'reply' ? outcome.value : null;
}

/** The reply; that there was none is a fault. */
export function replyOf<R>(outcome: AskOutcome<R>): R {
  switch (outcome.kind) {
    case 'reply':
      return outcome.value;
    case 'timeout':
      throw new Fault('actor.timeout', `${outcome.asked} did not answer in time`);
    case 'gone':
      throw new Fault('actor.gone', `${outcome.asked} ${whyGone[outcome.reason]}`);
  }
}

const whyGone: Readonly<Record<WhyGone, string>> = {
  unknown: 'is not there',
  restarted: 'was restarted before it answered',
  stopped: 'was stopped before it answered',
  refused: 'has more to do than it takes',
  failed: 'failed at the question',
};
