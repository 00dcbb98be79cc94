/** The rows of an image, and an actor for each. */
import type { SnapshotId } from '../../domain/ids.js';
import type { SnapshotRow } from '../../domain/snapshot-row.js';
import type { TaskOutcome } from '../../runtime/actor.js';
import { storeAddress } from '../addresses.js';
import type { ImageRows } from '../image.js';
import { snapshotActor } from '../snapshot.js';
import { freeImages } from './launches.js';
import { configOf, release, type ImageContext, type ImageState } from './state.js';

const readAgainMs = 5_000;

/** Reads them once the database is there. */
export function readRows(ctx: ImageContext): void {
  ctx.tell(storeAddress, { type: 'subscribe', path: ctx.path, listener: ctx.self });
}

export function startReading(state: ImageState, ctx: ImageContext): void {
  const { provider, image, outside } = state;
  const { shared } = outside.store;
  const hasCanaries = (configOf(state)?.canaries ?? 0) > 0;
  ctx.task(
    'read the rows',
    async (): Promise<ImageRows> => ({
      snapshots: await shared.snapshots({ provider, image }),
      paused: await shared.pausedImages(),
      nodes: hasCanaries ? await shared.nodes({ provider }) : [],
    }),
    outcome => ({ type: 'rows-read', outcome }),
  );
}

export function rowsRead(outcome: TaskOutcome<ImageRows>, state: ImageState, ctx: ImageContext): void {
  if (!outcome.ok) {
    // While the database is away `store-ready` comes first.
    ctx.timer('look', readAgainMs, { type: 'look' });
    return;
  }
  const { snapshots, paused, nodes } = outcome.value;
  ctx.tell(storeAddress, { type: 'unsubscribe', path: ctx.path });
  state.rows = new Map(snapshots.map(row => [row.id, row]));
  state.isPaused = paused.some(each => each.provider === state.provider && each.image === state.image);
  state.buildInHand = snapshots.find(row => row.state === 'building')?.id ?? null;
  noteCanaries(nodes, state, ctx);
  for (const row of snapshots) startActor(row, state, ctx);
}

/** Canaries that were launched before this life, and have not come up yet. */
function noteCanaries(nodes: ImageRows['nodes'], state: ImageState, ctx: ImageContext): void {
  const { candidate } = release(state);
  if (!candidate) return;
  const limitMs = state.settings.lastKnown.provider(state.provider)?.launchTimeoutMs ?? 0;
  for (const { id, snapshotId, state: nodeState } of nodes) {
    if (snapshotId !== candidate.id || nodeState !== 'building') continue;
    state.launches.set(id, { snapshot: candidate.id, until: ctx.now() + limitMs });
  }
}

export function startActor(row: SnapshotRow, state: ImageState, ctx: ImageContext): void {
  const name = String(row.id);
  if (ctx.hasChild(name)) return;
  const { outside, settings, shell } = state;
  const currentSource = release(state).current?.source ?? null;
  const home = { row, outside, settings, shell, currentSource, image: ctx.self, hadLife: false };
  state.snapshots.set(row.id, ctx.spawn(snapshotActor, name, home));
}

/** A row is durable like this. */
export function adopt(row: SnapshotRow, state: ImageState, ctx: ImageContext): void {
  const known = state.rows?.get(row.id);
  if (!state.rows || (known && known.revision > row.revision)) return;
  state.rows.set(row.id, row);
  freeImages(state, ctx);
}

/**
 * What was asked for may be written after it was given up, and a database may lose what it has confirmed: a row has no
 * actor, or an actor no row, or one of them is older than the other, or than what is known here.
 */
export function compareRows(rows: readonly SnapshotRow[], readAt: number, state: ImageState, ctx: ImageContext): void {
  const revisions = new Map(rows.map(({ id, revision }) => [id, revision]));
  for (const [id, ref] of state.snapshots) ref.tell({ type: 'row-seen', revision: revisions.get(id) ?? null });
  for (const row of rows) {
    const goneAt = state.gone.get(row.id);
    if (goneAt !== undefined) {
      if (goneAt < readAt) deleteAgain(row, state, ctx);
      continue;
    }
    if (!state.rows) continue;
    const known = state.rows.get(row.id);
    if (known && known.revision >= row.revision) continue;
    const isNew = known === undefined;
    adopt(row, state, ctx);
    if (isNew && row.state === 'building') state.buildInHand ??= row.id;
    if (isNew) startActor(row, state, ctx);
  }
}

/** The database has lost that it was deleted, when nothing of it was left. */
function deleteAgain({ id }: SnapshotRow, { outside }: ImageState, ctx: ImageContext): void {
  outside.log.warn(`image ${id}: the database had lost that it was deleted`, { actor: ctx.path });
  ctx.task(
    `delete ${id} again`,
    () => outside.store.shared.deleteSnapshot(id),
    () => ({ type: 'deleted-again' }),
  );
}

export function forget(id: SnapshotId, state: ImageState, ctx: ImageContext): void {
  if (state.buildInHand === id) state.buildInHand = null;
  state.gone.set(id, ctx.now());
  state.rows?.delete(id);
  state.snapshots.delete(id);
  freeImages(state, ctx);
}
