/** What `nodepool plan` is told: the next round, and what a configuration that comes will do. */
import { effectsOf, peaksOf } from '../../domain/config-effects.js';
import type { PoolConfig, Provider } from '../../domain/pool-config.js';
import type { Round } from '../../domain/round.js';
import type { Stock } from '../../domain/stock.js';
import type { PlanView } from '../../ports/control.js';
import { imagesOf, Settings } from '../settings.js';
import { imageKey } from './image-key.js';

export interface PlanParts {
  /** The next round as things are. */
  readonly decided: Round;
  /** The same under the configuration that comes. */
  readonly later: Round;
  readonly next: PoolConfig | null;
  readonly settings: Settings;
  readonly stock: Stock;
}

/** What the pool knows of a plan; the rest is the configuration's. */
export type PoolPlan = Omit<PlanView, 'changes' | 'isRefused' | 'problems'>;

export function planOf({ decided, later, next, settings, stock }: PlanParts): PoolPlan {
  const step = { before: settings.config, after: next ?? settings.config };
  return {
    grants: decided.grants.map(({ label, provider, target, count }) => ({ label, provider, target, count })),
    deficits: Object.fromEntries(decided.deficits),
    effects: next === null ? [] : effectsOf(step, settings.started, stock),
    peaks: peaksOf(step, later, stock),
  };
}

/** What a round looks at. */
interface Surroundings {
  readonly settings: Settings;
  readonly images: Set<string>;
  readonly onlineTargets: Set<string>;
}

/** What is not there yet is taken for well: its images built, its masters online. */
export function afterwards(next: PoolConfig, now: Surroundings): Surroundings {
  const { providers, targets } = now.settings.config;
  const had = new Set(providers.flatMap(imageKeys));
  const known = new Set(targets.map(({ name }) => name));
  return {
    settings: new Settings(next),
    images: new Set([...now.images, ...next.providers.flatMap(imageKeys).filter(key => !had.has(key))]),
    onlineTargets: new Set([
      ...now.onlineTargets,
      ...next.targets.map(({ name }) => name).filter(name => !known.has(name)),
    ]),
  };
}

function imageKeys(provider: Provider): string[] {
  return imagesOf(provider).map(({ name }) => imageKey(provider.name, name));
}
