/** When an image is built: where there is none, on schedule, when it is old, and when somebody asks (reference 12). */
import { newest, releaseOf } from './image.js';
import type { SnapshotRow } from './snapshot-row.js';

export interface BuildQuestion {
  /** The rows of this image. */
  readonly rows: readonly SnapshotRow[];
  /** A build of which nobody has heard yet how it ended. */
  readonly isUnderWay: boolean;
  readonly now: number;
  /** Whether an enabled label is launched from it (lessons 111 and 117). */
  readonly isUsed: boolean;
  /** Why it is not to be built at all. */
  readonly forbidden: string | null;
  /** The schedule has come due since the last build began. */
  readonly isDue: boolean;
  /** An operator asked: neither use nor failures count. */
  readonly isAsked: boolean;
  readonly rebuildAgeMs: number | null;
  /** After failed builds it is left alone until then (lesson 110). */
  readonly restsUntil: number | null;
}

export type BuildAnswer =
  | { readonly kind: 'now'; readonly why: string }
  | { readonly kind: 'at'; readonly at: number; readonly why: string }
  | { readonly kind: 'no'; readonly why: string };

export function whenToBuild(question: BuildQuestion): BuildAnswer {
  const { rows, isUnderWay, now, isUsed, forbidden, isAsked, restsUntil } = question;
  // One build of an image at a time, whoever wants it (lesson 109).
  if (isUnderWay || rows.some(row => row.state === 'building')) return { kind: 'no', why: 'it is being built' };
  if (forbidden !== null) return { kind: 'no', why: forbidden };
  if (isAsked) return { kind: 'now', why: 'an operator asked for it' };
  if (!isUsed) return { kind: 'no', why: 'no enabled label uses it' };
  const wish = wishOf(question);
  if (wish === null) return { kind: 'no', why: 'it is not due' };
  const at = Math.max(wish.at, restsUntil ?? wish.at);
  return at <= now ? { kind: 'now', why: wish.why } : { kind: 'at', at, why: wish.why };
}

function wishOf({ rows, now, isDue, rebuildAgeMs }: BuildQuestion): { at: number; why: string } | null {
  // One that was set back counts, where there is another: it is no reason to build the like of it over and over.
  const last = newest(rows.filter(row => row.state === 'ready'));
  if (last === null) return { at: now, why: 'there is none' };
  if (releaseOf(rows).current === null) return { at: now, why: 'there is none that was not set back' };
  if (isDue) return { at: now, why: 'its schedule is due' };
  if (rebuildAgeMs === null) return null;
  return { at: (last.version ?? 0) * 1000 + rebuildAgeMs, why: 'the newest one is old' };
}

/** Versions are unique and grow, also where two builds begin within one second (lesson 118). */
export function nextVersion(rows: readonly SnapshotRow[], now: number): number {
  return Math.max(Math.floor(now / 1000), ...rows.map(row => (row.version ?? 0) + 1));
}
