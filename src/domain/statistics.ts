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
 * Every gauge, counted as nodes change: zero for each configured combination without a node, because what is not sent
 * keeps its last value in statsd (lesson 170); and whatever nodes there are besides, of labels, providers and targets that
 * have been removed.
 */
export class Gauges {
  readonly #gauges = new Map<string, Gauge>();
  readonly #configured: ReadonlySet<string>;
  readonly #isWanted: (of: Generation) => boolean;
  /** Keys whose value may have changed since they were last taken. */
  readonly #changed = new Set<string>();

  constructor(config: CountedConfig, nodes: Iterable<CountedNode>, isWanted: (of: Generation) => boolean = () => true) {
    this.#isWanted = isWanted;
    for (const gauge of configuredGauges(config, isWanted)) this.#gauges.set(gauge.key, gauge);
    this.#configured = new Set(this.#gauges.keys());
    for (const node of nodes) this.add(node, 1);
    this.#changed.clear();
  }

  get size(): number {
    return this.#gauges.size;
  }

  add(node: CountedNode, by: 1 | -1): void {
    for (const { key, of } of keysOf(node)) {
      if (!this.#isWanted(of)) continue;
      this.#gauges.set(key, { key, value: (this.#gauges.get(key)?.value ?? 0) + by, of });
      this.#changed.add(key);
    }
  }

  all(): Gauge[] {
    return [...this.#gauges.values()];
  }

  /** Those that changed since this was called last. */
  takeChanged(): Gauge[] {
    const changed = [...this.#changed].flatMap(key => this.#gauges.get(key) ?? []);
    this.#changed.clear();
    for (const { key, value } of changed) if (value === 0 && !this.#configured.has(key)) this.#gauges.delete(key);
    return changed;
  }

  /** What is to be sent where those before were sent: the others, and zero for each that is no more. */
  differentFrom(before: Gauges): Gauge[] {
    const gone = before.all().filter(({ key }) => !this.#gauges.has(key));
    const others = this.all().filter(({ key, value }) => before.#gauges.get(key)?.value !== value);
    return [...others, ...gone.map(gauge => ({ ...gauge, value: 0 }))];
  }
}

/** Those of the seed are thousands in a large pool: none is made that is not wanted. */
function configuredGauges(
  { labels, providers, targets }: CountedConfig,
  isWanted: (of: Generation) => boolean,
): Gauge[] {
  const gauges: Gauge[] = [];
  const zeroes = (place: string, of: Generation): void => {
    for (const state of nodeStates) gauges.push({ key: `${place}.${state}`, value: 0, of });
  };
  for (const { name, maxServers } of providers) {
    gauges.push({ key: `nodepool.provider.${name}.max_servers`, value: maxServers, of: null });
  }
  if (isWanted('0.3')) {
    zeroes('nodepool.nodes', '0.3');
    for (const { name } of targets) zeroes(`nodepool.target.${name}.nodes`, '0.3');
    for (const { name } of providers) zeroes(`nodepool.provider.${name}.nodes`, '0.3');
    for (const { name } of labels) zeroes(`nodepool.label.${name}.nodes`, '0.3');
  }
  if (isWanted('seed')) {
    zeroes('nodepool.target', 'seed');
    for (const label of labels) {
      for (const target of targets) {
        const place = `nodepool.target.${target.name}.${label.name}`;
        gauges.push({ key: `${place}.min_ready`, value: Math.max(0, label.minReady), of: 'seed' });
        for (const provider of label.providers) zeroes(`${place}.${provider}`, 'seed');
      }
    }
  }
  return gauges;
}

/** That a node counts in. */
function keysOf({ provider, label, target, state }: CountedNode): Key[] {
  return [
    { key: `nodepool.target.${state}`, of: 'seed' },
    { key: `nodepool.target.${target}.${label}.${provider}.${state}`, of: 'seed' },
    { key: `nodepool.nodes.${state}`, of: '0.3' },
    { key: `nodepool.target.${target}.nodes.${state}`, of: '0.3' },
    { key: `nodepool.label.${label}.nodes.${state}`, of: '0.3' },
    { key: `nodepool.provider.${provider}.nodes.${state}`, of: '0.3' },
  ];
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
