/** Nodes and images as lists: the original's columns in their order. */
import { formatAge } from '../domain/age.js';
import { buildFraction } from '../domain/image-progress.js';
import type { ImageView, NodeView } from '../ports/control.js';
import type { Listing } from './listing.js';
import { bar } from './progress.js';

export const nodeListing: Listing<NodeView> = {
  columns: [
    { header: 'ID', value: node => node.id },
    { header: 'Provider', value: node => node.provider },
    { header: 'AZ', value: node => node.az },
    { header: 'Label', value: node => node.label },
    { header: 'Target', value: node => node.target },
    { header: 'Hostname', value: node => node.hostname },
    { header: 'NodeName', value: node => node.nodename },
    { header: 'Server ID', value: node => node.serverId },
    { header: 'IP', value: node => node.ip },
    { header: 'State', value: node => node.state },
    { header: 'Age', value: node => formatAge(node.ageSeconds) },
    { header: 'Step', value: node => node.step, isWide: true },
    { header: 'Reason', value: node => node.reason, isWide: true },
    { header: 'Private IP', value: node => node.ipPrivate, isWide: true },
  ],
  name: node => `node/${node.id}`,
};

export const imageListing: Listing<ImageView> = {
  columns: [
    { header: 'ID', value: image => image.id },
    { header: 'Provider', value: image => image.provider },
    { header: 'Image', value: image => image.image },
    { header: 'Hostname', value: image => image.hostname },
    { header: 'Version', value: image => image.version },
    { header: 'Image ID', value: image => image.imageId },
    { header: 'Server ID', value: image => image.serverId },
    { header: 'State', value: stateOf },
    { header: 'Age', value: image => formatAge(image.ageSeconds) },
    { header: 'Step', value: stepOf, isWide: true },
    { header: 'Reason', value: image => image.reason?.split('\n', 1)[0] ?? null, isWide: true },
  ],
  name: image => `image/${image.id}`,
};

/** For eyes: an image that is being made shows how far it has come. */
export const drawnImageListing: Listing<ImageView> = {
  ...imageListing,
  columns: imageListing.columns.map(column =>
    column.value === stateOf ? { ...column, value: image => [stateOf(image), barOf(image)].join(' ').trim() } : column,
  ),
};

function barOf({ step, progress, state }: ImageView): string {
  const fraction = state === 'building' ? buildFraction(step, progress ?? null) : null;
  return fraction === null ? '' : `${bar(fraction, narrowBar)} ${[step, progress].filter(Boolean).join(' ')}`;
}

const narrowBar = 10;

/** A ready image that nodes may not simply boot from is not what the word alone says. */
function stateOf({ state, standing, launches, launchFailures }: ImageView): string {
  if (standing === 'trial') return `${state} (trial: ${launches} launched, ${launchFailures} failed)`;
  return standing === null ? state : `${state} (${standing})`;
}

function stepOf({ step, progress }: ImageView): string | null {
  return step === null ? null : [step, progress].filter(Boolean).join(' ');
}
