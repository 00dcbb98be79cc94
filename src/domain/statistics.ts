/**
 * The statistics keys of the original (reference 18). The two generations of it told partly the same by other keys, so
 * that a key may belong to one of them; which of them are sent is the operator's choice (`statsd.keys`).
 */
import type { FaultKind } from './fault.js';
import type { LaunchStep } from './node-row.js';
import type { PoolConfig } from './pool-config.js';
import { nodeStates } from './states.js';
import type { NodeFactSheet } from './stock.js';

/** The generation that a key belongs to; null: both, or none. */
export type Generation = 'seed' | '0.3' | null;

export interface Key {
  readonly key: string;
  readonly of: Generation;
}

export interface Gauge extends Key {
  readonly value: number;
}

export type CountedNode = Pick<NodeFactSheet, 'provider' | 'label' | 'target' | 'state'>;
type CountedConfig = Pick<PoolConfig, 'labels' | 'providers' | 'targets'>;

/**
 * Every gauge: zero for each configured combination without a node, because what is not sent keeps its last value in
 * statsd (lesson 170); and whatever nodes there are besides, of labels, providers and targets that have been removed.
 */
export function gaugesOf({ labels, providers, targets }: CountedConfig, nodes: Iterable<CountedNode>): Gauge[] {
  const counts = new Tally();
  for (const { name } of targets) counts.zeroes(`nodepool.target.${name}.nodes`, '0.3');
  for (const { name } of providers) counts.zeroes(`nodepool.provider.${name}.nodes`, '0.3');
  counts.zeroes('nodepool.target', 'seed');
  counts.zeroes('nodepool.nodes', '0.3');
  for (const label of labels) {
    counts.zeroes(`nodepool.label.${label.name}.nodes`, '0.3');
    for (const target of targets) {
      counts.set(`nodepool.target.${target.name}.${label.name}.min_ready`, Math.max(0, label.minReady), 'seed');
      for (const provider of label.providers) {
        counts.zeroes(`nodepool.target.${target.name}.${label.name}.${provider}`, 'seed');
      }
    }
  }
  for (const { name, maxServers } of providers) counts.set(`nodepool.provider.${name}.max_servers`, maxServers, null);
  for (const { provider, label, target, state } of nodes) {
    counts.add(`nodepool.target.${state}`, 'seed');
    counts.add(`nodepool.target.${target}.${label}.${provider}.${state}`, 'seed');
    counts.add(`nodepool.nodes.${state}`, '0.3');
    counts.add(`nodepool.target.${target}.nodes.${state}`, '0.3');
    counts.add(`nodepool.label.${label}.nodes.${state}`, '0.3');
    counts.add(`nodepool.provider.${provider}.nodes.${state}`, '0.3');
  }
  return counts.gauges();
}

class Tally {
  readonly #values = new Map<string, { value: number; readonly of: Generation }>();

  set(key: string, value: number, of: Generation): void {
    this.#values.set(key, { value, of });
  }

  zeroes(place: string, of: Generation): void {
    for (const state of nodeStates) this.set(`${place}.${state}`, 0, of);
  }

  add(key: string, of: Generation): void {
    const known = this.#values.get(key);
    if (known) known.value++;
    else this.set(key, 1, of);
  }

  gauges(): Gauge[] {
    return [...this.#values].map(([key, { value, of }]) => ({ key, value, of }));
  }
}

export interface EndedLaunch {
  readonly provider: string;
  readonly image: string;
  readonly target: string;
  readonly az: string | null;
  /** Null: the node is ready. */
  readonly failure: { readonly kind: FaultKind; readonly step: LaunchStep | null } | null;
}

/** Each is a timer and a counter. What failed is told in the original's few words, and by our name for it. */
export function launchKeys({ provider, image, target, az, failure }: EndedLaunch): Key[] {
  const places: Key[] = [
    { key: '', of: null },
    { key: `provider.${provider}.`, of: null },
    { key: `image.${image}.`, of: null },
    { key: `target.${target}.`, of: null },
    ...(az === null ? [] : [{ key: `provider.${provider}.${az}.`, of: '0.3' as const }]),
  ];
  return endings(failure).flatMap(ending =>
    places
      .filter(({ of }) => of === null || ending.of !== 'seed')
      .map(place => ({ key: `nodepool.launch.${place.key}${ending.key}`, of: place.of ?? ending.of })),
  );
}

function endings(failure: EndedLaunch['failure']): Key[] {
  if (failure === null) return [{ key: 'ready', of: null }];
  const { kind, step } = failure;
  const seed = seedWord(kind);
  const later =
    kind.startsWith('ssh.') && seed === 'unknown' ? 'ssh' : step === 'address' && seed === 'unknown' ? 'ipadd' : seed;
  const own: Key = { key: `error.${kind}`, of: null };
  if (seed === later) return [{ key: `error.${seed}`, of: null }, own];
  return [{ key: `error.${seed}`, of: 'seed' }, { key: `error.${later}`, of: '0.3' }, own];
}

/** Reference 18: a time-out is `unknown`, like everything that has no word of its own. */
function seedWord(kind: FaultKind): string {
  switch (kind) {
    case 'cloud.no-image':
      return 'nodepool';
    case 'cloud.server-error':
    case 'cloud.server-gone':
      return 'status';
    case 'cloud.no-address':
      return 'network';
    case 'ssh.auth':
    case 'ssh.command':
    case 'ssh.host-key':
      return 'auth';
    default:
      return 'unknown';
  }
}
