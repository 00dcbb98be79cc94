/**
 * Why the launches of a label fail in a provider, until one works: before a cloud or an image is given up for it, and
 * long after the nodes that failed are gone.
 */
import { named, nextOf, type Fault } from './fault.js';
import type { NodeId } from './ids.js';

/** The last of a row of launches that failed. */
export interface FailedLaunch {
  readonly label: string;
  readonly provider: string;
  readonly node: number;
  /** Epoch milliseconds. */
  readonly at: number;
  readonly inARow: number;
  /** In one line. */
  readonly detail: string;
  readonly next: string;
}

export interface LaunchEnd {
  /** That a machine of a group is there says nothing of its node. */
  readonly of: 'node' | 'subnode';
  readonly label: string;
  readonly provider: string;
  readonly node: NodeId;
  readonly at: number;
  /** Null: the node is ready. */
  readonly fault: Fault | null;
}

/** Labels and providers come from the configuration, and reloads may bring others for ever. */
const pairsMax = 1_000;
/** What a script said may be long, and its end is what it died of. */
const detailMax = 300;

export class FailedLaunches {
  readonly #last = new Map<string, FailedLaunch>();

  ended({ of: part, label, provider, node, at, fault }: LaunchEnd): void {
    if (fault === null && part === 'subnode') return;
    const key = JSON.stringify([label, provider]);
    const before = this.#last.get(key);
    this.#last.delete(key);
    if (fault === null) return;
    const inARow = (before?.inARow ?? 0) + 1;
    const detail = inOneLine(named(fault));
    this.#last.set(key, {
      label,
      provider,
      node: Number(node),
      at,
      inARow,
      detail,
      next: nextOf(detail) ?? fault.next,
    });
    const [oldest] = this.#last.keys();
    if (this.#last.size > pairsMax && oldest !== undefined) this.#last.delete(oldest);
  }

  all(): readonly FailedLaunch[] {
    return [...this.#last.values()];
  }
}

function inOneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim();
  return line.length <= detailMax ? line : `${line.slice(0, detailMax / 2)} … ${line.slice(-detailMax / 2)}`;
}
