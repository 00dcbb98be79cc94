/**
 * One look at a provider's cloud and at the rows, and what follows: what carries our mark and has no row is removed, and
 * nodes whose server is gone hear of it. Both at the second sighting only.
 */
import { Fault } from '../../domain/fault.js';
import type { Installation, NodeId, ServerId } from '../../domain/ids.js';
import {
  findLeaks,
  findMissing,
  isGone,
  leakedServers,
  leakKey,
  leakKinds,
  Owners,
  type Leak,
  type LeakKind,
  type NeededServer,
  type Sight,
} from '../../domain/leaks.js';
import { massLossMs } from '../../domain/mass-loss.js';
import type { NodeRow } from '../../domain/node-row.js';
import type { SnapshotRow } from '../../domain/snapshot-row.js';
import { isTagOf } from '../../domain/tag.js';
import type { TaskIo } from '../../runtime/actor.js';
import { askCloud } from '../cloud/request.js';
import type { Settings } from '../settings.js';

/** What is remembered of a provider from one sweep to the next. */
export interface Sweeping {
  isUnderWay: boolean;
  /** What was seen, until the rows have been read. */
  seen: Seen | null;
  sweeps: number;
  /** Leaks that were seen once, and when, by their key. */
  suspects: ReadonlyMap<string, { readonly leak: Leak; readonly since: number }>;
  /** Servers that nodes name and that were not seen, since when. */
  missing: ReadonlyMap<ServerId, number>;
  /** Servers that were seen with our mark, the oldest first: Nova may leave their ports behind. */
  readonly ours: Set<ServerId>;
  /** Servers that take room and have no row. */
  leaked: number;
  /** Why nodes without a server are kept for now. */
  doubt: string | null;
}

export function nothingSwept(): Sweeping {
  return {
    isUnderWay: false,
    seen: null,
    sweeps: 0,
    suspects: new Map(),
    missing: new Map(),
    ours: new Set(),
    leaked: 0,
    doubt: null,
  };
}

export interface Seen {
  /** Read before the cloud was asked: a server that they name must be there. */
  readonly before: Rows;
  readonly sight: Sight;
}

/** All rows, read once for all providers. */
export interface Rows {
  readonly nodes: readonly NodeRow[];
  readonly snapshots: readonly SnapshotRow[];
  /** Tags of rows that could not be understood. */
  readonly unread: ReadonlySet<string>;
}

/** Servers always; of the rest what this provider is used for. All of it after a start, when nobody knows what was left. */
export function kindsToLookAt(provider: string, sweeping: Sweeping, settings: Settings): ReadonlySet<LeakKind> {
  if (sweeping.sweeps < sweepsOfAll) return new Set(leakKinds);
  const config = settings.lastKnown.provider(provider);
  const isTimeForAll = sweeping.sweeps % sweepsPerAll === 0;
  const buildsImages = isTimeForAll && (config?.images.length ?? 0) > 0;
  const isUsed: Readonly<Record<LeakKind, boolean>> = {
    server: true,
    address: (config?.pool ?? null) !== null || config?.cleanFloatingIps === true,
    keypair: buildsImages && config?.keypair === null,
    port: isTimeForAll,
    image: buildsImages,
  };
  const suspected = new Set([...sweeping.suspects.values()].map(({ leak }) => leak.kind));
  return new Set(leakKinds.filter(kind => isUsed[kind] || suspected.has(kind)));
}

/** The first sighting and the second. */
const sweepsOfAll = 2;
/** What takes nobody's room is looked for more rarely; what was seen once is looked at again in the next sweep. */
const sweepsPerAll = 10;
const oursMax = 20_000;

/** The rows as a look at any cloud is compared with them: made once for all providers. */
export interface RowIndex {
  readonly owners: Owners;
  /** By node. */
  readonly servers: ReadonlyMap<NodeId, ServerId | null>;
}

export function indexOf({ nodes, snapshots, unread }: Rows): RowIndex {
  return {
    owners: new Owners(nodes, snapshots, unread),
    servers: new Map(nodes.map(({ id, serverId }) => [id, serverId])),
  };
}

/** What is certain by now. */
export interface Findings {
  readonly leaks: readonly Leak[];
  readonly missing: readonly NeededServer[];
}

/**
 * Compares with what the last sweep saw, and remembers what this one saw. The rows were read after the cloud was asked:
 * what is there must be named by them (lesson 11).
 */
