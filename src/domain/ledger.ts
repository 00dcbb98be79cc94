/**
 * What allocation rounds came to, in memory that does not grow: the last day, one entry for all rounds in a row that
 * refuse the same labels for the same reasons. Pure: the caller brings the time.
 */
import type { LabelOutcome, ProviderRoom, Refusal, RefusalReason, Round } from './round.js';

export interface LedgerEntry {
  /** The first and the last of its rounds, epoch milliseconds. */
  readonly at: number;
  readonly until: number;
  readonly rounds: number;
  /** When the demand of the last round was sampled; null: it was not known. */
  readonly sampledAt: number | null;
  /** As the last round had it; `granted` is the sum of all. Those that want nothing and get nothing are left out. */
  readonly labels: readonly LabelOutcome[];
  readonly refusals: readonly Refusal[];
  readonly providers: readonly ProviderRoom[];
}

export type NotedRound = Pick<Round, 'labels' | 'refusals' | 'providers'>;

export const ledgerAgeMs = 86_400_000;
/** A day of five-minute entries is 288; the rest is for changes. */
export const entriesMax = 2_000;
/** Figures change all the time: an entry in which only they do ends after this. */
export const entrySpanMs = 300_000;
/** Of one round: a label may be refused by each of its providers. */
export const refusalsMax = 500;

export class Ledger {
  #entries: LedgerEntry[] = [];
  /** Entries from this time on have changed since they were last asked for. */
  #changedFrom = Infinity;
  /** The last round of which whoever asked for changes knows. */
  #takenUntil = -Infinity;
  #last: { readonly entry: LedgerEntry; readonly key: string } | null = null;

  get size(): number {
    return this.#entries.length;
  }

  /** The last round, with all labels; null: there was none in this life of the daemon. */
  last: (NotedRound & { readonly at: number; readonly sampledAt: number | null }) | null = null;

  note(round: NotedRound, sampledAt: number | null, now: number): void {
    this.last = { labels: round.labels, refusals: round.refusals, providers: round.providers, sampledAt, at: now };
    const refusals = round.refusals.slice(0, refusalsMax);
    const labels = round.labels.filter(each => each.wanted > 0 || each.granted > 0);
    const entry = { at: now, until: now, rounds: 1, sampledAt, labels, refusals, providers: round.providers };
    const key = keyOf(refusals);
    const before = this.#last;
    const isGoingOn = before !== null && before.key === key && goesOn(before.entry, entry);
    const last = isGoingOn
      ? merged(before.entry, entry)
      : { ...entry, at: Math.max(now, (this.#entries.at(-1)?.at ?? -Infinity) + 1) };
    if (isGoingOn) this.#entries.pop();
    this.#entries.push(last);
    this.#last = { entry: last, key };
    // That it was once more as before is told now and then.
    const isOld = isGoingOn && figuresOf(before.entry) === figuresOf(last);
    const isNews = !isOld || now - this.#takenUntil >= entrySpanMs;
    if (isNews) this.#changedFrom = Math.min(this.#changedFrom, last.at);
    const from = now - ledgerAgeMs;
    while (this.#entries.length > entriesMax || (this.#entries[0]?.until ?? Infinity) < from) this.#entries.shift();
  }

  /** Those of an earlier life; none of this one comes before them. */
  restore(entries: readonly LedgerEntry[]): void {
    const first = this.#entries[0]?.at ?? Infinity;
    this.#entries = [...entries.filter(({ at }) => at < first), ...this.#entries].slice(-entriesMax);
  }

  /** Entries of which some round came after the time, oldest first. */
  since(time: number): readonly LedgerEntry[] {
    return this.#entries.filter(({ until }) => until > time);
  }

  get hasChanged(): boolean {
    return this.#changedFrom !== Infinity;
  }

  /** What has changed since this was called last. */
  takeChanged(): readonly LedgerEntry[] {
    this.#takenUntil = this.#last?.entry.until ?? -Infinity;
    const changed = this.#entries.filter(({ at }) => at >= this.#changedFrom);
    this.#changedFrom = Infinity;
    return changed;
  }

  /** Nobody has them after all. */
  giveBackChanged(entries: readonly LedgerEntry[]): void {
    this.#changedFrom = Math.min(this.#changedFrom, entries[0]?.at ?? Infinity);
  }

  /** The oldest that is kept. */
  get keptFrom(): number {
    return this.#entries[0]?.at ?? 0;
  }
}

/** Come and go with each grant in a pool that is full, and say nothing new. */
const passing: ReadonlySet<RefusalReason> = new Set<RefusalReason>([
  'shared-out',
  'reserve-gives-way',
  'saved-for-group',
]);

function keyOf(refusals: readonly Refusal[]): string {
  const lasting = refusals.filter(({ reason }) => !passing.has(reason));
  return JSON.stringify(lasting.map(({ label, reason, provider }) => [label, reason, provider]));
}

function goesOn(before: LedgerEntry, entry: LedgerEntry): boolean {
  return entry.at - before.at < entrySpanMs || isSame(before, entry);
}

function isSame(before: LedgerEntry, entry: LedgerEntry): boolean {
  return figuresOf(before) === figuresOf(entry) && isIdle(before);
}

/** Nothing was granted: the sum would hide when. */
function isIdle({ labels }: LedgerEntry): boolean {
  return labels.every(({ granted }) => granted === 0);
}

function figuresOf({ labels, providers }: LedgerEntry): string {
  return JSON.stringify([labels, providers]);
}

function merged(before: LedgerEntry, { until, sampledAt, labels, refusals, providers }: LedgerEntry): LedgerEntry {
  const earlier = new Map(before.labels.map(each => [each.label, each]));
  const now = labels.map(each => ({ ...each, granted: each.granted + (earlier.get(each.label)?.granted ?? 0) }));
  const still = new Set(labels.map(({ label }) => label));
  const satisfied = before.labels.filter(({ label, granted }) => !still.has(label) && granted > 0);
  return {
    at: before.at,
    until,
    rounds: before.rounds + 1,
    sampledAt,
    labels: [...now, ...satisfied.map(each => ({ ...each, waiting: 0, wanted: 0, deficit: 0 }))],
    refusals,
    providers,
  };
}
