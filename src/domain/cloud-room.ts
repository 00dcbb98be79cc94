/**
 * What the clouds themselves say about room: how many cores and how much memory ours may have, how much each machine
 * takes, and what they have shown not to give at the moment.
 */
import type { Amount, Limits } from './quota.js';

/** Why nothing is launched somewhere for now. */
export interface Obstacle {
  readonly reason: string;
  /** When it is tried again, epoch milliseconds; null: nobody knows. */
  readonly until: number | null;
}

/** Answers for anything that is not known: no limit, no size, no shortage. */
export interface CloudView {
  readonly limits: (provider: string) => Pick<Limits, 'cores' | 'ramMb'>;
  /** Of a machine of this image; null: not known yet. */
  readonly size: (provider: string, image: string) => Pick<Amount, 'cores' | 'ramMb'> | null;
  /** Why a launch there would be in vain now; null: it would not. */
  readonly shortage: (provider: string, image: string) => Obstacle | null;
}

const noLimits = { cores: null, ramMb: null };

export const nothingKnownOfClouds: CloudView = {
  limits: () => noLimits,
  size: () => null,
  shortage: () => null,
};

interface Group {
  readonly image: string;
  readonly servers: number;
}

/** The cores and the memory that are left in each provider, while a round gives them away. */
export class CloudRooms {
  readonly #view: CloudView;
  readonly #used = new Map<string, { cores: number; ramMb: number }>();

  constructor(view: CloudView) {
    this.#view = view;
  }

  take(provider: string, group: Group): void {
    const size = this.#view.size(provider, group.image);
    if (size === null) return;
    const used = this.#usedIn(provider);
    used.cores += size.cores * group.servers;
    used.ramMb += size.ramMb * group.servers;
  }

  /** Groups that there is still room for; infinite where nothing limits them. */
  groups(provider: string, group: Group): number {
    let groups = Infinity;
    for (const { left, each } of this.#bounds(provider, group)) {
      groups = Math.min(groups, Math.max(0, Math.floor(left / each)));
    }
    return groups;
  }

  /** What does not even let one group in, in words; null: one fits. */
  obstacle(provider: string, group: Group): string | null {
    const bound = this.#bounds(provider, group).find(({ left, each }) => left < each);
    if (bound === undefined) return null;
    const { name, left, limit, each } = bound;
    return `${provider} has room for ${Math.max(0, left)} of ${limit} ${name}; a node takes ${each}`;
  }

  #bounds(provider: string, group: Group): readonly Bound[] {
    const limits = this.#view.limits(provider);
    if (limits.cores === null && limits.ramMb === null) return boundless;
    const size = this.#view.size(provider, group.image);
    if (size === null) return boundless;
    const used = this.#usedIn(provider);
    const bound = (name: string, limit: number | null, taken: number, each: number): Bound[] =>
      limit === null || each === 0 ? [] : [{ name, limit, left: limit - taken, each }];
    return [
      ...bound('cores', limits.cores, used.cores, size.cores * group.servers),
      ...bound('MB of memory', limits.ramMb, used.ramMb, size.ramMb * group.servers),
    ];
  }

  #usedIn(provider: string): { cores: number; ramMb: number } {
    const found = this.#used.get(provider) ?? { cores: 0, ramMb: 0 };
    this.#used.set(provider, found);
    return found;
  }
}

const boundless: readonly Bound[] = [];

interface Bound {
  readonly name: string;
  readonly limit: number;
  readonly left: number;
  readonly each: number;
}
