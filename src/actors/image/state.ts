/** An image's actor from inside. */
import { withNext } from '../../domain/fault.js';
import type { ImageId, Installation, NodeId, SnapshotId } from '../../domain/ids.js';
import { ofCloud, releaseOf, type Release } from '../../domain/image.js';
import type { SnapshotImageConfig } from '../../domain/pool-config.js';
import type { SnapshotRow } from '../../domain/snapshot-row.js';
import { imageView } from '../../domain/views.js';
import type { ImageStatusView } from '../../ports/control.js';
import type { Outside } from '../../ports/outside.js';
import type { ShellPort } from '../../ports/shell.js';
import type { Context, Description, Ref, ReplyTo } from '../../runtime/actor.js';
import { poolAddress, statsAddress } from '../addresses.js';
import type { BootImage, ImageMessage } from '../image.js';
import type { Settings } from '../settings.js';
import type { SnapshotMessage } from '../snapshot.js';

export interface ImageArgs {
  readonly provider: string;
  readonly image: string;
  readonly outside: Outside;
  readonly settings: Settings;
}

/** A launch that was told what to boot from, and has not told how it went. */
export interface Launch {
  readonly snapshot: SnapshotId;
  /** Nobody waits for its end any longer. */
  readonly until: number;
}

export interface ImageState extends ImageArgs {
  readonly shell: ShellPort;
  /** Of an image of the cloud. */
  inCloud: ImageId | null;
  /** Whether the cloud, or the table, has said which one there is. */
  isKnown: boolean;
  /** They asked before that. */
  readonly asking: { readonly node: NodeId; readonly replyTo: ReplyTo<BootImage | null> }[];
  /** Why there is none, or why it could not be looked for. */
  trouble: string | null;
  /** Of the looks in the cloud, in a row. */
  looksFailed: number;

  /** Known once the database has been reached. */
  installation: Installation | null;
  /** Null until the table has been read, and after a write of which nobody knows whether it took effect. */
  rows: Map<SnapshotId, SnapshotRow> | null;
  /** Rows that are no more: a list may have been read before. */
  readonly gone: Map<SnapshotId, number>;
  readonly snapshots: Map<SnapshotId, Ref<SnapshotMessage>>;
  readonly launches: Map<NodeId, Launch>;
  isPaused: boolean;
  /** Its end has not been heard of. */
  buildInHand: SnapshotId | null;
  /** The schedule has come due since the last build began. */
  isDue: boolean;
  /** Failed builds in a row, and until when the next one waits. */
  buildsFailed: number;
  restsUntil: number | null;
  lastBuild: LastBuild | null;
  /** When there is something to be built, or why not. */
  plan: string;
}

export interface LastBuild {
  readonly id: SnapshotId;
  readonly isReady: boolean;
  /** Why it is not ready. */
  readonly reason: string | null;
  readonly at: number;
}

export type ImageContext = Context<ImageMessage>;

export function newState(args: ImageArgs): ImageState {
  return {
    ...args,
    shell: args.outside.openShell(args.provider),
    inCloud: null,
    isKnown: false,
    asking: [],
    trouble: 'looking for it',
    looksFailed: 0,
    installation: null,
    rows: null,
    gone: new Map(),
    snapshots: new Map(),
    launches: new Map(),
    isPaused: false,
    buildInHand: null,
    isDue: false,
    buildsFailed: 0,
    restsUntil: null,
    lastBuild: null,
    plan: '',
  };
}

/** The configuration of an image that is built here. */
export function configOf({ settings, provider, image }: ImageState): SnapshotImageConfig | null {
  const found = settings.image(provider, image);
  return found?.source === 'snapshot' ? found : null;
}

export function rowsOf({ rows }: ImageState): readonly SnapshotRow[] {
  return [...(rows?.values() ?? [])];
}

export function release(state: ImageState): Release {
  return releaseOf(rowsOf(state));
}

/** What launches are given now, but for canaries. */
export function current(state: ImageState): BootImage | null {
  if (state.settings.image(state.provider, state.image)?.source === 'cloud') {
    return state.inCloud === null ? null : { imageId: state.inCloud, snapshot: null };
  }
  const row = release(state).current;
  return row?.imageId ? { imageId: row.imageId, snapshot: row.id } : null;
}

export function tellPool(usable: BootImage | null, trouble: string | null, state: ImageState, ctx: ImageContext): void {
  const { provider, image } = state;
  state.trouble = trouble;
  const isUsable = usable !== null;
  ctx.tell(poolAddress, { type: 'image', provider, image, isUsable, trouble, buildServers: buildServers(state) });
  ctx.tell(statsAddress, {
    type: 'dependency',
    name: `providers/${provider}/images/${image}`,
    reason: trouble,
    isVital: false,
  });
}

/** A build takes its room from the beginning, so that it is not given away before its server is asked for (lesson 43). */
function buildServers(state: ImageState): number {
  const isOnServer = configOf(state)?.diskimage === null;
  // A ready image keeps the name of the server that it was made on, and has a step while that is being deleted.
  const isTaken = ({ state: at, step, serverId, imageId }: SnapshotRow): boolean =>
    step !== null && (serverId !== null || (isOnServer && at === 'building' && imageId === null));
  return rowsOf(state).filter(isTaken).length;
}

export function statusOf(state: ImageState, now: number): ImageStatusView {
  const { provider, image, lastBuild, plan, restsUntil } = state;
  const { current: row, candidate } = release(state);
  const view = (each: SnapshotRow | null) => (each ? imageView(each, now) : null);
  return {
    provider,
    image,
    current: view(row),
    candidate: view(candidate),
    building: rowsOf(state)
      .filter(each => each.state === 'building')
      .map(each => imageView(each, now)),
    isPaused: state.isPaused,
    plan: state.settings.image(provider, image)?.source === 'cloud' ? ofCloud : plan,
    restsUntil,
    lastBuild: lastBuild && { ...lastBuild, id: Number(lastBuild.id) },
  };
}

/** One line for people: what is booted from, what is being made, and what is wrong. */
export function describeImage(state: ImageState): Description {
  const usable = current(state);
  const { candidate } = release(state);
  const building = rowsOf(state).find(row => row.state === 'building');
  const parts = [
    ...(usable ? [`usable: ${usable.imageId}`] : []),
    ...(candidate ? [`on trial: ${candidate.id}`] : []),
    ...(building ? [`building ${building.id}`] : []),
    ...(state.trouble === null ? [] : [withNext(state.trouble)]),
    ...(state.isPaused ? ['paused'] : []),
  ];
  return { state: parts.join('; ') };
}
