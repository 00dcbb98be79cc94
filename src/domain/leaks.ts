/**
 * What is in a cloud and carries our mark, and has no row. Anything without our mark is somebody else's, whatever its
 * name, because projects are shared. A thing is looked at before the rows are read, and its row is written before the
 * thing is made, so what has no row then never will have one (lesson 11); it is believed at its second sighting.
 */
import type { AddressId, ImageId, Installation, NodeId, PortId, ServerId, Tag } from './ids.js';
import { isMassLoss } from './mass-loss.js';
import type { NodeRow } from './node-row.js';
import type { SnapshotRow } from './snapshot-row.js';
import { isTagOf } from './tag.js';

export const leakKinds = ['server', 'address', 'keypair', 'port', 'image'] as const;
export type LeakKind = (typeof leakKinds)[number];

/** What was seen of a cloud, in the words of `ports/cloud`. Null: not asked, or not answered. */
export interface Sight {
  readonly server: readonly SeenServer[] | null;
  readonly address: readonly SeenAddress[] | null;
  readonly keypair: readonly { readonly name: string }[] | null;
  readonly port: readonly SeenPort[] | null;
  readonly image: readonly SeenImage[] | null;
}

export interface SeenServer {
  readonly id: ServerId;
  readonly name: string;
  readonly status: string;
  readonly mark: string | null;
}

interface SeenAddress {
  readonly id: AddressId;
  readonly ip: string;
  readonly serverId: ServerId | null;
  readonly tag: Tag | null;
}

interface SeenPort {
  readonly id: PortId;
  readonly serverId: ServerId | null;
  readonly tag: Tag | null;
}

interface SeenImage {
  readonly id: ImageId;
  readonly name: string;
  readonly mark: string | null;
}

export type Leak =
  | { readonly kind: 'server'; readonly id: ServerId; readonly name: string }
  | { readonly kind: 'address'; readonly id: AddressId; readonly name: string }
  | { readonly kind: 'keypair'; readonly id: string; readonly name: string }
  | { readonly kind: 'port'; readonly id: PortId; readonly name: string }
  | { readonly kind: 'image'; readonly id: ImageId; readonly name: string };

export interface LeakRules {
  readonly installation: Installation;
  readonly owners: Owners;
  /** Servers of ours that are gone: what Nova left of them is ours. */
  readonly formerServers: ReadonlySet<ServerId>;
  /** The operator says that every address of the project that is attached to nothing may go (lesson 7). */
  readonly cleansAddresses: boolean;
}

export function findLeaks(sight: Sight, rules: LeakRules): readonly Leak[] {
  const { owners, installation, formerServers } = rules;
  const isOurs = (mark: string | null): mark is string => mark !== null && isTagOf(installation, mark);
  const isLeaked = (kind: LeakKind, mark: string | null, id: string): boolean =>
    isOurs(mark) && !owners.claim(kind, mark, id);
  return [
    ...(sight.server ?? [])
      .filter(({ id, mark, status }) => isLeaked('server', mark, id) && !isGone(status))
      .map(({ id, name }) => ({ kind: 'server' as const, id, name })),
    ...(sight.address ?? [])
      .filter(({ id, tag, serverId }) => {
        const isUnused = rules.cleansAddresses && serverId === null && !owners.namesAddress(id);
        return isLeaked('address', tag, id) || (isUnused && !isOurs(tag));
      })
      .map(({ id, ip }) => ({ kind: 'address' as const, id, name: ip })),
    ...(sight.keypair ?? [])
      .filter(({ name }) => isLeaked('keypair', name, name))
      .map(({ name }) => ({ kind: 'keypair' as const, id: name, name })),
    ...(sight.port ?? [])
      .filter(({ id, tag, serverId }) => {
        const isLeft = serverId !== null && formerServers.has(serverId) && !owners.namesServer(serverId);
        return isLeaked('port', tag, id) || isLeft;
      })
      .map(({ id }) => ({ kind: 'port' as const, id, name: id })),
    ...(sight.image ?? [])
      .filter(({ id, mark }) => isLeaked('image', mark, id))
      .map(({ id, name }) => ({ kind: 'image' as const, id, name })),
  ];
}

/**
 * How many servers of ours take room that no row counts. One that had a row when the look began has been deleted since,
 * and is gone: the row goes last.
 */
