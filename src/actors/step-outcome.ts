/** How the steps of launches and of builds begin and end, whatever they are steps of. */
import { Fault } from '../domain/fault.js';
import type { TaskOutcome } from '../runtime/actor.js';
import { asFault } from './store.js';

/** What a step came to. One that threw has failed, and what came of it in the world is not known. */
export function outcomeOf<Outcome>(
  outcome: TaskOutcome<Outcome>,
): Outcome | { readonly kind: 'fault'; readonly fault: Fault; readonly isCertain: false } {
  return outcome.ok ? outcome.value : { kind: 'fault', fault: asFault(outcome.error), isCertain: false };
}

/** What is made, or the fault that is in its way: a name that the configuration has lost is no bug. */
export function orFault<T>(make: () => T): T | Fault {
  try {
    return make();
  } catch (error) {
    if (error instanceof Fault) return error;
    throw error;
  }
}
