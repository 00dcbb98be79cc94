/**
 * What became of each node, told from the changes of its row, in memory that does not grow. The row has only the last
 * step and the last failure; here is how it came there. Pure: the caller brings the time.
 */
import type { NodeRow } from './node-row.js';

export type StoryEntry =
  | {
      /** Epoch milliseconds. */
      readonly at: number;
      /** `found`: the daemon began with it in this state. `fact`: something about it became known. */
      readonly kind: 'found' | 'state' | 'step' | 'fact' | 'fault' | 'gone';
      /** The state, the step, the fact; of a fault the message. */
      readonly what: string;
    }
  | ({ readonly kind: 'call' } & CallMade);

/** A call to the outside that was made for one node, and has ended. */
export interface CallMade {
  /** When it was begun, epoch milliseconds. */
  readonly at: number;
  /** Whom it went to, and what it was: `cloud.createServer`. */
  readonly what: string;
  /** Of its subnodes the one for which it was made; null: it was made for the node itself. */
  readonly subnode: number | null;
  /** So long it waited for its turn before. */
  readonly waitedMs: number;
  readonly ms: number;
  readonly isOk: boolean;
  /** What came of it, where that says more than that it was answered; the fault of one that failed. */
  readonly result: string | null;
}

/** A launch and a delete are some forty; a cloud that is down for hours makes many more. */
export const entriesMax = 100;
/** So many that are gone can still be looked at. */
export const goneMax = 1_000;

export class Stories {
  readonly #living = new Map<number, StoryEntry[]>();
  /** In the order in which they went. */
  readonly #gone = new Map<number, StoryEntry[]>();

  get size(): number {
    return this.#living.size + this.#gone.size;
  }

  /** Its actor begins, perhaps again. */
  begin(row: NodeRow, at: number): void {
    const id = Number(row.id);
    if (this.#living.has(id)) return;
    const isNew = row.state === 'building' && row.step === 'queued';
    this.#living.set(id, []);
    if (!isNew) this.#add(id, { at, kind: 'found', what: row.step === null ? row.state : `${row.state}, ${row.step}` });
    else this.#add(id, { at, kind: 'step', what: 'queued' });
  }

  change(before: NodeRow, after: NodeRow, at: number): void {
    for (const entry of whatChanged(before, after, at)) this.#add(Number(after.id), entry);
  }

  call(id: number, call: CallMade): void {
    this.#add(id, { kind: 'call', ...call });
  }

  end(id: number, at: number): void {
    const story = this.#living.get(id);
    if (!story) return;
    story.push({ at, kind: 'gone', what: 'deleted' });
    this.#living.delete(id);
    this.#gone.set(id, story);
    for (const oldest of this.#gone.keys()) {
      if (this.#gone.size <= goneMax) return;
      this.#gone.delete(oldest);
    }
  }

  /** In the order in which it happened; null: nothing is known of such a node. */
  of(id: number): readonly StoryEntry[] | null {
    return this.#living.get(id) ?? this.#gone.get(id) ?? null;
  }

  /**
   * The beginning stays: what it was launched as. In the middle the oldest goes. A call is known at its end, and stands
   * where it began.
   */
  #add(id: number, entry: StoryEntry): void {
    const story = this.#living.get(id);
    if (!story) return;
    let place = story.length;
    while (place > 0 && (story[place - 1]?.at ?? 0) > entry.at) place--;
    story.splice(place, 0, entry);
    if (story.length > entriesMax) story.splice(entriesKept, 1);
  }
}

const entriesKept = entriesMax / 2;

/** A failure comes before the step or the state that it led to. */
export function whatChanged(before: NodeRow, after: NodeRow, at: number): readonly StoryEntry[] {
  const entries: StoryEntry[] = [];
  const isNewFault = after.lastError !== null && after.lastError !== before.lastError;
  if (isNewFault) entries.push({ at, kind: 'fault', what: after.lastError });
  for (const [name, of] of facts) {
    const value = of(after);
    if (value !== null && value !== of(before)) entries.push({ at, kind: 'fact', what: `${name} ${value}` });
  }
  if (after.state !== before.state) entries.push({ at, kind: 'state', what: after.state });
  if (after.step !== null && after.step !== before.step) entries.push({ at, kind: 'step', what: after.step });
  return entries;
}

/** Of a machine that did not come up, the very end. */
const consoleMax = 2_000;

const facts: readonly (readonly [string, (row: NodeRow) => string | null])[] = [
  ['name', row => row.nodename],
  ['server', row => row.serverId],
  ['zone', row => row.az],
  ['address', row => row.ip],
  ['console', row => row.console?.slice(-consoleMax) ?? null],
  ['held because', row => (row.state === 'hold' ? row.reason : null)],
  ['job', row => (row.jobStartedAt === null ? null : row.jobEndedAt === null ? 'started' : 'ended')],
];

/** What an entry says; of a call not how long it took. */
export function storyText(entry: StoryEntry): string {
  if (entry.kind !== 'call') return entry.what;
  const { what, subnode, waitedMs, isOk, result } = entry;
  const whose = subnode === null ? '' : ` for subnode ${subnode}`;
  const waited = waitedMs < waitMinMs ? '' : `, after ${(waitedMs / 1000).toFixed(1)} s in the queue`;
  return `${what}${whose}${waited}${isOk ? '' : ' failed'}${result === null ? '' : `: ${result}`}`;
}

/** What waits less is only taken up. */
const waitMinMs = 50;

/** How long each of the entries took, where it took any time: a step until the next one, the last one until now. */
export function storyLengths(story: readonly StoryEntry[], now: number): (number | null)[] {
  let end = now;
  const lengths: (number | null)[] = [];
  for (const entry of story.toReversed()) {
    const isPhase = entry.kind === 'found' || entry.kind === 'state' || entry.kind === 'step';
    lengths.push(entry.kind === 'call' ? entry.ms : isPhase ? Math.max(0, end - entry.at) : null);
    if (isPhase || entry.kind === 'gone') end = entry.at;
  }
  return lengths.reverse();
}
