/** What the page knows. `live.ts` keeps it fresh; the views read it. */
import { computed, signal } from '@preact/signals';
import type { HistoryView, NodeView, PoolEvent, ProviderView, ReadinessView } from '../../src/ports/control.js';
import { nodeStates, type NodeState } from '../../src/domain/states.js';

/** Those that come up first, those that go last. */
export const statesInOrder = ['building', 'test', 'ready', 'used', 'hold', 'delete'] as const satisfies NodeState[];

/** A node and since when it is in its state, epoch milliseconds. */
export interface PoolNode extends Omit<NodeView, 'ageSeconds' | 'state'> {
  readonly state: NodeState;
  readonly since: number;
}

export const nodes = signal<ReadonlyMap<number, PoolNode>>(new Map());
/** Whether all nodes have been read once. */
export const areNodesRead = signal(false);
export const providers = signal<readonly ProviderView[]>([]);
export const readiness = signal<ReadinessView | null>(null);
export const version = signal<string | null>(null);
export const history = signal<HistoryView | null>(null);
/** The last ones, newest first. */
export const events = signal<readonly PoolEvent[]>([]);
/** When the daemon answered last; null: it answers. */
export const silentSince = signal<number | null>(null);
/** Ticks once a second. */
export const now = signal(Date.now());

/** States that are shown alone; none: all are. */
export const shownStates = signal<ReadonlySet<NodeState>>(new Set());
/** What was typed into the search. */
export const search = signal('');

export const groupings = ['provider', 'label', 'target'] as const;
export const grouping = signal<(typeof groupings)[number]>('provider');

export const counts = computed(() => {
  const counted: Record<NodeState, number> = { building: 0, ready: 0, used: 0, delete: 0, hold: 0, test: 0 };
  for (const { state } of nodes.value.values()) counted[state]++;
  return counted;
});

export const shownNodes = computed(() => {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const states = shownStates.value;
  return [...nodes.value.values()].filter(node => {
    if (states.size > 0 && !states.has(node.state)) return false;
    return words.every(word => textOf(node).includes(word));
  });
});

function textOf({ id, provider, label, target, hostname, ip, state, step }: PoolNode): string {
  return `${id} ${provider} ${label} ${target} ${hostname ?? ''} ${ip ?? ''} ${state} ${step ?? ''}`.toLowerCase();
}

export function toPoolNode(node: NodeView): PoolNode {
  const { ageSeconds, state, ...rest } = node;
  return { ...rest, state: stateOf(state), since: Date.now() - ageSeconds * 1000 };
}

function stateOf(text: string): NodeState {
  return nodeStates.find(each => each === text) ?? 'building';
}
