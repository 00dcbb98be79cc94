/**
 * What a cloud has shown not to give at the moment: a flavor in a zone that has no host for it, an image that cannot be
 * launched there. Remembered for a while that grows with each disappointment, so that launches go where they can work,
 * and forgotten when one works after all. Pure: the caller brings time and chance.
 */
import { backoffMs } from './backoff.js';
import type { Fault } from './fault.js';

/** Stands for a zone where it makes no difference which; no cloud calls one so. */
export const everyZone = '*';

/** Zone null: wherever the cloud puts it. */
export interface ShortOf {
  readonly kind: 'flavor' | 'image';
  readonly name: string;
  readonly az: string | null;
}

export interface Shortage {
  readonly of: ShortOf;
  readonly reason: string;
  /** In a row. Those that were under way together count once. */
  readonly failures: number;
  readonly until: number;
}

export type Shortages = ReadonlyMap<string, Shortage>;

export const noShortages: Shortages = new Map();

/** More kinds of failing than any cloud has flavors and zones: the oldest is forgotten. */
const rememberedMax = 1_000;
const backoff = { minMs: 60_000, maxMs: 1_800_000, factor: 2, jitter: 0.3 };

/** What the fault of a launch says is short; null: nothing that would not befall another launch in another place too. */
export function shortOf(
  fault: Fault,
  launch: { readonly image: string; readonly az: string | null; readonly flavor: string | null },
): ShortOf | null {
  const { image, az, flavor } = launch;
  switch (fault.kind) {
    case 'cloud.no-capacity':
      return flavor === null ? { kind: 'image', name: image, az } : { kind: 'flavor', name: flavor, az };
    case 'cloud.refused':
    case 'cloud.no-zone':
      return { kind: 'image', name: image, az };
    case 'cloud.no-flavor':
    case 'cloud.no-network':
    case 'ssh.key':
    case 'ssh.key-exposed':
      return { kind: 'image', name: image, az: everyZone };
    default:
      return null;
  }
}

export function short(
  shortages: Shortages,
  of: ShortOf,
  { reason, now, chance }: { readonly reason: string; readonly now: number; readonly chance: number },
): Shortages {
  const key = keyOf(of);
  const before = shortages.get(key);
  const failures = before === undefined ? 1 : now < before.until ? before.failures : before.failures + 1;
  const after = new Map(shortages);
  after.delete(key);
  after.set(key, { of, reason, failures, until: now + backoffMs(backoff, failures, chance) });
  const [oldest] = after.keys();
  if (after.size > rememberedMax && oldest !== undefined) after.delete(oldest);
  return after;
}

/** A launch worked: nothing that concerns it is short. */
export function plentiful(
  shortages: Shortages,
  launch: { readonly image: string; readonly az: string | null; readonly flavor: string | null },
): Shortages {
  const left = [...shortages].filter(([, { of }]) => !concerns(of, launch));
  return left.length === shortages.size ? shortages : new Map(left);
}

/** The shortage that makes such a launch vain now. */
export function shortageFor(
  shortages: Shortages,
  launch: { readonly image: string; readonly az: string | null; readonly flavor: string | null },
  now: number,
): Shortage | null {
  for (const shortage of shortages.values()) if (now < shortage.until && concerns(shortage.of, launch)) return shortage;
  return null;
}

/** When the next of them ends; null: there is none. */
export function nextEnd(shortages: Shortages, now: number): number | null {
  let next: number | null = null;
  for (const { until } of shortages.values()) if (until > now) next = Math.min(next ?? until, until);
  return next;
}

function concerns(
  of: ShortOf,
  { image, az, flavor }: { readonly image: string; readonly az: string | null; readonly flavor: string | null },
): boolean {
  return of.name === (of.kind === 'flavor' ? flavor : image) && (of.az === everyZone || of.az === az);
}

function keyOf({ kind, name, az }: ShortOf): string {
  return JSON.stringify([kind, name, az]);
}
