/** What a cloud has and no row names: left behind, or somebody else's. Subnodes and template servers are named by rows (lesson 161). */
import { pickAddress, type AddressChoice, type CandidateAddress } from './address.js';
import type { ImageId, ServerId } from './ids.js';
import type { NodeRow } from './node-row.js';
import type { SnapshotRow } from './snapshot-row.js';
import { imageMarkOf, tagKey } from './tag.js';

export interface AlienRows {
  readonly nodes: readonly NodeRow[];
  readonly snapshots: readonly SnapshotRow[];
}

export interface ListedServer {
  readonly id: ServerId;
  readonly name: string;
  readonly status: string;
  readonly addresses: readonly CandidateAddress[];
  readonly metadata: Readonly<Record<string, string>>;
}

export interface ListedImage {
  readonly id: ImageId;
  readonly name: string;
  readonly status: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** `ports/control` names the same shape. */
export function alienServers(
  provider: AddressChoice & { readonly name: string },
  servers: readonly ListedServer[],
  { nodes, snapshots }: AlienRows,
) {
  const machines = [...nodes, ...nodes.flatMap(node => node.subnodes), ...snapshots];
  const ids = new Set(machines.map(({ serverId }) => serverId));
  // One that was asked for just now is known by its mark alone.
  const marks = new Set<string | null>(machines.map(({ tag }) => tag));
  return servers
    .filter(({ id, metadata }) => !ids.has(id) && !marks.has(metadata[tagKey] ?? ''))
    .map(({ id, name, status, addresses, metadata }) => ({
      provider: provider.name,
      hostname: name,
      serverId: id,
      ip: pickAddress(addresses, provider)?.ip ?? addresses[0]?.address ?? null,
      status,
      mark: metadata[tagKey] ?? null,
    }));
}

/** Snapshots, as Nova marks them all (reference 19), and what carries a mark of ours or of another daemon. */
export function alienImages(
  provider: string,
  images: readonly ListedImage[],
  { snapshots }: Pick<AlienRows, 'snapshots'>,
) {
  const ids = new Set(snapshots.map(({ imageId }) => imageId));
  const marks = new Set<string | null>(snapshots.map(({ tag }) => tag));
  return images
    .filter(image => image.metadata['image_type'] === 'snapshot' || tagKey in image.metadata)
    .filter(image => !ids.has(image.id) && !marks.has(imageMarkOf(image) ?? ''))
    .map(({ id, name, status, metadata }) => {
      return { provider, name, imageId: id, status, mark: metadata[tagKey] ?? null };
    });
}
