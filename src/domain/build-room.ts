/** The room that images are built in: a provider's max-servers counts the servers of builds too (lesson 43). */
import type { NodeId } from './ids.js';
import type { NodeFactSheet } from './stock.js';

export interface BuildRoom {
  /** max-servers, or what the cloud's quota leaves of it. */
  readonly limit: number;
  /** Of nodes. */
  readonly servers: number;
  readonly leaked: number;
  /** Servers of builds, and those that builds are about to ask for. */
  readonly builds: number;
  /** Builds that have not begun, for want of room. */
  readonly waiting: number;
}

/** How many of those that wait may begin. Nothing is launched in their place meanwhile: rounds count them. */
export function buildsThatFit({ limit, servers, leaked, builds, waiting }: BuildRoom): number {
  const over = Math.max(0, servers + leaked + Math.max(builds, waiting) - limit);
  return Math.max(0, waiting - over);
}

/** Ready nodes that make room for so many servers, beside those that are on their way out; the oldest ones first. */
export function nodesToMakeRoom(
  wanted: number,
  nodes: Iterable<NodeFactSheet>,
  isLeaving: (id: NodeId) => boolean,
): readonly NodeFactSheet[] {
  const idle: NodeFactSheet[] = [];
  let missing = wanted;
  for (const node of nodes) {
    if (node.state === 'delete' || isLeaving(node.id)) missing -= node.servers;
    else if (node.state === 'ready') idle.push(node);
  }
  const chosen: NodeFactSheet[] = [];
  for (const node of idle.sort((a, b) => a.id - b.id)) {
    if (missing <= 0) break;
    chosen.push(node);
    missing -= node.servers;
  }
  return chosen;
}