export function judge(
  { before, sight }: Seen,
  { owners, servers }: RowIndex,
  sweeping: Sweeping,
  rules: {
    readonly installation: Installation;
    readonly cleansAddresses: boolean;
    readonly now: number;
    readonly againMs: number;
  },
): Findings {
  const { now, againMs, installation } = rules;
  const isOld = (since: number | undefined): boolean => since !== undefined && now - since >= againMs;
  sweeping.sweeps++;
  const there = new Set((sight.server ?? []).map(({ id }) => id));
  const formerServers = sight.server === null ? new Set<ServerId>() : difference(sweeping.ours, there);
  const leaks = findLeaks(sight, { ...rules, owners, formerServers });
  const suspects = new Map(
    leaks.map(leak => [leakKey(leak), { leak, since: sweeping.suspects.get(leakKey(leak))?.since ?? now }]),
  );
  // What could not be seen this time is neither there nor gone.
  for (const [key, suspect] of sweeping.suspects) if (sight[suspect.leak.kind] === null) suspects.set(key, suspect);
  for (const { id, mark } of sight.server ?? [])
    if (mark !== null && isTagOf(installation, mark)) remember(id, sweeping.ours);
  sweeping.suspects = suspects;
  if (sight.server !== null) {
    const ownersBefore = (): Owners => new Owners(before.nodes, before.snapshots, before.unread);
    sweeping.leaked = leakedServers(sight.server, { installation, before: ownersBefore, after: owners });
  }
  return {
    leaks: leaks.filter(leak => isOld(suspects.get(leakKey(leak))?.since)),
    missing:
      sight.server === null
        ? []
        : judgeMissing(findMissing(unchanged(before.nodes, servers), sight.server), sweeping, { now, isOld }),
  };
}

/** Those that have the same server still: what was deleted meanwhile is not missing. */
function unchanged(before: readonly NodeRow[], servers: RowIndex['servers']): readonly NodeRow[] {
  return before.filter(({ id, serverId }) => servers.get(id) === serverId);
}

function judgeMissing(
  { servers, isMassLoss }: ReturnType<typeof findMissing>,
  sweeping: Sweeping,
  { now, isOld }: { readonly now: number; readonly isOld: (since: number | undefined) => boolean },
): readonly NeededServer[] {
  const missing = new Map(servers.map(({ server }) => [server, sweeping.missing.get(server) ?? now]));
  sweeping.missing = missing;
  sweeping.doubt = isMassLoss
    ? `${servers.length} servers of ours are not to be seen, and their nodes kept for now`
    : null;
  return servers.filter(({ server }) => {
    const since = missing.get(server);
    return isOld(since) && (!isMassLoss || now - (since ?? now) >= massLossMs);
  });
}

function difference<T>(all: ReadonlySet<T>, without: ReadonlySet<T>): Set<T> {
  return new Set([...all].filter(each => !without.has(each)));
}

function remember(id: ServerId, ours: Set<ServerId>): void {
  ours.add(id);
  const [oldest] = ours;
  if (ours.size > oursMax && oldest !== undefined) ours.delete(oldest);
}

export interface Cleaned {
  readonly removed: readonly Leak[];
  readonly failed: readonly { readonly leak: Leak; readonly fault: Fault }[];
  /** Asked for alone, and not there. */
  readonly gone: readonly NeededServer[];
}

export async function clean(
  provider: string,
  { leaks, missing }: Findings,
  { settings, task }: { readonly settings: Settings; readonly task: TaskIo },
): Promise<Cleaned> {
  const { serverDelete } = settings.timings;
  const removed: Leak[] = [];
  const failed: { leak: Leak; fault: Fault }[] = [];
  for (const leak of leaks) {
    try {
      await remove(provider, leak, task, serverDelete);
      removed.push(leak);
    } catch (error) {
      // The others go all the same, and this one is tried again at the next sweep (lesson 12).
      if (!(error instanceof Fault)) throw error;
      failed.push({ leak, fault: error });
    }
  }
  const gone: NeededServer[] = [];
  for (const needed of missing) {
    if (await isServerGone(provider, needed.server, { task, deadlineMs: serverDelete })) gone.push(needed);
  }
  return { removed, failed, gone };
}

function remove(provider: string, leak: Leak, task: TaskIo, deadlineMs: number): Promise<void> {
  switch (leak.kind) {
    case 'server':
      return askCloud(task, { provider, op: 'deleteServer', args: [leak.id] }, deadlineMs);
    case 'address':
      return askCloud(task, { provider, op: 'deleteAddress', args: [leak.id] }, deadlineMs);
    case 'keypair':
      return askCloud(task, { provider, op: 'deleteKeypair', args: [leak.id] }, deadlineMs);
    case 'port':
      return askCloud(task, { provider, op: 'deletePort', args: [leak.id] }, deadlineMs);
    case 'image':
      return askCloud(task, { provider, op: 'deleteImage', args: [leak.id] }, deadlineMs);
  }
}

/** A cloud that does not answer has not said that it is gone. */
async function isServerGone(
  provider: string,
  id: ServerId,
  { task, deadlineMs }: { readonly task: TaskIo; readonly deadlineMs: number },
): Promise<boolean> {
  try {
    const server = await askCloud(task, { provider, op: 'getServer', args: [id] }, deadlineMs);
    return server === null || isGone(server.status);
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  }
}
