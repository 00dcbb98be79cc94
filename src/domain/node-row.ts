/**
 * What the database remembers of a node and a subnode. Missing is null. Times are epoch milliseconds
 * except `stateTime`, which the original keeps in whole seconds (reference 4.2).
 */
import type { AddressId, NodeId, NodeName, ServerId, SnapshotId, SubnodeId, Tag } from './ids.js';
import type { NodeState, SubnodeState } from './states.js';

/** The steps of a launch, in order. The one on the row comes next; null where no launch is under way. */
export const launchStepsInOrder = [
  'queued',
  'create',
  'boot',
  'address',
  'ssh',
  'group',
  'files',
  'ready-script',
  'register',
  'test-job',
  'relabel',
] as const;
export type LaunchStep = (typeof launchStepsInOrder)[number];
/**
 * A delete takes the slave out of Jenkins and the servers, then their addresses, out of the cloud side by side; the step
 * is what remains.
 */
export type DeleteStep = 'unregister+servers' | 'unregister+addresses' | 'unregister' | 'servers' | 'addresses' | 'row';
export type NodeStep = LaunchStep | DeleteStep;

export function isLaunchStep(step: NodeStep | null): step is LaunchStep {
  return launchStepsInOrder.some(each => each === step);
}

/** Whether the step is one of a launch, and comes before this one. */
export function isBefore(step: NodeStep | null, other: LaunchStep): boolean {
  const place = launchStepsInOrder.findIndex(each => each === step);
  return place !== -1 && place < launchStepsInOrder.indexOf(other);
}

export interface NodeRow {
  readonly id: NodeId;
  readonly provider: string;
  readonly label: string;
  readonly target: string;
  readonly hostname: string | null;
  readonly nodename: NodeName | null;
  readonly serverId: ServerId | null;
  readonly az: string | null;
  readonly ip: string | null;
  readonly ipPrivate: string | null;
  readonly state: NodeState;
  /** When the state began, whole epoch seconds. */
  readonly stateTime: number;
  /** Name of a Gearman manager (0.3). */
  readonly manager: string | null;
  /** Why it is held (column `comment` of 0.3, so that the original shows it too). */
  readonly reason: string | null;
  readonly step: NodeStep | null;
  /** When the step began. */
  readonly stepAt: number | null;
  /** When the create call was sent; set before the call. */
  readonly sentAt: number | null;
  /** When its job started. */
  readonly jobStartedAt: number | null;
  /** When the job on it ended. */
  readonly jobEndedAt: number | null;
  /** When it is to be deleted: the end of the delete delay. */
  readonly deleteAt: number | null;
  /** Servers of the group, the primary included. Null on rows of the original. */
  readonly groupSize: number | null;
  /** The cloud's id of its floating address. */
  readonly addressId: AddressId | null;
  /** When a floating address was asked for; set before the call. Null: it needs none of its own. */
  readonly addressSentAt: number | null;
  readonly hostKey: string | null;
  /** The snapshot that its servers boot from. Null: an image of the cloud, or a row of the original. */
  readonly snapshotId: SnapshotId | null;
  readonly tag: Tag | null;
  /** When a hold ends by itself. */
  readonly expiry: number | null;
  /** The last failure, for people. */
  readonly lastError: string | null;
  /** The last that the machine wrote on its console before its launch failed. */
  readonly console: string | null;
  /** Counts the changes of the row. */
  readonly revision: number;
  readonly subnodes: readonly SubnodeRow[];
}

export interface SubnodeRow {
  readonly id: SubnodeId;
  readonly nodeId: NodeId;
  readonly hostname: string | null;
  readonly serverId: ServerId | null;
  readonly ip: string | null;
  readonly ipPrivate: string | null;
  readonly state: SubnodeState;
  readonly stateTime: number;
  readonly step: NodeStep | null;
  readonly stepAt: number | null;
  readonly sentAt: number | null;
  readonly addressId: AddressId | null;
  readonly addressSentAt: number | null;
  readonly hostKey: string | null;
  readonly tag: Tag | null;
  readonly lastError: string | null;
  readonly revision: number;
}

/** The columns of a subnode that its actor changes. `stateTime` follows `state` by itself, `revision` is counted. */
export type SubnodePatch = Partial<
  Pick<
    SubnodeRow,
    | 'hostname'
    | 'serverId'
    | 'ip'
    | 'ipPrivate'
    | 'state'
    | 'step'
    | 'stepAt'
    | 'sentAt'
    | 'addressId'
    | 'addressSentAt'
    | 'hostKey'
    | 'lastError'
  >
>;

/** What a grant writes: everything that counts depend on is set at insert (lesson 85). */
export interface NewNode {
  readonly provider: string;
  readonly label: string;
  readonly target: string;
  readonly az: string | null;
  readonly groupSize: number;
  readonly tag: Tag;
}

/** The columns of a node that its actor changes. `stateTime` follows `state` by itself, `revision` is counted. */
export type NodePatch = Partial<
  Pick<
    NodeRow,
    | 'hostname'
    | 'nodename'
    | 'serverId'
    | 'az'
    | 'ip'
    | 'ipPrivate'
    | 'state'
    | 'reason'
    | 'step'
    | 'stepAt'
    | 'sentAt'
    | 'jobStartedAt'
    | 'jobEndedAt'
    | 'deleteAt'
    | 'groupSize'
    | 'addressId'
    | 'addressSentAt'
    | 'hostKey'
    | 'snapshotId'
    | 'tag'
    | 'expiry'
    | 'lastError'
    | 'console'
  >
>;
