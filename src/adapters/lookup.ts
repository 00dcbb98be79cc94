/**
 * Names of clouds and masters. Node.js has few threads that look up names, two where nobody asks for more as
 * `bin/nodepoold` does, and a name whose server does not answer holds one for some ten seconds: eight calls to such a
 * cloud kept all others from being found for forty. So those who ask for a name that is being looked up wait for that
 * answer. Nothing is remembered.
 */
import { lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';

type Answered = Parameters<LookupFunction>[2];

export function sharedLookup(ask: LookupFunction = lookup): LookupFunction {
  const underWay = new Map<string, Answered[]>();
  return (name, options, answered) => {
    const question = JSON.stringify([name, options]);
    const others = underWay.get(question);
    if (others !== undefined) {
      others.push(answered);
      return;
    }
    const all = [answered];
    underWay.set(question, all);
    ask(name, options, (...answer) => {
      underWay.delete(question);
      for (const each of all) each(...answer);
    });
  };
}

/** Of this thread. */
export const lookupName = sharedLookup();
