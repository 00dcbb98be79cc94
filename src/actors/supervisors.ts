/** The supervisors that only hold others: what they start is in tree.ts and providers.ts. */
import type { Actor, Address, Context, EndReason, Ref } from '../runtime/actor.js';
import { statsAddress } from './addresses.js';

/** An actor whose children are started once, in order, and stopped in reverse order. It hears nothing. */
export function supervisor<A>(kind: string, start: (ctx: Context<never>, args: A) => void): Actor<never, object, A> {
  return {
    kind,
    init(ctx, args) {
      start(ctx, args);
      return {};
    },
    handle: () => undefined,
    describe: () => ({ state: 'running' }),
  };
}

export type FollowerMessage =
  /** There is another configuration; `changed` names the children that it says something else of. */
  | { readonly type: 'reconfigured'; readonly changed: readonly string[] }
  /** All that the rows name (janitor). */
  | { readonly type: 'in-use'; readonly names: readonly string[] }
  | { readonly type: 'ended'; readonly name: string; readonly reason: EndReason };

export interface Follower<A, More = never, Own = null> {
  readonly kind: string;
  readonly address: (args: A) => Address<FollowerMessage | More>;
  /** The names of the configuration. */
  readonly names: (args: A) => readonly string[];
  readonly start: (name: string, as: string, ctx: Context<FollowerMessage | More>, args: A) => Ref<never>;
  /** What the child of this name is called in the tree. */
  readonly nameInTree?: (name: string) => string;
  /** Tells one that goes on to look at the configuration again. */
  readonly tell?: (name: string, ctx: Context<FollowerMessage | More>, args: A) => void;
  /** Rows may name what the configuration does not have (any more): such a child is there as long as they do. */
  readonly outlivesConfiguration?: boolean;
  /** What it hears besides, and what it keeps for that. */
  readonly more?: {
    readonly own: () => Own;
    readonly handle: (message: More | FollowerMessage, own: Own, ctx: Context<FollowerMessage | More>, args: A) => void;
    readonly describe: (own: Own) => string;
  };
}

interface FollowerState<A, Own> {
  readonly args: A;
  readonly own: Own | null;
  readonly children: Map<string, Ref<never>>;
  /** Rows named it lately. */
  readonly inUse: Set<string>;
  /** Reports in a row without a name; two are believed, as rows may be written while one is made. */
  readonly unused: Map<string, number>;
}

const reportsBelieved = 2;

/**
 * Many children that are alike, one for each name of the configuration: after each change of it those that are missing
 * are started, and those that are too many are stopped. It compares with what is wanted now, and so can be told anything
 * at any time.
 */
export function followingSupervisor<A, More extends { readonly type: string } = never, Own = null>(
  follower: Follower<A, More, Own>,
): Actor<FollowerMessage | More, FollowerState<A, Own>, A> {
  const nameInTree = follower.nameInTree ?? withoutSlashes;
  return {
    kind: follower.kind,
    isDynamic: true,

    init(ctx, args) {
      ctx.register(follower.address(args));
      const own = follower.more?.own() ?? null;
      const state = { args, own, children: new Map(), inUse: new Set<string>(), unused: new Map() };
      follow(follower, state, ctx);
      return state;
    },

    handle(message, state, ctx) {
      if (state.own !== null) follower.more?.handle(message, state.own, ctx, state.args);
      if (!isOfFollower(message)) return;
      switch (message.type) {
        case 'reconfigured':
          state.unused.clear();
          for (const name of message.changed) if (state.children.has(name)) follower.tell?.(name, ctx, state.args);
          break;
        case 'in-use':
          noteUse(message.names, state);
          break;
        case 'ended':
          if (message.reason === 'parked') return;
          state.children.delete(message.name);
          ctx.tell(statsAddress, { type: 'forget-dependencies', of: `${ctx.path}/${nameInTree(message.name)}` });
      }
      follow(follower, state, ctx);
    },

    describe({ args, own }) {
      const more = own === null ? '' : `; ${follower.more?.describe(own) ?? ''}`;
      return { state: `${follower.names(args).length} in the configuration${more}` };
    },
  };
}

function isOfFollower(message: { readonly type: string }): message is FollowerMessage {
  return message.type === 'reconfigured' || message.type === 'in-use' || message.type === 'ended';
}

function noteUse<A, Own>(names: readonly string[], { children, inUse, unused }: FollowerState<A, Own>): void {
  for (const name of names) {
    inUse.add(name);
    unused.delete(name);
  }
  for (const name of new Set([...children.keys(), ...inUse])) {
    if (names.includes(name)) continue;
    const reports = (unused.get(name) ?? 0) + 1;
    unused.set(name, reports);
    if (reports >= reportsBelieved) inUse.delete(name);
  }
}

function follow<A, More, Own>(
  follower: Follower<A, More, Own>,
  state: FollowerState<A, Own>,
  ctx: Context<FollowerMessage | More>,
): void {
  const { args, children, inUse, unused } = state;
  const wanted = new Set(follower.names(args));
  if (follower.outlivesConfiguration) {
    for (const name of inUse) wanted.add(name);
    for (const name of children.keys()) if ((unused.get(name) ?? 0) < reportsBelieved) wanted.add(name);
  }
  for (const [name, ref] of children) if (!wanted.has(name)) ctx.stop(ref);
  for (const name of wanted) {
    if (children.has(name)) continue;
    const ref = follower.start(name, (follower.nameInTree ?? withoutSlashes)(name), ctx, args);
    children.set(name, ref);
    ctx.watch(ref, reason => ({ type: 'ended', name, reason }));
  }
}

/** Rows may have names that no actor can have. */
function withoutSlashes(name: string): string {
  return name === '' ? '%' : name.replaceAll('%', '%25').replaceAll('/', '%2F');
}
