/** Records of the database as rows of the domain, and patches of the domain as columns. */
import { Fault } from '../domain/fault.js';
import {
  addressId,
  imageId,
  nodeId,
  nodeName,
  serverId,
  snapshotId,
  subnodeId,
  tag,
  watchedJobId,
  type NodeId,
  type Tag,
} from '../domain/ids.js';
import type { NewNode, NodePatch, NodeRow, NodeStep, SubnodePatch, SubnodeRow } from '../domain/node-row.js';
import { fitted } from '../domain/patch.js';
import type { NewSnapshot, SnapshotPatch, SnapshotRow, SnapshotStep, Standing } from '../domain/snapshot-row.js';
import { nodeStates, stateCodes, type NodeState } from '../domain/states.js';
import type { WatchedJob } from '../domain/watched-job.js';
import type { BigintColumn, JobRecord, NodeFields, SnapshotRecord, SubnodeFields } from './models.js';

export function toNodeRow(record: NodeFields): NodeRow {
  return {
    id: nodeId(record.id),
    provider: record.provider_name,
    label: record.label_name,
    target: record.target_name,
    hostname: record.hostname ?? null,
    nodename: known(record.nodename, nodeName),
    serverId: known(record.external_id, serverId),
    az: record.az ?? null,
    ip: record.ip ?? null,
    ipPrivate: record.ip_private ?? null,
    state: readState('node', record, nodeStates),
    stateTime: record.state_time ?? 0,
    manager: record.manager_name ?? null,
    reason: record.comment ?? null,
    step: readWord('step', 'node', record, steps),
    stepAt: readNumber(record.step_at),
    sentAt: readNumber(record.sent_at),
    jobStartedAt: readNumber(record.job_started_at),
    jobEndedAt: readNumber(record.job_ended_at),
    deleteAt: readNumber(record.delete_at),
    groupSize: record.group_size ?? null,
    addressId: known(record.address_id, addressId),
    addressSentAt: readNumber(record.address_sent_at),
    hostKey: record.host_key ?? null,
    snapshotId: known(record.snapshot_id, snapshotId),
    tag: known(record.tag, tag),
    expiry: readNumber(record.expiry),
    lastError: record.last_error ?? null,
    console: record.console ?? null,
    revision: record.revision ?? 0,
    subnodes: (record.subnodes ?? []).map(toSubnodeRow).sort((a, b) => a.id - b.id),
  };
}

export function toSnapshotRow(record: SnapshotRecord): SnapshotRow {
  return {
    id: snapshotId(record.id),
    provider: record.provider_name,
    image: record.image_name,
    hostname: record.hostname ?? null,
    version: record.version ?? null,
    imageId: known(record.external_id, imageId),
    serverId: known(record.server_external_id, serverId),
    state: readState('snapshot_image', record, partialStates),
    stateTime: record.state_time ?? 0,
    step: readWord('step', 'snapshot_image', record, snapshotSteps),
    stepAt: readNumber(record.step_at),
    sentAt: readNumber(record.sent_at),
    tag: known(record.tag, tag),
    ip: record.ip ?? null,
    hostKey: record.host_key ?? null,
    username: record.username ?? null,
    addressId: record.address_id ?? null,
    source: record.source ?? null,
    standing: readWord('standing', 'snapshot_image', record, standings),
    launches: record.launches ?? 0,
    launchFailures: record.launch_failures ?? 0,
    reason: record.reason ?? null,
    lastError: record.last_error ?? null,
    revision: record.revision ?? 0,
  };
}

export function toSubnodeRow(record: SubnodeFields): SubnodeRow {
  return {
    id: subnodeId(record.id),
    nodeId: nodeId(record.node_id),
    hostname: record.hostname ?? null,
    serverId: known(record.external_id, serverId),
    ip: record.ip ?? null,
    ipPrivate: record.ip_private ?? null,
    state: readState('subnode', record, partialStates),
    stateTime: record.state_time ?? 0,
    step: readWord('step', 'subnode', record, steps),
    stepAt: readNumber(record.step_at),
    sentAt: readNumber(record.sent_at),
    addressId: known(record.address_id, addressId),
    addressSentAt: readNumber(record.address_sent_at),
    hostKey: record.host_key ?? null,
    tag: known(record.tag, tag),
    lastError: record.last_error ?? null,
    revision: record.revision ?? 0,
  };
}

