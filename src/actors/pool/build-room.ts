/** Builds that wait for room in their provider, and idle nodes that make it where none comes free. */
import { buildsThatFit, nodesToMakeRoom, type BuildRoom } from '../../domain/build-room.js';
import type { NodeId, SnapshotId } from '../../domain/ids.js';
import type { Stock } from '../../domain/stock.js';
import type { Context, Ref } from '../../runtime/actor.js';
import { nodeAddress } from '../addresses.js';

export interface BuildWish {
  readonly provider: string;
  readonly ref: Ref<{ readonly type: 'room-granted' }>;
  readonly since: number;
}

export interface BuildRooms {
  readonly wishes: Map<SnapshotId, BuildWish>;
  /** Idle nodes that were told to make room, and when. */
  readonly leaving: Map<NodeId, number>;
}

/** In a busy pool jobs end all the time; an idle node is only spent where none does. */
const patienceMs = 120_000;
const why = 'it makes room for the server that an image is built on';

/** After each round, with what it has left. */
export function grantBuildRoom(
  { wishes, leaving }: BuildRooms,
  stock: Stock,
  roomOf: (provider: string) => Omit<BuildRoom, 'waiting'>,
  ctx: Pick<Context<never>, 'now' | 'tell'>,
): void {
  const longAgo = ctx.now() - patienceMs;
  for (const [id, at] of leaving) if (at <= longAgo || stock.get(id)?.state !== 'ready') leaving.delete(id);
  for (const provider of new Set([...wishes.values()].map(wish => wish.provider))) {
    const waiting = [...wishes].filter(([, wish]) => wish.provider === provider);
    const fit = buildsThatFit({ ...roomOf(provider), waiting: waiting.length });
    for (const [id, { ref }] of waiting.slice(0, fit)) {
      wishes.delete(id);
      ref.tell({ type: 'room-granted' });
    }
    const wanted = waiting.slice(fit).filter(([, { since }]) => since <= longAgo).length;
    for (const { id } of nodesToMakeRoom(wanted, stock.nodesIn(provider), each => leaving.has(each))) {
      leaving.set(id, ctx.now());
      ctx.tell(nodeAddress(id), { type: 'outdated', why });
    }
  }
}
