/**
 * Owns    the actors of a node's subnodes.
 * Hears   adopt, remove-all, server-gone (its node).
 * Tells   each subnode to go, or that its server is gone; its node to adopt them, when a life begins.
 * Stores  nothing.
 * If it dies: its subnodes stop with it, and their node adopts them anew from its row.
 */
import type { SubnodeId } from '../domain/ids.js';
import type { Actor, Ref } from '../runtime/actor.js';
import { subnodeActor, type SubnodeHome, type SubnodeMessage } from './subnode.js';

export type SubnodesMessage =
  | { readonly type: 'adopt'; readonly home: SubnodeHome }
  | { readonly type: 'remove-all' }
  | { readonly type: 'server-gone'; readonly id: SubnodeId; readonly why: string }
  | { readonly type: 'ended'; readonly name: string };

interface SubnodesState {
  readonly children: Map<string, Ref<SubnodeMessage>>;
}

/** `args` is the node that they belong to. */
export const subnodesActor: Actor<SubnodesMessage, SubnodesState, Ref<{ readonly type: 'proceed' }>> = {
  kind: 'subnodes',
  isDynamic: true,

  init(_ctx, node) {
    node.tell({ type: 'proceed' });
    return { children: new Map() };
  },

  handle(message, { children }, ctx) {
    switch (message.type) {
      case 'adopt': {
        const name = String(message.home.row.id);
        if (children.has(name)) return;
        const ref = ctx.spawn(subnodeActor, name, message.home);
        children.set(name, ref);
        ctx.watch(ref, () => ({ type: 'ended', name }));
        return;
      }
      case 'remove-all':
        for (const ref of children.values()) ctx.tell(ref, { type: 'remove' });
        return;
      case 'server-gone':
        children.get(String(message.id))?.tell({ type: 'server-gone', why: message.why });
        return;
      case 'ended':
        if (!ctx.hasChild(message.name)) children.delete(message.name);
    }
  },

  describe: ({ children }) => ({ state: `${children.size} with something to do` }),
};
