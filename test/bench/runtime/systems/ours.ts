/** The runtime of `src/runtime`, with all that it promises switched on: supervision, bounds, deadlines, fair turns. */
import type { Actor, AskOutcome, Context, Ref, ReplyTo } from '../../../../src/runtime/actor.js';
import { ActorSystem } from '../../../../src/runtime/system.js';
import { births, type Behaviour, type Family, type Member, type Message, type Peer, type System } from '../peer.js';

type Question = Message & { readonly replyTo: ReplyTo<number> };
type Deed = (ctx: Context<Deed>) => void;
type Told = Ref<Message>;

/** Room for the workload that fills a mailbox with a million messages; still counted and checked for each one. */
const mailbox = { limit: 2_000_000, overflow: 'refuse-newest' } as const;
const askDeadlineMs = 60_000;
const stopMs = 120_000;

const guardian: Actor<Deed, null, null> = {
  kind: 'guardian',
  init: () => null,
  handle: (deed, _state, ctx) => deed(ctx),
};

function actorOf<S>(behaviour: Behaviour<S>, makeState: () => S): Actor<Message, S, null> {
  return {
    kind: 'measured',
    mailbox,
    init: () => makeState(),
    handle: behaviour as (message: Message, state: S) => void,
  };
}

interface Household<S> {
  readonly count: number;
  readonly child: Actor<Message, S, null>;
  readonly makeState: () => S;
  readonly born: (children: Told[]) => void;
}

function parentOf<S>(behaviour: Behaviour<S>): Actor<Message, S, Household<S>> {
  return {
    kind: 'parent',
    mailbox,
    isDynamic: true,
    init(ctx, { count, child, makeState, born }) {
      const children: Told[] = [];
      for (let i = 0; i < count; i++) children.push(ctx.spawn(child, String(i), null));
      born(children);
      return makeState();
    },
    handle: behaviour as (message: Message, state: S) => void,
  };
}

interface Watching {
  readonly family: Family<Told>;
  readonly ended: (who: Member) => void;
  readonly ready: () => void;
}

const watcher: Actor<Member, (who: Member) => void, Watching> = {
  kind: 'watcher',
  init(ctx, { family, ended, ready }) {
    for (const child of family.children) ctx.watch(child, () => 'child');
    ctx.watch(family.parent, () => 'parent');
    ready();
    return ended;
  },
  handle: (who, ended) => ended(who),
};

function open(): Peer<Told> {
  const system = new ActorSystem({
    supervision: {
      budget: { restarts: 1_000_000, withinMs: 600_000 },
      backoff: { minMs: 0, maxMs: 0, factor: 1, jitter: 0 },
      stopMs,
    },
  });
  const root = system.start(guardian, null);
  let names = 0;
  const spawn = <M, S, A>(actor: Actor<M, S, A>, args: A): Promise<Ref<M>> =>
    new Promise(resolve => root.tell(ctx => resolve(ctx.spawn(actor, `${actor.kind}-${++names}`, args))));
  const peer: Peer<Told> = {
    start: (behaviour, makeState) => spawn(actorOf(behaviour, makeState), null),
    async family(count, behaviour, makeState) {
      const { make, all } = births(count + 1, makeState);
      let children: Told[] = [];
      const born = (all: Told[]): void => {
        children = all;
      };
      const parent = await spawn(parentOf(behaviour), {
        count,
        child: actorOf(behaviour, make),
        makeState: make,
        born,
      });
      await all;
      return { parent, children };
    },
    supervised: async (count, behaviour, makeState) => (await peer.family(count, behaviour, makeState)).children,
    tell: (to, message) => to.tell(message),
    ask: (to, n) =>
      system.request<Message, number>(
        to,
        replyTo => {
          const question: Question = { type: 'question', n, replyTo };
          return question;
        },
        askDeadlineMs,
      ),
    valueOf(outcome) {
      const known = outcome as AskOutcome<number>;
      if (known.kind !== 'reply') throw new Error(`an ask ended with ${known.kind}`);
      return known.value;
    },
    reply: (question, value) => (question as Question).replyTo.reply(value),
    watch: (family, ended) =>
      new Promise<void>(ready => {
        void spawn(watcher, { family, ended, ready });
      }),
    stop: ({ parent }) => root.tell(ctx => ctx.stop(parent)),
    async close() {
      const late = await system.stop(stopMs);
      if (late.length > 0) throw new Error(`${late.length} actors did not stop`);
    },
  };
  return peer;
}

export const system: System = { isSlow: false, cannot: {}, open: () => Promise.resolve(open() as Peer<unknown>) };
