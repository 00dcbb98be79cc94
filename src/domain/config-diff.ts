import { differences } from './config-words.js';
import type { GearmanServer, PoolConfig } from './pool-config.js';

/** One thing that differs between two configurations; `keys` are ours (`maxServers`), sorted, for a changed thing. */
export interface ConfigChange {
  readonly kind: 'provider' | 'label' | 'target' | 'publisher' | 'gearman' | 'diskimage' | 'setting';
  /** Of the thing; for a setting its key (`timings`, `dburi`). */
  readonly name: string;
  readonly change: 'added' | 'removed' | 'changed';
  readonly keys: readonly string[];
  /** For people: what a changed thing says otherwise, in the words of the file and without secrets. */
  readonly details: string;
}

/** Whole things are compared, so that no key is forgotten (lesson 141). */
export function diffConfig(before: PoolConfig, after: PoolConfig): ConfigChange[] {
  return [
    ...diffNamed('provider', before.providers, after.providers),
    ...diffNamed('label', before.labels, after.labels),
    ...diffNamed('target', before.targets, after.targets),
    ...diffNamed('publisher', before.zmqPublishers.map(named), after.zmqPublishers.map(named)),
    ...diffNamed('gearman', before.gearmanServers.map(addressed), after.gearmanServers.map(addressed)),
    ...diffNamed('diskimage', before.diskimages, after.diskimages),
    ...changedKeys({ ...before, ...listed }, { ...after, ...listed }).map((name): ConfigChange => ({
      kind: 'setting',
      name,
      change: 'changed',
      keys: changedKeys(sectionOf(before, name), sectionOf(after, name)),
      details: differences(settingOf(before, name), settingOf(after, name)),
    })),
  ];
}

/** A change for people: `provider rax-dfw: max-servers 10 → 20, rate 1 → 0.5`. */
export function changeText({ kind, name, change, details }: ConfigChange): string {
  if (kind === 'setting') return details;
  return change === 'changed' ? `${kind} ${name}: ${details}` : `${kind} ${name} ${change}`;
}

/** A section of keys, such as `timings`; a setting of one value has none. */
function sectionOf(config: PoolConfig, name: string): object {
  const value: unknown = Reflect.get(config, name);
  return typeof value === 'object' && value !== null ? value : {};
}

/** By its name, so that a difference says which it is. */
function settingOf(config: PoolConfig, name: string): object {
  return { [name]: Reflect.get(config, name) as unknown };
}

/** Keys whose things are compared by name above. `disabled` follows from the others. */
const listed = {
  providers: null,
  labels: null,
  targets: null,
  zmqPublishers: null,
  gearmanServers: null,
  diskimages: null,
  disabled: null,
};

interface Named {
  readonly name: string;
}

const named = (name: string): Named => ({ name });
const addressed = (server: GearmanServer): Named => ({ ...server, name: `${server.host}:${server.port}` });

function diffNamed(kind: ConfigChange['kind'], before: readonly Named[], after: readonly Named[]): ConfigChange[] {
  const earlier = new Map(before.map(thing => [thing.name, thing]));
  const later = new Set(after.map(thing => thing.name));
  const removed = before
    .filter(({ name }) => !later.has(name))
    .map(({ name }): ConfigChange => ({ kind, name, change: 'removed', keys: [], details: '' }));
  const kept = after.flatMap((thing): ConfigChange[] => {
    const { name } = thing;
    const old = earlier.get(name);
    if (old === undefined) return [{ kind, name, change: 'added', keys: [], details: '' }];
    const keys = changedKeys(old, thing);
    return keys.length === 0 ? [] : [{ kind, name, change: 'changed', keys, details: differences(old, thing) }];
  });
  return [...removed, ...kept];
}

function changedKeys(before: object, after: object): string[] {
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].filter(key => !isEqual(Reflect.get(before, key), Reflect.get(after, key))).sort();
}

/** The configuration is plain data without cycles. */
function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length &&
    keys.every(key => Object.hasOwn(b, key) && isEqual(Reflect.get(a, key), Reflect.get(b, key)))
  );
}