export function toWatchedJob({ id, name, hold_on_failure: holdOnFailure }: JobRecord): WatchedJob {
  return { id: watchedJobId(id), name: name ?? '', holdOnFailure: holdOnFailure ?? 0 };
}

/** The columns of a row that a grant writes. */
export function newNodeColumns(node: NewNode, nowMs: number) {
  return {
    provider_name: node.provider,
    label_name: node.label,
    target_name: node.target,
    az: node.az,
    group_size: node.groupSize,
    tag: node.tag,
    state: stateCodes.building,
    state_time: wholeSeconds(nowMs),
    step: 'queued' satisfies NodeStep,
    step_at: nowMs,
    revision: 0,
  };
}

/** The columns of a row that a build begins with. */
export function newSnapshotColumns(snapshot: NewSnapshot, nowMs: number) {
  return {
    provider_name: snapshot.provider,
    image_name: snapshot.image,
    version: snapshot.version,
    tag: snapshot.tag,
    state: stateCodes.building,
    state_time: wholeSeconds(nowMs),
    step: 'queued' satisfies SnapshotStep,
    step_at: nowMs,
    revision: 0,
  };
}

export type Columns = Readonly<Record<string, string | number | null>>;
/** A whole row. */
export type OwnColumns = Columns & { readonly id: number; readonly revision: number };

export function nodeColumns(row: NodeRow): OwnColumns {
  const { provider, label, target, manager } = row;
  const names = { provider_name: provider, label_name: label, target_name: target, manager_name: manager };
  return { ...ownColumns(row, patchedColumns), ...names };
}

export function subnodeColumns(row: SubnodeRow): OwnColumns {
  return { ...ownColumns(row, patchedSubnodeColumns), node_id: row.nodeId, tag: row.tag };
}

export function snapshotColumns(row: SnapshotRow): OwnColumns {
  const { provider, image, version, tag: mark } = row;
  const names = { provider_name: provider, image_name: image, version, tag: mark };
  return { ...ownColumns(row, patchedSnapshotColumns), ...names };
}

/** What is changed of a row, and what its store counts. */
function ownColumns<Key extends string>(
  row: { readonly id: number; readonly state: NodeState; readonly stateTime: number; readonly revision: number } & {
    readonly [key in Key]: string | number | null;
  },
  names: Readonly<Record<Key, string>>,
): OwnColumns {
  const { id, state, stateTime, revision } = row;
  const columns = Object.fromEntries((Object.keys(names) as Key[]).map(key => [names[key], row[key]]));
  return { ...columns, id, revision, state: stateCodes[state], state_time: stateTime };
}

/** A patch as columns, without what the store itself counts. */
export function patchColumns(patch: NodePatch): Columns {
  return columnsOf(patch, patchedColumns);
}

export function subnodePatchColumns(patch: SubnodePatch): Columns {
  return columnsOf(patch, patchedSubnodeColumns);
}

/** The columns of a subnode's row that its node writes. */
export function newSubnodeColumns(node: NodeId, mark: Tag, nowMs: number) {
  return {
    node_id: node,
    tag: mark,
    state: stateCodes.building,
    state_time: wholeSeconds(nowMs),
    step: 'queued' satisfies NodeStep,
    step_at: nowMs,
    revision: 0,
  };
}

export function snapshotPatchColumns(patch: SnapshotPatch): Columns {
  return columnsOf(patch, patchedSnapshotColumns);
}

function columnsOf<Patch extends { readonly state?: NodeState }>(
  patch: Patch,
  names: Readonly<Record<Exclude<keyof Patch, 'state'>, string>>,
): Columns {
  const columns: Record<string, string | number | null> = {};
  const { state, ...rest } = fitted(patch);
  for (const [key, value] of Object.entries(rest) as [keyof typeof names, string | number | null][]) {
    columns[names[key]] = value;
  }
  if (state !== undefined) columns['state'] = stateCodes[state];
  return columns;
}

const patchedSubnodeColumns: Readonly<Record<keyof Omit<Required<SubnodePatch>, 'state'>, string>> = {
  hostname: 'hostname',
  serverId: 'external_id',
  ip: 'ip',
  ipPrivate: 'ip_private',
  step: 'step',
  stepAt: 'step_at',
  sentAt: 'sent_at',
  addressId: 'address_id',
  addressSentAt: 'address_sent_at',
  hostKey: 'host_key',
  lastError: 'last_error',
};

