/**
 * Owns    the last hours in numbers, the stories of nodes, and why launches fail, in memory that does not grow.
 * Hears   stock (pool, at least once a pass), launch-ended, node-began, node-changed, node-gone (node actors), call-made
 *         (node, cloud and target actors), look, failed-launches, story (control).
 * Tells   who asks.
 * Stores  nothing: with the daemon it begins anew.
 * If it dies: nothing is lost; what it was told outlives a life.
 */
import { FailedLaunches, type FailedLaunch, type LaunchEnd } from '../domain/failed-launches.js';
import { History } from '../domain/history.js';
import type { NodeId } from '../domain/ids.js';
import type { NodeRow } from '../domain/node-row.js';
import type { NodeCounts } from '../domain/states.js';
import { Stories, type CallMade, type StoryEntry } from '../domain/story.js';
import type { HistoryView } from '../ports/control.js';
import type { Actor, ReplyTo } from '../runtime/actor.js';
import { historyAddress } from './addresses.js';

export type HistoryMessage =
  | {
      readonly type: 'stock';
      readonly nodes: NodeCounts;
      /** Jobs that wait, by label; null: unknown. */
      readonly waiting: ReadonlyMap<string, number> | null;
    }
  | ({ readonly type: 'launch-ended'; readonly ms: number } & Omit<LaunchEnd, 'at'>)
  | { readonly type: 'node-began'; readonly row: NodeRow }
  | { readonly type: 'node-changed'; readonly before: NodeRow; readonly after: NodeRow }
  | { readonly type: 'node-gone'; readonly id: NodeId }
  | { readonly type: 'call-made'; readonly node: NodeId; readonly call: CallMade }
  | { readonly type: 'look'; readonly after: number | null; readonly replyTo: ReplyTo<HistoryView> }
  | { readonly type: 'failed-launches'; readonly replyTo: ReplyTo<readonly FailedLaunch[]> }
  /** Null: nothing is known of the node. */
  | { readonly type: 'story'; readonly id: number; readonly replyTo: ReplyTo<readonly StoryEntry[] | null> };

/** Outlives a life: nobody would tell it again. */
export interface Remembered {
  readonly history: History;
  readonly stories: Stories;
  readonly failedLaunches: FailedLaunches;
}

export const nothingRemembered = (): Remembered => ({
  history: new History(),
  stories: new Stories(),
  failedLaunches: new FailedLaunches(),
});

export const historyActor: Actor<HistoryMessage, Remembered, Remembered> = {
  kind: 'history',
  mailbox: { limit: 50_000, overflow: 'drop-oldest' },

  init(ctx, remembered) {
    ctx.register(historyAddress);
    return remembered;
  },

  handle(message, { history, stories, failedLaunches }, ctx) {
    switch (message.type) {
      case 'stock':
        history.noteStock(message.nodes, message.waiting, ctx.now());
        return;
      case 'launch-ended':
        history.noteLaunch({ at: ctx.now(), ms: message.ms, isReady: message.fault === null });
        failedLaunches.ended({ ...message, at: ctx.now() });
        return;
      case 'node-began':
        stories.begin(message.row, ctx.now());
        return;
      case 'node-changed':
        stories.change(message.before, message.after, ctx.now());
        return;
      case 'node-gone':
        stories.end(Number(message.id), ctx.now());
        return;
      case 'call-made':
        stories.call(Number(message.node), message.call);
        return;
      case 'look':
        message.replyTo.reply(history.view(message.after ?? undefined));
        return;
      case 'failed-launches':
        message.replyTo.reply(failedLaunches.all());
        return;
      case 'story':
        message.replyTo.reply(stories.of(message.id));
    }
  },

  describe: ({ history, stories }) => ({ state: `${history.size} marks, ${stories.size} stories` }),
};
