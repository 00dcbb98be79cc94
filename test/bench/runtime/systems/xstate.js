/**
 * XState 5. Actors of `fromTransition`; a family is a machine that spawns them all in one `assign`. It has no ask, so a
 * question carries the function that resolves it, without a timeout. It has no restart, so whoever holds the references
 * starts another actor when one fails.
 */
import { assign, createActor, createMachine, fromTransition } from 'xstate';
import { births } from '../peer.js';

function logicOf(behaviour, makeState) {
  return fromTransition((state, message) => {
    behaviour(message, state);
    return state;
  }, makeState);
}

/** A failed one is replaced by another, which is all that can be done about it here. */
function replaceOnFailure(actors, index, logic) {
  actors[index] = createActor(logic);
  actors[index].subscribe({ error: () => replaceOnFailure(actors, index, logic) });
  actors[index].start();
}

function parentOf(count, logic, behaviour, state, children) {
  return createMachine({
    context: {},
    entry: assign(({ spawn }) => {
      for (let i = 0; i < count; i++) children.push(spawn(logic, { id: String(i) }));
      return {};
    }),
    on: { '*': { actions: ({ event }) => behaviour(event, state) } },
  });
}

function open() {
  const begin = logic => createActor(logic).start();
  return {
    start: (behaviour, makeState) => Promise.resolve(begin(logicOf(behaviour, makeState))),
    async family(count, behaviour, makeState) {
      const { make, all } = births(count + 1, makeState);
      const children = [];
      const logic = logicOf(behaviour, make);
      const parent = begin(parentOf(count, logic, behaviour, make(), children));
      await all;
      return { parent, children };
    },
    supervised(count, behaviour, makeState) {
      const logic = logicOf(behaviour, makeState);
      const actors = [];
      for (let i = 0; i < count; i++) replaceOnFailure(actors, i, logic);
      return Promise.resolve(actors);
    },
    tell: (to, message) => to.send(message),
    ask: (to, n) => new Promise(resolve => to.send({ type: 'question', n, resolve })),
    valueOf: outcome => outcome,
    reply: (question, value) => question.resolve(value),
    watch({ parent, children }, ended) {
      for (const child of children) child.subscribe({ complete: () => ended('child') });
      parent.subscribe({ complete: () => ended('parent') });
      return Promise.resolve();
    },
    stop: ({ parent }) => parent.stop(),
    // To stop a family takes time quadratic in its size; unreferenced, all of it is garbage.
    close: () => Promise.resolve(),
  };
}

export const system = { isSlow: true, cannot: { ring: 'overflows the stack' }, open: () => Promise.resolve(open()) };
