/** The life of a subnode: its node's actor launches it, and it goes with its node (reference 4.6). */
import type { LaunchStep } from './node-row.js';
import type { SubnodeState } from './states.js';

/** The steps of its launch, in order: those of a machine alone. */
export const subnodeStepsInOrder = ['create', 'boot', 'address', 'ssh'] as const satisfies readonly LaunchStep[];
export type SubnodeStep = (typeof subnodeStepsInOrder)[number];

export function isSubnodeStep(step: string | null): step is SubnodeStep {
  return subnodeStepsInOrder.some(each => each === step);
}

export const subnodeFacts = ['launched', 'launch-failed', 'server-gone', 'delete-asked'] as const;
export type SubnodeFact = (typeof subnodeFacts)[number];

export type SubnodeDecision =
  | { readonly kind: 'move'; readonly to: SubnodeState; readonly why: string }
  | { readonly kind: 'ignore'; readonly why: string };

export function decideSubnode(state: SubnodeState, fact: SubnodeFact): SubnodeDecision {
  return subnodeTable[state][fact];
}

export const subnodeTable: Readonly<Record<SubnodeState, Readonly<Record<SubnodeFact, SubnodeDecision>>>> = {
  building: {
    launched: { kind: 'move', to: 'ready', why: 'launched' },
    'launch-failed': { kind: 'move', to: 'delete', why: 'the launch failed' },
    'server-gone': { kind: 'ignore', why: 'its launch sees to it' },
    'delete-asked': { kind: 'move', to: 'delete', why: 'its node is deleted' },
  },
  ready: {
    launched: { kind: 'ignore', why: 'its launch is over' },
    'launch-failed': { kind: 'ignore', why: 'its launch is over' },
    'server-gone': { kind: 'move', to: 'delete', why: 'its server is gone from the cloud' },
    'delete-asked': { kind: 'move', to: 'delete', why: 'its node is deleted' },
  },
  delete: {
    launched: { kind: 'ignore', why: 'it is being deleted' },
    'launch-failed': { kind: 'ignore', why: 'it is being deleted' },
    'server-gone': { kind: 'ignore', why: 'it is being deleted' },
    'delete-asked': { kind: 'ignore', why: 'it is being deleted already' },
  },
};