const patchedSnapshotColumns: Readonly<Record<keyof Omit<Required<SnapshotPatch>, 'state'>, string>> = {
  hostname: 'hostname',
  imageId: 'external_id',
  serverId: 'server_external_id',
  step: 'step',
  stepAt: 'step_at',
  sentAt: 'sent_at',
  ip: 'ip',
  hostKey: 'host_key',
  username: 'username',
  addressId: 'address_id',
  source: 'source',
  standing: 'standing',
  launches: 'launches',
  launchFailures: 'launch_failures',
  reason: 'reason',
  lastError: 'last_error',
};

const patchedColumns: Readonly<Record<keyof Omit<Required<NodePatch>, 'state'>, string>> = {
  hostname: 'hostname',
  nodename: 'nodename',
  serverId: 'external_id',
  az: 'az',
  ip: 'ip',
  ipPrivate: 'ip_private',
  reason: 'comment',
  step: 'step',
  stepAt: 'step_at',
  sentAt: 'sent_at',
  jobStartedAt: 'job_started_at',
  jobEndedAt: 'job_ended_at',
  deleteAt: 'delete_at',
  groupSize: 'group_size',
  addressId: 'address_id',
  addressSentAt: 'address_sent_at',
  hostKey: 'host_key',
  snapshotId: 'snapshot_id',
  tag: 'tag',
  expiry: 'expiry',
  lastError: 'last_error',
  console: 'console',
};

/** Whether the record has these values. */
export function hasColumns(record: object, columns: Columns): boolean {
  const found: Readonly<Record<string, unknown>> = { ...record };
  return Object.entries(columns).every(([column, value]) => {
    const actual = found[column] ?? null;
    return typeof value === 'number' ? readNumber(actual as BigintColumn) === value : actual === value;
  });
}

export function wholeSeconds(nowMs: number): number {
  return Math.floor(nowMs / 1000);
}

const partialStates = ['building', 'ready', 'delete'] as const satisfies readonly NodeState[];

interface Stated {
  readonly id: number;
  readonly state?: number | null | undefined;
}

function readState<State extends NodeState>(table: string, record: Stated, allowed: readonly State[]): State {
  const state = allowed.find(name => stateCodes[name] === record.state);
  if (state !== undefined) return state;
  throw new Fault(
    'store.refused',
    `row ${String(record.id)} of ${table} has the unknown state ${String(record.state)}`,
  );
}

const steps: Readonly<Record<NodeStep, true>> = {
  queued: true,
  create: true,
  boot: true,
  address: true,
  ssh: true,
  group: true,
  files: true,
  'ready-script': true,
  register: true,
  'test-job': true,
  relabel: true,
  'unregister+servers': true,
  unregister: true,
  servers: true,
  'unregister+addresses': true,
  addresses: true,
  row: true,
};

const snapshotSteps: Readonly<Record<SnapshotStep, true>> = {
  queued: true,
  keypair: true,
  create: true,
  boot: true,
  address: true,
  login: true,
  setup: true,
  snapshot: true,
  save: true,
  'start-over': true,
  file: true,
  upload: true,
  'template+image': true,
  template: true,
  image: true,
  row: true,
};

const standings: Readonly<Record<Standing, true>> = { trial: true, 'set-back': true };

/** One of the words that the column may hold. */
function readWord<Column extends string, Word extends string>(
  column: Column,
  table: string,
  record: { readonly id: number } & { readonly [name in Column]?: string | null | undefined },
  words: Readonly<Record<Word, true>>,
): Word | null {
  const found: string | null = record[column] ?? null;
  if (found === null || Object.hasOwn(words, found)) return found as Word | null;
  throw new Fault('store.refused', `row ${String(record.id)} of ${table} has the unknown ${column} ${found}`);
}

function known<T extends string | number, Id>(value: T | null | undefined, brand: (value: T) => Id): Id | null {
  return value === null || value === undefined ? null : brand(value);
}

function readNumber(value: BigintColumn): number | null {
  return value === null || value === undefined ? null : Number(value);
}
