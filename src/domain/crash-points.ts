/**
 * Every boundary between an effect in the world and its record. An effect is recorded by a write of a row, so that each
 * boundary is named for what such a write records: the daemon may be killed just before it, when the world has changed
 * and no row says so, or just after it, when the row says so and nobody has acted on it.
 *
 * The list follows the lists of steps: a new step has its points by being a step, and `recordsOfNode` answers with
 * nothing that is not in the list.
 */
import { partsLeft, type DeletePart } from './delete-step.js';
import {
  isLaunchStep,
  launchStepsInOrder,
  type LaunchStep,
  type NodePatch,
  type NodeRow,
  type SubnodePatch,
  type SubnodeRow,
} from './node-row.js';
import {
  buildStepsInOrder,
  removalsLeft,
  uploadStepsInOrder,
  type BuildStep,
  type RemovalPart,
  type SnapshotPatch,
  type SnapshotStep,
} from './snapshot-row.js';
import type { ImageState, NodeState, SubnodeState } from './states.js';
import { isSubnodeStep, subnodeStepsInOrder, type SubnodeStep } from './subnode.js';

export const moments = ['before', 'after'] as const;
export type Moment = (typeof moments)[number];
/** `before launch boot`: the server runs, and its row does not say so yet. */
export type CrashPoint = `${Moment} ${CrashRecord}`;

export type CrashRecord =
  | 'grant'
  | `launch ${StepOf<LaunchStep>}`
  /** The row says that the call will be made, and it has not been made. */
  | `sent ${SentStep}`
  | `node ${Exclude<NodeState, 'building'>}`
  | 'job ended'
  | `delete ${DeletePart | 'row'}`
  | 'subnodes asked'
  | `subnode launch ${SubnodeStep}`
  | `subnode sent ${SentStep}`
  | `subnode ${Exclude<SubnodeState, 'building'>}`
  | 'subnode delete row'
  | 'image asked'
  | `build ${StepOf<BuildStep>}`
  | `image sent ${SentBuildStep}`
  | `image ${Exclude<ImageState, 'building'>}`
  | `remove ${RemovalPart | 'row'}`;

/** Nothing happens in the world at `queued`. */
type StepOf<Step> = Exclude<Step, 'queued'>;
type SentStep = 'create' | 'address';
type SentBuildStep = 'create' | 'snapshot' | 'upload';

/** Records without a mention here do not compile. */
const deletes: Readonly<Record<DeletePart | 'row', true>> = {
  unregister: true,
  servers: true,
  addresses: true,
  row: true,
};
/** In the order of its life: the template server of an image that is ready goes first. */
const imageEnds: Readonly<Record<Extract<CrashRecord, `image ${ImageState}` | `remove ${string}`>, true>> = {
  'image ready': true,
  'remove template': true,
  'image delete': true,
  'remove image': true,
  'remove row': true,
};
const nodeStates: Readonly<Record<Exclude<NodeState, 'building'>, true>> = {
  test: true,
  ready: true,
  used: true,
  hold: true,
  delete: true,
};
const sentSteps: Readonly<Record<SentStep, true>> = { create: true, address: true };
const sentBuildSteps: Readonly<Record<SentBuildStep, true>> = { create: true, snapshot: true, upload: true };

/** In the order of a node's life. */
export const nodeRecords: readonly CrashRecord[] = [
  'grant',
  ...launchStepsInOrder.filter(isStep).flatMap(step => {
    const sent = keys(sentSteps).filter(each => each === step);
    return [...named('sent', sent), ...named('launch', [step])];
  }),
  ...named('node', keys(nodeStates)),
  'job ended',
  ...named('delete', keys(deletes)),
];

/** Those of a node's that only a group, or a script, has. */
export const groupStepRecords: readonly CrashRecord[] = named('launch', ['group', 'files', 'ready-script'] as const);

export const subnodeRecords: readonly CrashRecord[] = [
  'subnodes asked',
  ...subnodeStepsInOrder.flatMap(step => {
    const sent = keys(sentSteps).filter(each => each === step);
    return [...named('subnode sent', sent), ...named('subnode launch', [step])];
  }),
  ...named('subnode', ['ready', 'delete'] as const),
  'subnode delete row',
];

