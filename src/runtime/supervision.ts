import type { Directive, Supervision } from './actor.js';
import type { Random } from './random.js';
import { Ring } from './ring.js';

/** Whether so many failures within the budget's time are too many. */
export function isBudgetSpent(failures: number, budget: Supervision['budget']): boolean {
  return failures > budget.restarts;
}

/** Milliseconds before the next start, after so many failures in a row. */
export function backoffDelay(failures: number, backoff: Supervision['backoff'], random: Random): number {
  const plain = Math.min(backoff.minMs * backoff.factor ** (failures - 1), backoff.maxMs);
  return plain * (1 + backoff.jitter * (2 * random() - 1));
}

/** What is to be done about an error. An opinion that fails itself is none. */
export function directiveFor(error: unknown, { restart, directive }: Supervision): Directive {
  const wanted = opinion(error, directive);
  return wanted === 'restart' && restart === 'temporary' ? 'stop' : wanted;
}

function opinion(error: unknown, directive: Supervision['directive']): Directive {
  try {
    return directive?.(error) ?? 'restart';
  } catch {
    return 'restart';
  }
}

/** The failures of one actor: all of them in number, and the recent ones by their time. */
export class FailureRecord {
  count = 0;
  /** When the present life began to run, on the steady clock; null while there is none. */
  runningSince: number | null = null;
  #inRow = 0;
  readonly #times = new Ring<number>();

  /** Failures in a row, and within the time of the budget; this one included. */
  add(now: number, { budget, backoff }: Supervision): { inRow: number; recent: number } {
    const ranMs = this.runningSince === null ? 0 : now - this.runningSince;
    this.runningSince = null;
    this.#inRow = ranMs >= (backoff.resetMs ?? budget.withinMs) ? 1 : this.#inRow + 1;
    this.#times.push(now);
    for (let first = this.#times.first; first !== undefined && now - first > budget.withinMs;) {
      this.#times.shift();
      first = this.#times.first;
    }
    return { inRow: this.#inRow, recent: this.#times.length };
  }

  forgive(): void {
    this.#inRow = 0;
    while (this.#times.length > 0) this.#times.shift();
  }
}

/** What the parent says of this child, and what is said of all for the rest. */
export function completed(
  partial: Partial<Supervision>,
  defaults: Supervision,
  like: Supervision | undefined,
): Supervision {
  const whole: Supervision = { ...defaults, ...partial };
  return like && isSame(whole, like) ? like : whole;
}

/** Many children are kept alike: they share one object. */
function isSame(one: Supervision, other: Supervision): boolean {
  return (
    one.restart === other.restart &&
    one.budget === other.budget &&
    one.backoff === other.backoff &&
    one.exhausted === other.exhausted &&
    one.retryParkedMs === other.retryParkedMs &&
    one.stopMs === other.stopMs &&
    one.directive === other.directive
  );
}
