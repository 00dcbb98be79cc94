/**
 * Room is not all that a launch needs: where a provider launches as many nodes as it may at once, what is granted there
 * waits for its turn. Those that have a turn free come first, and what they have no room for is shared among all.
 */
import { allocate, type AllocationInput, type Grant } from './allocation.js';

/** `busy`: providers that launch as many as they may. Whoever waits for room is served from all of it, as ever. */
export function allocateInTurns(input: AllocationInput, busy: ReadonlySet<string>): readonly Grant[] {
  const isAnyWaiting = input.labels.some(({ deficit, waitingSince }) => deficit > 0 && waitingSince !== null);
  if (busy.size === 0 || isAnyWaiting) return allocate(input);
  const free = input.providers.map(each => (busy.has(each.name) ? { ...each, available: 0 } : each));
  const first = allocate({ ...input, providers: free });
  return merged([...first, ...allocate(afterwards(input, first))]);
}

function afterwards(input: AllocationInput, grants: readonly Grant[]): AllocationInput {
  const sizes = new Map(input.labels.map(({ name, groupSize }) => [name, groupSize]));
  const servers = new Map<string, number>();
  const nodes = new Map<string, number>();
  const places = new Map<string, number>();
  for (const { label, provider, target, count } of grants) {
    add(servers, provider, count * (sizes.get(label) ?? 1));
    add(nodes, label, count);
    add(places, keyOf(label, target), count);
  }
  return {
    ...input,
    providers: input.providers.map(each => ({ ...each, available: each.available - (servers.get(each.name) ?? 0) })),
    labels: input.labels.map(each => ({ ...each, deficit: each.deficit - (nodes.get(each.name) ?? 0) })),
    current: (label, target) => input.current(label, target) + (places.get(keyOf(label, target)) ?? 0),
  };
}

/** One grant for each label in each place, where the first was. */
function merged(grants: readonly Grant[]): readonly Grant[] {
  const sums = new Map<string, Grant>();
  for (const grant of grants) {
    const key = keyOf(grant.label, grant.provider, grant.target);
    sums.set(key, { ...grant, count: grant.count + (sums.get(key)?.count ?? 0) });
  }
  return [...sums.values()];
}

function add(sums: Map<string, number>, key: string, count: number): void {
  sums.set(key, (sums.get(key) ?? 0) + count);
}

const keyOf = (...names: readonly string[]): string => JSON.stringify(names);
