/** What the names on the row of a build mean, and how what it makes is marked. */
import { Fault } from '../../domain/fault.js';
import type { Tag } from '../../domain/ids.js';
import type { Provider } from '../../domain/pool-config.js';
import type { SnapshotRow } from '../../domain/snapshot-row.js';
import { nameKey, tagKey } from '../../domain/tag.js';
import type { ProviderImage, Settings } from '../settings.js';

/** What the row's names mean in the configuration; of what has gone from it meanwhile, what they meant last. */
export function need(
  row: SnapshotRow,
  settings: Settings,
): { provider: Provider; image: Extract<ProviderImage, { source: 'snapshot' }> } {
  const provider = settings.lastKnown.provider(row.provider);
  const image = settings.lastKnown.image(row.provider, row.image);
  if (provider && image?.source === 'snapshot') return { provider, image };
  throw new Fault('config.removed', `image ${row.image} of ${row.provider} is not in the configuration`);
}

export function tagOf({ id, tag }: SnapshotRow): Tag {
  if (tag === null) throw new Error(`image ${id} is built without a tag`);
  return tag;
}

/** Our mark, and the original's of 0.3 (reference 22.4), so that its leak sweep knows ours. */
export function metadataOf(row: SnapshotRow): Readonly<Record<string, string>> {
  const { provider, image, id } = row;
  return {
    [tagKey]: tagOf(row),
    ...(row.hostname === null ? {} : { [nameKey]: row.hostname }),
    groups: JSON.stringify([provider, image]),
    nodepool: JSON.stringify({ provider_name: provider, snapshot_image_id: id, image_name: image }),
  };
}