export const imageRecords: readonly CrashRecord[] = [
  'image asked',
  ...[...new Set<BuildStep>([...buildStepsInOrder, ...uploadStepsInOrder, 'start-over'])]
    .filter(isStep)
    .flatMap(step => {
      const sent = keys(sentBuildSteps).filter(each => each === step);
      return [...named('image sent', sent), ...named('build', [step])];
    }),
  ...keys(imageEnds),
];

export const crashPoints: readonly CrashPoint[] = [...nodeRecords, ...subnodeRecords, ...imageRecords].flatMap(
  pointsOf,
);

export function pointsOf(record: CrashRecord): readonly CrashPoint[] {
  return moments.map(moment => `${moment} ${record}` as const);
}

export function isCrashPoint(text: string): text is CrashPoint {
  return crashPoints.some(each => each === text);
}

/** What a change of a node's row records of the world; nothing where it only notes something. */
export function recordsOfNode({ state, step }: Pick<NodeRow, 'state' | 'step'>, patch: NodePatch): string[] {
  const records: string[] = sentBy(patch) ? [`sent ${patch.step ?? step ?? ''}`] : [];
  const isOver = patch.step !== undefined && patch.step !== step && step !== 'queued';
  if (isOver && isLaunchStep(step) && patch.state !== 'delete') records.push(`launch ${step}`);
  if (isOver && state === 'delete') {
    const left = partsLeft(patch.step);
    const done = partsLeft(step).filter(part => !left.includes(part));
    records.push(...done.map(part => `delete ${part}`));
  }
  if (patch.state !== undefined && patch.state !== state) records.push(`node ${patch.state}`);
  if (typeof patch.jobEndedAt === 'number') records.push('job ended');
  return records;
}

/** The same of a subnode's row; what its removal made is recorded by the row's end alone. */
export function recordsOfSubnode({ state, step }: Pick<SubnodeRow, 'state' | 'step'>, patch: SubnodePatch): string[] {
  const records: string[] = sentBy(patch) ? [`subnode sent ${patch.step ?? step ?? ''}`] : [];
  const isOver = patch.step !== undefined && patch.step !== step;
  if (isOver && isSubnodeStep(step) && patch.state !== 'delete') records.push(`subnode launch ${step}`);
  if (patch.state !== undefined && patch.state !== state) records.push(`subnode ${patch.state}`);
  return records;
}

/** The same of an image's row. */
export function recordsOfImage(
  { state, step }: { readonly state: ImageState; readonly step: SnapshotStep | null },
  patch: SnapshotPatch,
): string[] {
  const records: string[] = sentBy(patch) ? [`image sent ${patch.step ?? step ?? ''}`] : [];
  const isOver = patch.step !== undefined && patch.step !== step && step !== 'queued' && step !== null;
  if (isOver && state === 'building' && patch.state !== 'delete') records.push(`build ${step}`);
  if (isOver && state !== 'building' && patch.state === undefined) {
    const left = patch.step === null ? [] : removalsLeft(patch.step);
    const done = removalsLeft(step).filter(part => !left.includes(part));
    records.push(...done.map(part => `remove ${part}`));
  }
  if (patch.state !== undefined && patch.state !== state) records.push(`image ${patch.state}`);
  return records;
}

/** By their name, so that another such column is not forgotten. */
function sentBy(patch: NodePatch | SubnodePatch | SnapshotPatch): boolean {
  return Object.entries(patch).some(([column, value]) => /sentAt$/i.test(column) && typeof value === 'number');
}

function named<Prefix extends string, Name extends string>(
  prefix: Prefix,
  names: readonly Name[],
): readonly `${Prefix} ${Name}`[] {
  return names.map(name => `${prefix} ${name}` as const);
}

function keys<Key extends string>(record: Readonly<Record<Key, true>>): readonly Key[] {
  return Object.keys(record) as Key[];
}

function isStep<Step extends string>(step: Step): step is StepOf<Step> {
  return step !== 'queued';
}
