/**
 * Owns    one image of one provider: which image of the cloud its nodes boot from now, when the next one is built, how
 *         a new one does, and which are kept. Each snapshot has an actor of its own below it.
 * Hears   which, launch-ended (node actors), update, pause, status (control), tidy (janitor), row, row-gone, build-ended
 *         (its snapshots), its schedule, store-ready, reconfigured.
 * Tells   its snapshots what becomes of them; the pool whether nodes can be launched; its health to stats; nodes of an
 *         older image that they are to go.
 * Stores  the row of each build, before it begins; whether it is paused.
 * If it dies: its snapshots stop with it, and its next life finds them in the rows; until then the pool believes what it
 *         was told last.
 */
import type { LaunchEnding } from '../domain/canary.js';
import type { Fault } from '../domain/fault.js';
import type { ImageId, NodeId, SnapshotId } from '../domain/ids.js';
import type { NodeRow } from '../domain/node-row.js';
import type { ImageName, SnapshotRow } from '../domain/snapshot-row.js';
import type { ImageOutcome, ImageStatusView } from '../ports/control.js';
import type { Actor, AskOutcome, ReplyTo, TaskOutcome } from '../runtime/actor.js';
import { imageAddress } from './addresses.js';
import type { CloudReply } from './cloud.js';
import { buildEnded, consider, pause, restOver, scheduleDue, update } from './image/builds.js';
import { lookInCloud, resolved } from './image/cloud-image.js';
import { launchEnded, which } from './image/launches.js';
import { replaceOldNodes, tidy } from './image/retention.js';
import { adopt, compareRows, forget, readRows, rowsRead, startReading } from './image/rows.js';
import {
  describeImage,
  newState,
  statusOf,
  type ImageArgs,
  type ImageContext,
  type ImageState,
} from './image/state.js';
import type { StoreNotice } from './store.js';

/** What a node boots from. `snapshot` null: an image of the cloud, which is not ours. */
export interface BootImage {
  readonly imageId: ImageId;
  readonly snapshot: SnapshotId | null;
}

/** How a build came to its end; called off where its image is not wanted, or not wanted any more. */
export type BuildEnding = 'ready' | { readonly calledOff: string; readonly isUnneeded: boolean } | Fault;

export type ImageMessage =
  | { readonly type: 'which'; readonly node: NodeId; readonly replyTo: ReplyTo<BootImage | null> }
  | {
      readonly type: 'launch-ended';
      readonly node: NodeId;
      readonly snapshot: SnapshotId | null;
      readonly ending: LaunchEnding;
    }
  | { readonly type: 'update'; readonly replyTo: ReplyTo<ImageOutcome> }
  | { readonly type: 'pause'; readonly isPaused: boolean; readonly replyTo: ReplyTo<ImageOutcome> }
  | { readonly type: 'status'; readonly replyTo: ReplyTo<ImageStatusView> }
  /** Its rows, and the nodes of this provider that are launched from it, from one read that began at this time. */
  | {
      readonly type: 'tidy';
      readonly rows: readonly SnapshotRow[];
      readonly nodes: readonly NodeRow[];
      readonly readAt: number;
    }
  | { readonly type: 'row'; readonly row: SnapshotRow }
  | { readonly type: 'row-gone'; readonly id: SnapshotId }
  | { readonly type: 'build-ended'; readonly id: SnapshotId; readonly ending: BuildEnding }
  | { readonly type: 'schedule-due' }
  | { readonly type: 'look-at-schedule' }
  | { readonly type: 'rest-over' }
  | { readonly type: 'look' }
  | { readonly type: 'deleted-again' }
  | { readonly type: 'reconfigured' }
  | { readonly type: 'resolved'; readonly outcome: AskOutcome<CloudReply<ImageId>> }
  | { readonly type: 'rows-read'; readonly outcome: TaskOutcome<ImageRows> }
  | StoreNotice;

export interface ImageRows {
  readonly snapshots: readonly SnapshotRow[];
  readonly paused: readonly ImageName[];
  /** Of the provider, where canaries may be among them. */
  readonly nodes: readonly NodeRow[];
}

export const imageActor: Actor<ImageMessage, ImageState, ImageArgs> = {
  kind: 'image',
  isDynamic: true,

  init(ctx, args) {
    ctx.register(imageAddress(args.provider, args.image));
    const state = newState(args);
    look(state, ctx);
    return state;
  },

  async handle(message, state, ctx) {
    switch (message.type) {
      case 'which':
        which(message, state, ctx.now());
        return;
      case 'launch-ended':
        launchEnded(message, state, ctx);
        return;
      case 'update':
        await update(message.replyTo, state, ctx);
        return;
      case 'pause':
        await pause(message, state, ctx);
        return;
      case 'status':
        message.replyTo.reply(statusOf(state, ctx.now()));
        return;
      case 'tidy':
        compareRows(message.rows, message.readAt, state, ctx);
        tidy(state, ctx);
        replaceOldNodes(message.nodes, state, ctx);
        return;
      case 'row':
        adopt(message.row, state, ctx);
        await consider(state, ctx);
        return;
      case 'row-gone':
        forget(message.id, state, ctx);
        await consider(state, ctx);
        return;
      case 'build-ended':
        buildEnded(message, state, ctx);
        await consider(state, ctx);
        return;
      case 'schedule-due':
      case 'look-at-schedule':
        scheduleDue(message.type === 'schedule-due', state, ctx);
        await consider(state, ctx);
        return;
      case 'rest-over':
        restOver(state);
        await consider(state, ctx);
        return;
      case 'look':
      case 'reconfigured':
        look(state, ctx);
        await consider(state, ctx);
        return;
      case 'store-ready':
        state.installation = message.installation;
        if (state.rows === null) startReading(state, ctx);
        return;
      case 'store-away':
      case 'deleted-again':
        return;
      case 'resolved':
        resolved(message.outcome, state, ctx);
        return;
      case 'rows-read':
        rowsRead(message.outcome, state, ctx);
        await consider(state, ctx);
    }
  },

  async onStop({ shell }) {
    await shell.close();
  },

  describe: describeImage,
};

/** The configuration may have made one kind of image of the other. */
function look(state: ImageState, ctx: ImageContext): void {
  const image = state.settings.image(state.provider, state.image);
  if (state.rows === null) readRows(ctx);
  if (image?.source === 'cloud') lookInCloud(image, state, ctx);
  else scheduleDue(false, state, ctx);
}
