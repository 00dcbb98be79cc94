/** What the page asks to see: providers in numbers, the last hours, one node with its story. */
import { nodeId } from '../../domain/ids.js';
import type { StoryEntry } from '../../domain/story.js';
import { nodeDetail } from '../../domain/views.js';
import type { HistoryView, LookApi, ProviderView } from '../../ports/control.js';
import type { Outside } from '../../ports/outside.js';
import type { ReplyTo } from '../../runtime/actor.js';
import { cloudAddress, historyAddress, nodesAddress, poolAddress } from '../addresses.js';
import type { CloudFigures } from '../cloud/figures.js';
import type { SystemView } from '../control.js';
import type { WorkFigures } from '../nodes.js';
import { answerOf, replyOf } from '../outcome.js';
import type { ProviderUsage } from '../pool.js';

/** One that does not answer so soon is shown without its numbers. */
const lookMs = 2_000;

export function lookApi({ store }: Pick<Outside, 'store'>, system: SystemView): LookApi {
  const viewOf = async ({ provider, ...usage }: ProviderUsage): Promise<ProviderView> => {
    const cloud = (replyTo: ReplyTo<CloudFigures>) => ({ type: 'figures' as const, replyTo });
    const work = (replyTo: ReplyTo<WorkFigures>) => ({ type: 'figures' as const, replyTo });
    const [ofCloud, ofWork] = await Promise.all([
      system.request(cloudAddress(provider), cloud, lookMs),
      system.request(nodesAddress(provider), work, lookMs),
    ]);
    const figures = answerOf(ofCloud);
    const permits = answerOf(ofWork);
    return {
      name: provider,
      servers: usage.servers,
      held: usage.held,
      limit: usage.limit,
      maxServers: usage.maxServers,
      closedBecause: usage.closedBecause,
      launches: permits?.launch ?? null,
      deletes: permits?.delete ?? null,
      calls: figures?.calls ?? null,
      pace: figures?.pace ?? null,
      breaker: figures?.breaker ?? null,
    };
  };
  return {
    providers: async () => {
      const question = (replyTo: ReplyTo<readonly ProviderUsage[]>) => ({ type: 'usage' as const, replyTo });
      return Promise.all(replyOf(await system.request(poolAddress, question, lookMs)).map(viewOf));
    },
    history: async after => {
      const question = (replyTo: ReplyTo<HistoryView>) => ({ type: 'look' as const, after, replyTo });
      return replyOf(await system.request(historyAddress, question, lookMs));
    },
    node: async id => {
      const [row, story] = await Promise.all([store.shared.node(nodeId(id)), storyOf(id, system)]);
      if (row === null && story === null) return null;
      return { node: row === null ? null : nodeDetail(row, system.now()), story: story ?? [] };
    },
  };
}

/** Null: nothing is known of such a node. */
export async function storyOf(id: number, system: SystemView): Promise<readonly StoryEntry[] | null> {
  const question = (replyTo: ReplyTo<readonly StoryEntry[] | null>) => ({ type: 'story' as const, id, replyTo });
  return answerOf(await system.request(historyAddress, question, lookMs));
}
