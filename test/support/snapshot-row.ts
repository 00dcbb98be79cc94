import { snapshotId } from '../../src/domain/ids.js';
import type { SnapshotRow } from '../../src/domain/snapshot-row.js';

/** What a row has that nobody has written anything of. */
export const emptySnapshot = {
  hostname: null,
  version: null,
  imageId: null,
  serverId: null,
  step: null,
  stepAt: null,
  sentAt: null,
  tag: null,
  ip: null,
  hostKey: null,
  username: null,
  addressId: null,
  source: null,
  standing: null,
  launches: 0,
  launchFailures: 0,
  reason: null,
  lastError: null,
  revision: 0,
} as const satisfies Partial<SnapshotRow>;

/** A ready image `bare` of provider `p`, unless told otherwise. */
export function snapshotRow(id: number, version: number, rest: Partial<SnapshotRow> = {}): SnapshotRow {
  return {
    ...emptySnapshot,
    id: snapshotId(id),
    provider: 'p',
    image: 'bare',
    version,
    state: 'ready',
    stateTime: 0,
    ...rest,
  };
}
