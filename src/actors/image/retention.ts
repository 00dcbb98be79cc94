/** Which snapshots are kept, and which idle nodes make room for the current one. */
import { keep } from '../../domain/image.js';
import type { NodeRow } from '../../domain/node-row.js';
import { nodesToReplace } from '../../domain/replacement.js';
import { nodeAddress } from '../addresses.js';
import { freeImages } from './launches.js';
import { configOf, current, rowsOf, type ImageContext, type ImageState } from './state.js';

export function tidy(state: ImageState, ctx: ImageContext): void {
  freeImages(state, ctx);
  const { settings } = state;
  const { removed } = keep(rowsOf(state), ctx.now(), {
    isConfigured: provider => configOf(state) !== null || isDisabled(provider, state),
    // Every row with a step has an actor that carries the build on, however long it takes (lesson 108).
    isBeingBuilt: id => state.rows?.get(id)?.step !== null,
    imageCleanupMs: settings.timings.imageCleanup,
  });
  for (const { row, why } of removed) {
    if (row.state !== 'delete') state.snapshots.get(row.id)?.tell({ type: 'retire', why });
  }
}

/** Its images are not to be deleted for a mistake in the file. */
function isDisabled(provider: string, { settings }: ImageState): boolean {
  return settings.config.disabled.some(({ kind, name }) => kind === 'provider' && name === provider);
}

export function replaceOldNodes(nodes: readonly NodeRow[], state: ImageState, ctx: ImageContext): void {
  const snapshot = current(state)?.snapshot ?? null;
  if (snapshot === null || configOf(state)?.replaceOldNodes !== true) return;
  const why = 'it is replaced by a node from a newer image';
  for (const id of nodesToReplace(nodes, snapshot)) ctx.tell(nodeAddress(id), { type: 'outdated', why });
}
