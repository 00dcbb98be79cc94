/**
 * The last hours of a pool in numbers, in memory that does not grow: a mark about every ten seconds, the oldest dropped.
 * Pure: the caller brings the time, and says how things stand more often than that.
 */
import { nodeStates, type NodeCounts, type NodeState } from './states.js';

export const markEveryMs = 10_000;
/** Six hours: some 200 KB, and as JSON no more than a page loads at once. */
export const marksMax = 2_160;
/** Launch times of single marks are too few for a percentile. */
export const launchWindowMs = 300_000;
/** Of one window; a pool that launches more than ten a second is described by the latest well enough. */
export const launchesMax = 3_000;
/** Labels come from the configuration, and reloads may bring others for ever. */
export const labelsMax = 64;

interface Mark {
  readonly at: number;
  readonly nodes: NodeCounts;
  /** By label; null: unknown. */
  readonly waiting: ReadonlyMap<string, number> | null;
  readonly launched: number;
  readonly failed: number;
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
}

export class History {
  readonly #marks: Mark[] = [];
  readonly #launches: { readonly at: number; readonly ms: number }[] = [];
  #launched = 0;
  #failed = 0;

  get size(): number {
    return this.#marks.length;
  }

  /** How things stand; a mark if the last one is old enough. `waiting`: jobs, by label; null: unknown. */
  noteStock(nodes: NodeCounts, waiting: ReadonlyMap<string, number> | null, now: number): void {
    const last = this.#marks.at(-1)?.at ?? -Infinity;
    if (now - last >= markEveryMs) this.#mark(nodes, waiting, now);
  }

  /** A launch has ended; only those that came up have a time worth comparing. */
  noteLaunch({ at, ms, isReady }: { readonly at: number; readonly ms: number; readonly isReady: boolean }): void {
    if (!isReady) {
      this.#failed++;
      return;
    }
    this.#launched++;
    this.#launches.push({ at, ms });
    if (this.#launches.length > launchesMax) this.#launches.shift();
  }

  /** The marks after the time, as columns of equal length. */
  view(after = -Infinity) {
    const marks = this.#marks.filter(({ at }) => at > after);
    const labels = [...new Set(marks.flatMap(({ waiting }) => [...(waiting?.keys() ?? [])]))].slice(0, labelsMax);
    const nodes = Object.fromEntries(nodeStates.map(state => [state, marks.map(each => each.nodes[state])]));
    return {
      everySeconds: markEveryMs / 1000,
      at: marks.map(({ at }) => at),
      nodes: nodes as Record<NodeState, number[]>,
      waiting: Object.fromEntries(
        labels.map(label => [label, marks.map(({ waiting }) => (waiting === null ? null : (waiting.get(label) ?? 0)))]),
      ),
      launched: marks.map(({ launched }) => launched),
      failed: marks.map(({ failed }) => failed),
      launchP50Seconds: marks.map(({ p50Ms }) => seconds(p50Ms)),
      launchP99Seconds: marks.map(({ p99Ms }) => seconds(p99Ms)),
    };
  }

  #mark(nodes: NodeCounts, waiting: ReadonlyMap<string, number> | null, at: number): void {
    while ((this.#launches[0]?.at ?? Infinity) <= at - launchWindowMs) this.#launches.shift();
    const times = this.#launches.map(({ ms }) => ms).sort((a, b) => a - b);
    this.#marks.push({
      at,
      nodes,
      waiting,
      launched: this.#launched,
      failed: this.#failed,
      p50Ms: quantile(times, 0.5),
      p99Ms: quantile(times, 0.99),
    });
    if (this.#marks.length > marksMax) this.#marks.shift();
    this.#launched = 0;
    this.#failed = 0;
  }
}

/** The smallest of the sorted numbers that is not less than so many of them; null: there are none. */
export function quantile(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

function seconds(ms: number | null): number | null {
  return ms === null ? null : Math.round(ms / 10) / 100;
}
