/**
 * Whether a database has lost what it once confirmed, as one does that was failed over to a copy that lags behind, or
 * whose disk never saw its last commits: what is read is older than what its only writer knows.
 */
import type { NodeRow } from './node-row.js';

interface Counted {
  readonly revision: number;
}

/** Null: nothing was found. */
export function isLost(known: Counted, found: Counted | null): boolean {
  return found === null || found.revision < known.revision;
}

/** Also where one of its subnodes is, or where there is one that nobody here knows: its deletion may be lost. */
export function isNodeLost(known: NodeRow, found: NodeRow | null): boolean {
  if (found === null || isLost(known, found)) return true;
  const subnodes = new Map(found.subnodes.map(subnode => [subnode.id, subnode]));
  const isMemberLost = known.subnodes.some(subnode => isLost(subnode, subnodes.get(subnode.id) ?? null));
  return isMemberLost || found.subnodes.some(({ id }) => !known.subnodes.some(each => each.id === id));
}
