/** Rows as JSON (DESIGN 5): ids are numbers, missing is null, ages in seconds. `ports/control` names the same shapes. */
import { firstLine } from './first-line.js';
import { withNext } from './fault.js';
import type { NodeRow } from './node-row.js';
import type { SnapshotRow } from './snapshot-row.js';

/** `now` in epoch milliseconds. */
export function nodeView(row: NodeRow, now: number) {
  return {
    id: Number(row.id),
    provider: row.provider,
    az: row.az,
    label: row.label,
    target: row.target,
    hostname: row.hostname,
    nodename: row.nodename,
    serverId: row.serverId,
    ip: row.ip,
    ipPrivate: row.ipPrivate,
    state: row.state,
    step: row.step,
    ageSeconds: ageSeconds(row.stateTime, now),
    // An error may have a whole output behind its first line.
    reason: row.reason ?? (row.lastError === null ? null : withNext(firstLine(row.lastError))),
    subnodes: row.subnodes.map(subnode => ({
      id: Number(subnode.id),
      serverId: subnode.serverId,
      hostname: subnode.hostname,
      ip: subnode.ip,
      state: subnode.state,
      step: subnode.step,
    })),
  };
}

/** One node with all that its row tells of its launch and its end. Times are epoch milliseconds. */
export function nodeDetail(row: NodeRow, now: number) {
  return {
    ...nodeView(row, now),
    stepAt: row.stepAt,
    sentAt: row.sentAt,
    jobStartedAt: row.jobStartedAt,
    jobEndedAt: row.jobEndedAt,
    deleteAt: row.deleteAt,
    expiry: row.expiry,
    snapshotId: row.snapshotId === null ? null : Number(row.snapshotId),
    addressId: row.addressId,
    hostKey: row.hostKey,
    tag: row.tag,
    lastError: row.lastError,
    console: row.console,
  };
}

export function imageView(row: SnapshotRow, now: number) {
  return {
    id: Number(row.id),
    provider: row.provider,
    image: row.image,
    hostname: row.hostname,
    version: row.version,
    imageId: row.imageId,
    serverId: row.serverId,
    state: row.state,
    ageSeconds: ageSeconds(row.stateTime, now),
    step: row.step,
    standing: row.standing,
    reason: row.reason ?? row.lastError,
    launches: row.launches,
    launchFailures: row.launchFailures,
  };
}

/** Whole seconds in the state; a clock that was set back makes none negative. */
export function ageSeconds(stateTime: number, now: number): number {
  return Math.max(0, Math.floor(now / 1000) - stateTime);
}
