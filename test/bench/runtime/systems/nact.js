/** nact 7. A query with its timeout, onCrash with a reset; there is no watch, so each actor's afterStop tells its end. */
import { dispatch, query, spawn, start, stop } from 'nact';
import { births } from '../peer.js';

/** Two of ten thousand questions sometimes get the same random id, and one of them is never answered. */
const queryTimeoutMs = 10_000;

function open() {
  const root = start();
  let names = 0;
  const born = (parent, behaviour, makeState, hooks = {}) =>
    spawn(
      parent,
      (state, message) => {
        behaviour(message, state);
        return state;
      },
      `actor-${++names}`,
      { initialStateFunc: makeState, onCrash: (_message, _error, ctx) => ctx.reset, ...hooks },
    );
  const peer = {
    start: (behaviour, makeState) => Promise.resolve(born(root, behaviour, makeState)),
    async family(count, behaviour, makeState) {
      const { make, all } = births(count + 1, makeState);
      const family = { parent: undefined, children: [], ended: () => undefined };
      family.parent = born(root, behaviour, make, { afterStop: () => family.ended('parent') });
      const afterStop = () => family.ended('child');
      for (let i = 0; i < count; i++) family.children.push(born(family.parent, behaviour, make, { afterStop }));
      await all;
      return family;
    },
    supervised: async (count, behaviour, makeState) => (await peer.family(count, behaviour, makeState)).children,
    tell: dispatch,
    ask: (to, n) => query(to, asker => ({ type: 'question', n, asker }), queryTimeoutMs),
    valueOf: outcome => outcome,
    reply: (question, value) => dispatch(question.asker, value),
    watch(family, ended) {
      family.ended = ended;
      return Promise.resolve();
    },
    // A parent that stops leaves its children running here: it looks them up by themselves, not by their references.
    stop({ parent, children }) {
      for (const child of children) stop(child);
      stop(parent);
    },
    close() {
      stop(root);
      return Promise.resolve();
    },
  };
  return peer;
}

export const system = { isSlow: true, cannot: {}, open: () => Promise.resolve(open()) };
