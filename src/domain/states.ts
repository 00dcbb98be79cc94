/** States of rows and their codes in the database (reference 4.1). The codes are a contract with the original. */

export const nodeStates = ['building', 'ready', 'used', 'delete', 'hold', 'test'] as const;
export type NodeState = (typeof nodeStates)[number];

export type NodeCounts = Readonly<Record<NodeState, number>>;

export const noNodes: NodeCounts = { building: 0, ready: 0, used: 0, delete: 0, hold: 0, test: 0 };

/** Snapshot images and subnodes use a subset of the node's states. */
export type ImageState = Extract<NodeState, 'building' | 'ready' | 'delete'>;
export type SubnodeState = Extract<NodeState, 'building' | 'ready' | 'delete'>;

export const stateCodes: Readonly<Record<NodeState, number>> = {
  building: 1,
  ready: 2,
  used: 3,
  delete: 4,
  hold: 5,
  test: 6,
};
