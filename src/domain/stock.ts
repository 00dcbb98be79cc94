/**
 * The nodes that exist, counted as they change: a round looks at counts, so that its cost does not grow with the pool.
 */
import type { NodeId } from './ids.js';
import { noNodes, type NodeCounts, type NodeState } from './states.js';

/** All that a node's actor tells of it. */
export interface NodeFactSheet {
  readonly id: NodeId;
  readonly revision: number;
  readonly provider: string;
  readonly label: string;
  readonly target: string;
  readonly state: NodeState;
  readonly jobEnded: boolean;
  readonly jobEndedAt: number | null;
  /** What it counts against max-servers: its group size, 0 once its servers are gone. */
  readonly servers: number;
}

/** Nodes of one label for one target. */
export interface PlaceCount {
  /** In any state. */
  total: number;
  /** Ready or on their way. */
  stock: number;
  /** A job is on it and has not ended. */
  used: number;
}

/** Servers in one provider. */
export interface ServerCount {
  servers: number;
  /** Those of held nodes, which nobody knows the end of. */
  held: number;
  /** Nodes on their way, however many servers each has. */
  launching: number;
  /** Of all servers, by label. */
  readonly byLabel: Map<string, number>;
}

const nowhere: ReadonlyMap<string, PlaceCount> = new Map();
const noServers = (): ServerCount => ({ servers: 0, held: 0, launching: 0, byLabel: new Map() });
const nothing: Readonly<ServerCount> = noServers();

export class Stock {
  readonly #facts = new Map<NodeId, NodeFactSheet>();
  readonly #places = new Map<string, Map<string, PlaceCount>>();
  readonly #servers = new Map<string, ServerCount>();
  readonly #states: Record<NodeState, number> = { ...noNodes };
  /** Their job has ended, and they are not gone yet: few at a time. */
  readonly #ended = new Map<NodeId, NodeFactSheet>();

  constructor(facts: Iterable<NodeFactSheet> = []) {
    for (const fact of facts) this.note(fact);
  }

  get size(): number {
    return this.#facts.size;
  }

  get(id: NodeId): NodeFactSheet | null {
    return this.#facts.get(id) ?? null;
  }

  /** Takes the place of what was known of the node. */
  note(fact: NodeFactSheet): void {
    this.forget(fact.id);
    this.#facts.set(fact.id, fact);
    if (fact.jobEndedAt !== null) this.#ended.set(fact.id, fact);
    this.#add(fact, 1);
  }

  forget(id: NodeId): void {
    const fact = this.#facts.get(id);
    if (fact === undefined) return;
    this.#facts.delete(id);
    this.#ended.delete(id);
    this.#add(fact, -1);
  }

  /** How many there are in each state, without those whose row is gone and whose job still counts. */
  get states(): NodeCounts {
    return { ...this.#states };
  }

  /** By target. */
  ofLabel(label: string): ReadonlyMap<string, PlaceCount> {
    return this.#places.get(label) ?? nowhere;
  }

  inProvider(provider: string): Readonly<ServerCount> {
    return this.#servers.get(provider) ?? nothing;
  }

  /** One by one: for what is seldom asked. */
  *nodesIn(provider: string): Iterable<NodeFactSheet> {
    for (const fact of this.#facts.values()) if (fact.provider === provider) yield fact;
  }

  /** Nodes whose job has ended, and which are not forgotten. */
  ended(): Iterable<NodeFactSheet> {
    return this.#ended.values();
  }

  #add(fact: NodeFactSheet, by: 1 | -1): void {
    if (fact.revision !== Infinity) this.#states[fact.state] += by;
    const place = this.#placeOf(fact);
    place.total += by;
    if (isStock(fact.state)) place.stock += by;
    if (fact.state === 'used' && !fact.jobEnded) place.used += by;
    if (place.total === 0) this.#places.get(fact.label)?.delete(fact.target);

    const count = this.#servers.get(fact.provider) ?? noServers();
    this.#servers.set(fact.provider, count);
    count.servers += by * fact.servers;
    const ofLabel = (count.byLabel.get(fact.label) ?? 0) + by * fact.servers;
    if (ofLabel === 0) count.byLabel.delete(fact.label);
    else count.byLabel.set(fact.label, ofLabel);
    if (fact.state === 'hold') count.held += by * fact.servers;
    if (fact.state === 'building' || fact.state === 'test') count.launching += by;
  }

  #placeOf({ label, target }: NodeFactSheet): PlaceCount {
    const places = this.#places.get(label) ?? new Map<string, PlaceCount>();
    this.#places.set(label, places);
    const place = places.get(target) ?? { total: 0, stock: 0, used: 0 };
    places.set(target, place);
    return place;
  }
}

function isStock(state: NodeState): boolean {
  return state === 'ready' || state === 'building' || state === 'test';
}
