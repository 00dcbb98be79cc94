import { areServersGone } from './delete-step.js';
import type { NodeRow } from './node-row.js';
import type { NodeFactSheet } from './stock.js';

/** What the pool needs to know of a node. A node whose servers are gone takes no room, whatever still holds its row. */
export function factSheet(row: NodeRow): NodeFactSheet {
  return {
    id: row.id,
    revision: row.revision,
    provider: row.provider,
    label: row.label,
    target: row.target,
    state: row.state,
    jobEnded: row.jobEndedAt !== null,
    jobEndedAt: row.jobEndedAt,
    servers: areServersGone(row) ? 0 : (row.groupSize ?? 1 + row.subnodes.length),
  };
}