export function leakedServers(
  servers: readonly SeenServer[],
  {
    installation,
    before,
    after,
  }: { readonly installation: Installation; readonly before: () => Owners; readonly after: Owners },
): number {
  const unclaimed = servers.filter(({ id, mark, status }) => {
    const isOurs = mark !== null && isTagOf(installation, mark);
    return isOurs && !isGone(status) && !after.claim('server', mark, id);
  });
  if (unclaimed.length === 0) return 0;
  const owners = before();
  return unclaimed.filter(({ id, mark }) => mark !== null && !owners.claim('server', mark, id)).length;
}

/** Clouds list servers for a while after they are gone. */
export function isGone(status: string): boolean {
  return status === 'DELETED' || status === 'SOFT_DELETED';
}

export function leakKey({ kind, id }: Leak): string {
  return `${kind} ${id}`;
}

/** What of one mark a row has: the id that it names, none, or whichever is there, because it may not know it yet. */
const whichever = Symbol('whichever');
type Claim = string | null | typeof whichever;
type Claims = Readonly<Record<LeakKind, Claim>>;

/** Which row has what. */
export class Owners {
  readonly #byTag = new Map<string, Claims>();
  readonly #servers = new Set<string>();
  readonly #addresses = new Set<string>();
  readonly #unread: ReadonlySet<string>;

  /** What carries a tag of an `unread` row has an owner, of whom nothing else is known. */
  constructor(nodes: readonly NodeRow[], snapshots: readonly SnapshotRow[], unread: ReadonlySet<string>) {
    this.#unread = unread;
    for (const row of nodes) {
      this.#note(row, claimsOfNode(row));
      for (const subnode of row.subnodes) this.#note(subnode, claimsOfNode(subnode));
    }
    for (const row of snapshots) this.#note(row, claimsOfSnapshot(row));
  }

  /** Whether a row has the thing. */
  claim(kind: LeakKind, mark: string, id: string): boolean {
    const claim = this.#unread.has(mark) ? whichever : (this.#byTag.get(mark)?.[kind] ?? null);
    return claim === whichever || claim === id;
  }

  namesServer(id: ServerId): boolean {
    return this.#servers.has(id);
  }

  namesAddress(id: AddressId): boolean {
    return this.#addresses.has(id);
  }

  #note(
    row: { readonly tag: Tag | null; readonly serverId: string | null; readonly addressId: string | null },
    claims: Claims,
  ): void {
    if (row.tag !== null) this.#byTag.set(row.tag, claims);
    if (row.serverId !== null) this.#servers.add(row.serverId);
    if (row.addressId !== null) this.#addresses.add(row.addressId);
  }
}

const nothing: Claims = { server: null, address: null, keypair: null, port: null, image: null };

function claimsOfNode({
  serverId,
  addressId,
  addressSentAt,
}: Pick<NodeRow, 'serverId' | 'addressId' | 'addressSentAt'>): Claims {
  const address = addressId ?? (addressSentAt === null ? null : whichever);
  return { ...nothing, server: serverId ?? whichever, address, port: whichever };
}

/** Of an image that is ready, and from whose build nothing remains to be removed, there is the image alone. */
function claimsOfSnapshot({ state, step, serverId, addressId, imageId }: SnapshotRow): Claims {
  if (state === 'ready' && step === null) return { ...nothing, image: imageId ?? whichever };
  return {
    server: serverId ?? whichever,
    address: addressId ?? whichever,
    keypair: whichever,
    port: whichever,
    image: imageId ?? whichever,
  };
}

// ── The other direction ──────────────────────────────────────────────────────────────────────────────────────────

/** A server, and the node that needs it. */
export interface NeededServer {
  readonly node: NodeId;
  readonly server: ServerId;
}

export interface Missing {
  readonly servers: readonly NeededServer[];
  /** So many at once that the cloud itself is doubted. */
  readonly isMassLoss: boolean;
}

/** Servers that nodes name, and a list does not have that was asked for after the nodes were read. */
export function findMissing(rows: readonly NodeRow[], servers: readonly SeenServer[]): Missing {
  const there = new Set(servers.flatMap(({ id, status }) => (isGone(status) ? [] : [id])));
  const needed = rows.flatMap(neededServers);
  const missing = needed.filter(({ server }) => !there.has(server));
  return { servers: missing, isMassLoss: isMassLoss(missing.length, needed.length) };
}

/** Its own, and those of its group; the launch of a subnode sees to the server of that one. */
function neededServers({ id: node, state, serverId, subnodes }: NodeRow): readonly NeededServer[] {
  if (state === 'delete') return [];
  const members = subnodes.filter(subnode => subnode.state === 'ready').map(subnode => subnode.serverId);
  return [serverId, ...members].flatMap(server => (server === null ? [] : [{ node, server }]));
}
