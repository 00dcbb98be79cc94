/**
 * What the database remembers of a snapshot image, and the steps of its making and its end. Missing is null. Times are
 * epoch milliseconds except `version` and `stateTime`, which the original keeps in whole seconds (reference 4.2).
 */
import type { ImageId, ServerId, SnapshotId, Tag } from './ids.js';
import type { ImageState } from './states.js';

/** The steps of a build on a template server, in order (reference 12.3). The one on the row comes next. */
export const buildStepsInOrder = [
  'queued',
  'keypair',
  'create',
  'boot',
  'address',
  'login',
  'setup',
  'snapshot',
  'save',
] as const;
/** A disk image is made on this machine and sent. */
export const uploadStepsInOrder = ['queued', 'file', 'upload', 'save'] as const;
export type BuildStep =
  | (typeof buildStepsInOrder)[number]
  | (typeof uploadStepsInOrder)[number]
  /** A setup that was interrupted cannot be gone on with: its server goes, and another one is made. */
  | 'start-over';
/** What remains to be taken away of an image that is deleted, side by side; `template` also once it is ready. */
export type RemovalStep = 'template+image' | 'template' | 'image' | 'row';
export type SnapshotStep = BuildStep | RemovalStep;

/** Whether nodes may boot from an image that is ready. Null: like any other. */
export type Standing =
  /** The next launches are its canaries. */
  | 'trial'
  /** More of its canaries failed than of its predecessor's launches. */
  | 'set-back';

export interface SnapshotRow {
  readonly id: SnapshotId;
  readonly provider: string;
  readonly image: string;
  /** Of the template server and of the snapshot. */
  readonly hostname: string | null;
  /** Epoch seconds at the start of the build; the newest ready one is current. */
  readonly version: number | null;
  readonly imageId: ImageId | null;
  /** The template server. */
  readonly serverId: ServerId | null;
  readonly state: ImageState;
  readonly stateTime: number;
  readonly step: SnapshotStep | null;
  readonly stepAt: number | null;
  /** When the call was sent that makes what the step is about; set before the call. */
  readonly sentAt: number | null;
  /** Our mark on the template server and on the image in the cloud. Null on rows of the original. */
  readonly tag: Tag | null;
  /** Of the template server. */
  readonly ip: string | null;
  readonly hostKey: string | null;
  /** Who may log in there. */
  readonly username: string | null;
  /** The cloud's id of its floating address. */
  readonly addressId: string | null;
  /** What it was made of: the file of a disk image, as it was then. */
  readonly source: string | null;
  readonly standing: Standing | null;
  /** Launches from it whose end is known, and how many of them failed because of it; counted where images have canaries. */
  readonly launches: number;
  readonly launchFailures: number;
  /** Why it stands as it does, for people. */
  readonly reason: string | null;
  /** The last failure, for people. */
  readonly lastError: string | null;
  /** Counts the changes of the row. */
  readonly revision: number;
}

/** An image of a provider, by the names of the configuration. */
export interface ImageName {
  readonly provider: string;
  readonly image: string;
}

/** What a build begins with: written before anything is made (lesson 15). */
export interface NewSnapshot {
  readonly provider: string;
  readonly image: string;
  readonly version: number;
  readonly tag: Tag;
}

/** The columns that the image's actor changes. `stateTime` follows `state` by itself, `revision` is counted. */
export type SnapshotPatch = Partial<
  Pick<
    SnapshotRow,
    | 'hostname'
    | 'imageId'
    | 'serverId'
    | 'state'
    | 'step'
    | 'stepAt'
    | 'sentAt'
    | 'ip'
    | 'hostKey'
    | 'username'
    | 'addressId'
    | 'source'
    | 'standing'
    | 'launches'
    | 'launchFailures'
    | 'reason'
    | 'lastError'
  >
>;

export type RemovalPart = 'template' | 'image';

/** The parts that a row still asks for. A row that the original left in `delete` names no step: both. */
export function removalsLeft(step: SnapshotStep | null): readonly RemovalPart[] {
  switch (step) {
    case 'template':
    case 'image':
      return [step];
    case 'row':
      return [];
    default:
      return ['template', 'image'];
  }
}

export function removalWithout(step: SnapshotStep | null, part: RemovalPart): RemovalStep {
  const [left] = removalsLeft(step).filter(each => each !== part);
  return left ?? 'row';
}

/** Where a removal begins. The template server of an image that is ready is gone, unless its row says otherwise. */
export function firstRemoval(row: Pick<SnapshotRow, 'state' | 'step' | 'tag'>): RemovalStep {
  const isClean = row.state === 'ready' && row.step === null && row.tag !== null;
  return isClean ? 'image' : 'template+image';
}
