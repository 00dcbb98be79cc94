/** The life of a snapshot image, which one is current, and which ones are kept (reference 4.5, 12.4). */
import type { SnapshotId } from './ids.js';
import type { SnapshotRow } from './snapshot-row.js';
import type { ImageState } from './states.js';

export const imageFacts = ['built', 'build-failed', 'not-kept', 'delete-asked'] as const;
export type ImageFact = (typeof imageFacts)[number];

export type ImageDecision =
  | { readonly kind: 'move'; readonly to: ImageState; readonly why: string }
  | { readonly kind: 'ignore'; readonly why: string };

export function decideImage(state: ImageState, fact: ImageFact): ImageDecision {
  return imageTable[state][fact];
}

export const imageTable: Readonly<Record<ImageState, Readonly<Record<ImageFact, ImageDecision>>>> = {
  building: {
    built: { kind: 'move', to: 'ready', why: 'the cloud says that the image is active' },
    'build-failed': { kind: 'move', to: 'delete', why: 'the build failed' },
    'not-kept': { kind: 'move', to: 'delete', why: 'retention does not keep it' },
    'delete-asked': { kind: 'move', to: 'delete', why: 'deletion was asked' },
  },
  ready: {
    built: { kind: 'ignore', why: 'its build is over' },
    'build-failed': { kind: 'ignore', why: 'its build is over' },
    'not-kept': { kind: 'move', to: 'delete', why: 'retention does not keep it' },
    'delete-asked': { kind: 'move', to: 'delete', why: 'deletion was asked' },
  },
  delete: {
    built: { kind: 'ignore', why: 'it is being deleted' },
    'build-failed': { kind: 'ignore', why: 'it is being deleted' },
    'not-kept': { kind: 'ignore', why: 'it is being deleted already' },
    'delete-asked': { kind: 'ignore', why: 'it is being deleted already' },
  },
};

/** Why an image of `cloud-images` has no builds. */
export const ofCloud = 'it is an image of the cloud, and not built here';

/** From which image nodes are launched now. Null: there is none yet. */
export function currentImage(rows: Iterable<SnapshotRow>, provider: string, image: string): SnapshotRow | null {
  return releaseOf([...rows].filter(row => row.provider === provider && row.image === image)).current;
}

/** Where the images of one kind stand. */
export interface Release {
  readonly current: SnapshotRow | null;
  /** Newer than the current one, and on trial. */
  readonly candidate: SnapshotRow | null;
}

/**
 * The newest ready image is current; one on trial only where no other is left. One that was set back never is: a build
 * is wanted rather than an image that is known to be bad.
 */
export function releaseOf(rows: readonly SnapshotRow[]): Release {
  const ready = rows.filter(row => row.state === 'ready');
  const trusted = newest(ready.filter(row => row.standing === null));
  const candidate = newest(ready.filter(row => row.standing === 'trial'));
  if (trusted === null) return { current: candidate, candidate: null };
  return { current: trusted, candidate: candidate !== null && newestFirst(candidate, trusted) < 0 ? candidate : null };
}

/** The newest image, where it was set back: the one before it is still current. */
export function setBack(rows: readonly SnapshotRow[]): SnapshotRow | null {
  const last = newest(rows.filter(row => row.state === 'ready'));
  return last?.standing === 'set-back' ? last : null;
}

export function newest(rows: readonly SnapshotRow[]): SnapshotRow | null {
  return [...rows].sort(newestFirst)[0] ?? null;
}

export interface Retention {
  /** Whether the provider is configured and has such an image. */
  readonly isConfigured: (provider: string, image: string) => boolean;
  /** A row with a live builder is left alone, however old it is (lesson 108). */
  readonly isBeingBuilt: (id: SnapshotId) => boolean;
  readonly imageCleanupMs: number;
}

export interface Kept {
  readonly kept: readonly SnapshotRow[];
  /** To be deleted, or to be deleted again. */
  readonly removed: readonly { readonly row: SnapshotRow; readonly why: string }[];
}

/** Keeps current and previous of every configured image; the rest goes when its age in its state is over the limit. */
export function keep(rows: readonly SnapshotRow[], now: number, retention: Retention): Kept {
  const places = placesOf(rows);
  const kept: SnapshotRow[] = [];
  const removed: { row: SnapshotRow; why: string }[] = [];
  for (const row of rows) {
    const why = whyRemoved(row, now, { ...retention, place: places.get(row.id) ?? null });
    if (why === null) kept.push(row);
    else removed.push({ row, why });
  }
  return { kept, removed };
}

function whyRemoved(row: SnapshotRow, now: number, rule: Retention & { readonly place: number | null }): string | null {
  if (row.state === 'delete') return 'its deletion is not finished';
  if (rule.isBeingBuilt(row.id)) return null;
  if (!rule.isConfigured(row.provider, row.image)) return 'it is no longer configured';
  if (rule.place !== null && rule.place < KEPT_VERSIONS) return null;
  if (row.state === 'ready' && row.standing === 'trial') return null;
  if (now - row.stateTime * 1000 <= rule.imageCleanupMs) return null;
  if (row.state !== 'ready') return 'nobody builds it';
  return row.standing === 'set-back' ? 'it was set back' : 'two newer images are ready';
}

/** Current and previous: deleting a bad current image makes the previous one current at once. */
const KEPT_VERSIONS = 2;

/** 0 for the current image of its kind, 1 for the previous one, and so on; ready ones without a trial only. */
function placesOf(rows: readonly SnapshotRow[]): ReadonlyMap<SnapshotId, number> {
  const seen = new Map<string, number>();
  const places = new Map<SnapshotId, number>();
  const ready = rows.filter(row => row.state === 'ready' && row.standing === null);
  for (const row of ready.sort(newestFirst)) {
    const kind = JSON.stringify([row.provider, row.image]);
    const place = seen.get(kind) ?? 0;
    places.set(row.id, place);
    seen.set(kind, place + 1);
  }
  return places;
}

/** By version; the higher row id decides between equals, which the original could make (lesson 118). */
function newestFirst(a: SnapshotRow, b: SnapshotRow): number {
  return (b.version ?? 0) - (a.version ?? 0) || b.id - a.id;
}
