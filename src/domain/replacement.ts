/** Which idle nodes make room for fresh ones, a few at a time: those from an older image, and those that are too old. */
import type { NodeId, SnapshotId } from './ids.js';
import type { NodeRow } from './node-row.js';

/** Of the ready nodes so many may be on their way to being replaced at once; one always may. */
export const replacedShare = 0.1;

type Node = Pick<NodeRow, 'id' | 'state' | 'stateTime' | 'snapshotId'>;

/**
 * The nodes to take away now, those first that have been ready longest. Nodes that are being launched or deleted count
 * against the budget, so that the next ones go only once their predecessors have been made up for. A node of which
 * nobody knows what it booted from is left alone.
 */
export function nodesToReplace(nodes: readonly Node[], current: SnapshotId): readonly NodeId[] {
  const isOutdated = ({ snapshotId }: Node): boolean => snapshotId !== null && snapshotId !== current;
  const ready = nodes.filter(node => node.state === 'ready');
  const underWay = nodes.filter(
    node => node.state === 'building' || (node.state === 'delete' && isOutdated(node)),
  ).length;
  const budget = Math.max(1, Math.floor(ready.length * replacedShare)) - underWay;
  return ready
    .filter(isOutdated)
    .sort((a, b) => a.stateTime - b.stateTime || a.id - b.id)
    .slice(0, Math.max(0, budget))
    .map(node => node.id);
}

/** Of one label, those first that have been ready longest: no more at once than the stock can spare. */
export function nodesTooOld(nodes: readonly Node[], maxReadyAgeMs: number, now: number): readonly NodeId[] {
  const ready = nodes.filter(node => node.state === 'ready');
  return ready
    .filter(node => now - node.stateTime * 1000 > maxReadyAgeMs)
    .sort((a, b) => a.stateTime - b.stateTime || a.id - b.id)
    .slice(0, Math.max(1, Math.floor(ready.length * replacedShare)))
    .map(node => node.id);
}
