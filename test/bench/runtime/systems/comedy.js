/** comedy 2, actors in memory. No timeout for sendAndReceive, no mailbox, no restart in memory, no watch. */
import comedy from 'comedy';
import { births } from '../peer.js';

function definitionOf(behaviour, state, ended) {
  return {
    hear(message) {
      behaviour(message, state);
      return message.value;
    },
    destroy: () => ended(),
  };
}

function failed(error) {
  process.nextTick(() => {
    throw error;
  });
}

async function open() {
  const actors = comedy({ test: true });
  const root = await actors.rootActor();
  return {
    start: (behaviour, makeState) => root.createChild(definitionOf(behaviour, makeState(), () => undefined)),
    async family(count, behaviour, makeState) {
      const { make, all } = births(count + 1, makeState);
      const family = { parent: undefined, children: [], ended: () => undefined };
      const begun = [];
      const initialize = self => {
        for (let i = 0; i < count; i++) {
          begun.push(self.createChild(definitionOf(behaviour, make(), () => family.ended('child'))));
        }
      };
      family.parent = await root.createChild({
        ...definitionOf(behaviour, make(), () => family.ended('parent')),
        initialize,
      });
      family.children.push(...(await Promise.all(begun)));
      await all;
      return family;
    },
    tell(to, message) {
      to.send('hear', message).catch(failed);
    },
    ask: (to, n) => to.sendAndReceive('hear', { type: 'question', n, value: undefined }),
    valueOf: outcome => outcome,
    reply(question, value) {
      question.value = value;
    },
    watch(family, ended) {
      family.ended = ended;
      return Promise.resolve();
    },
    stop(family) {
      family.parent.destroy().catch(failed);
    },
    close: () => actors.destroy(),
  };
}

export const system = { isSlow: true, cannot: { crash: 'no restart in memory' }, open };
