/**
 * How a target compares its slaves with the rows: one list of the master for all of them, then the rows of the target,
 * then `domain/slave-check`. What was found is told to the nodes, which write it; until they have, at the start, no node
 * is granted to the target, because its stock is not what it seems. The rows are not read again while neither they nor
 * the list have changed: most lists say nothing new.
 */
import { backoffMs } from '../../domain/backoff.js';
import { Fault } from '../../domain/fault.js';
import { grouped } from '../../domain/grouped.js';
import type { NodeId } from '../../domain/ids.js';
import type { NodeRow } from '../../domain/node-row.js';
import { publishersOf } from '../../domain/publishers.js';
import { compareSlaves, type SlaveFact, type SlaveFinding, type Suspicion } from '../../domain/slave-check.js';
import type { CiNode, CiPort } from '../../ports/ci.js';
import type { Outside } from '../../ports/outside.js';
import type { Context, TaskOutcome } from '../../runtime/actor.js';
import { eventsAddress, nodesAddress } from '../addresses.js';
import type { Settings } from '../settings.js';
import { asFault } from '../store.js';
import type { TargetMessage } from '../target.js';
import type { Strangers } from './strangers.js';

export interface Comparing {
  /** The first comparison is over, and the nodes have written what it found. */
  isSettled: boolean;
  isUnderWay: boolean;
  /** When the last list was asked for. */
  listedAt: number | null;
  /** The same of the one before it: what the last one shows and it did not has happened since. */
  listedBefore: number | null;
  /** Nodes that have not answered yet to what the first comparison found. */
  readonly awaited: Set<NodeId>;
  suspicions: ReadonlyMap<NodeId, Suspicion>;
  /** The last list with which rows were compared of which nothing has to be asked again; null: there is none. */
  settled: Pick<Listing, 'listedAt' | 'slaves'> | null;
  /** As they were read last: what has not changed is not read again. */
  rows: readonly NodeRow[];
  /** When a node of the target changed last. */
  changedAt: number;
  doubted: number;
  /** Why there is no list. */
  trouble: string | null;
  failures: number;
}

export const nothingCompared = (now: number): Comparing => ({
  isSettled: false,
  isUnderWay: false,
  listedAt: null,
  listedBefore: null,
  awaited: new Set(),
  suspicions: new Map(),
  settled: null,
  rows: [],
  changedAt: now,
  doubted: 0,
  trouble: null,
  failures: 0,
});

export interface Listing {
  readonly listedAt: number;
  readonly slaves: readonly CiNode[];
  /** Of this target; null: they would say nothing new. */
  readonly rows: readonly NodeRow[] | null;
  /** Read where strangers in it carry our mark; null: nobody needs them. */
  readonly allRows: readonly NodeRow[] | null;
}

interface ComparedTarget {
  readonly name: string;
  readonly outside: Outside;
  readonly settings: Settings;
  readonly comparing: Comparing;
  readonly strangers: Strangers;
}

/** A state that is younger than a list is not compared with it, and rows have whole seconds. */
const youngMs = 1_000;
/** What others wrote into the rows is seen after this time. */
const goodForMs = 300_000;
const againBackoff = { minMs: 500, maxMs: 10_000, factor: 2, jitter: 0.2 };

/** The rows are read after the list: a slave is never there before its row is. */
export function compare(port: CiPort, target: ComparedTarget, ctx: Context<TargetMessage>): void {
  const { name, outside, settings, comparing, strangers } = target;
  if (comparing.isUnderWay) return;
  comparing.isUnderWay = true;
  const deadlineMs = settings.timings.api;
  ctx.task(
    'compare',
    async (io): Promise<Listing> => {
      const listedAt = io.now();
      const slaves = await port.listNodes({ deadlineMs, signal: io.signal });
      if (isOldNews({ listedAt, slaves }, target)) return { listedAt, slaves, rows: null, allRows: null };
      const { shared } = outside.store;
      if (strangers.ours.size === 0)
        return { listedAt, slaves, rows: await shared.nodesSince(comparing.rows, { target: name }), allRows: null };
      const allRows = await shared.nodes();
      return { listedAt, slaves, rows: allRows.filter(row => row.target === name), allRows };
    },
    outcome => ({ type: 'compared', port, outcome }),
  );
}

function isOldNews({ listedAt, slaves }: Pick<Listing, 'listedAt' | 'slaves'>, target: ComparedTarget): boolean {
  const { isSettled, settled, changedAt } = target.comparing;
  if (settled === null || !isSettled || !target.strangers.areKnown) return false;
  const areRowsSame = changedAt + youngMs <= settled.listedAt && listedAt - settled.listedAt < goodForMs;
  return areRowsSame && areSame(settled.slaves, slaves);
}

function areSame(before: readonly CiNode[], now: readonly CiNode[]): boolean {
  const isSame = ({ name, idle, offlineReason }: CiNode, other: CiNode | undefined): boolean =>
    other?.name === name && other.idle === idle && other.offlineReason === offlineReason;
  return before.length === now.length && before.every((slave, at) => isSame(slave, now[at]));
}

/** Tells the nodes; resolves with nothing else to do where the list, or the database, was not to be had. */
export function compared(
  outcome: TaskOutcome<Listing>,
  target: ComparedTarget,
  ctx: Context<TargetMessage>,
): readonly SlaveFinding[] {
  const { comparing } = target;
  comparing.isUnderWay = false;
  if (!outcome.ok) {
    failed(asFault(outcome.error), comparing, ctx);
    return [];
  }
  const { listedAt, slaves, rows } = outcome.value;
  const listedBefore = comparing.listedAt;
  Object.assign(comparing, { listedAt, listedBefore, trouble: null, failures: 0 });
  if (rows === null) return [];
  comparing.rows = rows;
  const { findings, suspicions, doubted } = compareSlaves({
    rows,
    slaves,
    listedAt,
    suspicions: comparing.suspicions,
  });
  comparing.settled = findings.length === 0 && suspicions.size === 0 ? { listedAt, slaves } : null;
  Object.assign(comparing, { suspicions, doubted });
  for (const [provider, own] of grouped(findings, ({ row }) => row.provider)) {
    ctx.tell(nodesAddress(provider), { type: 'findings', findings: own });
  }
  if (!comparing.isSettled) {
    for (const { row } of findings) comparing.awaited.add(row.id);
    comparing.isSettled = comparing.awaited.size === 0;
  }
  return findings;
}

/** One that cannot list its slaves can have nodes all the same; without the database nothing can be had, and it is awaited. */
function failed(fault: Fault, comparing: Comparing, ctx: Context<TargetMessage>): void {
  if (fault.kind.startsWith('store.')) {
    if (comparing.isSettled) return;
    comparing.failures++;
    ctx.timer('compare', backoffMs(againBackoff, comparing.failures, ctx.random()), { type: 'compare' });
    return;
  }
  comparing.trouble = `its slaves are not compared: ${fault.message}`;
  comparing.isSettled = true;
}

export interface Taken {
  readonly node: NodeId;
  readonly fact: SlaveFact;
  readonly isNews: boolean;
}

/** A node has taken what was found of it. That its job started is what its publisher should have told. */
export function taken({ node, fact, isNews }: Taken, target: ComparedTarget, ctx: Context<TargetMessage>): void {
  const { name, settings, comparing } = target;
  if (comparing.awaited.delete(node) && comparing.awaited.size === 0) comparing.isSettled = true;
  const since = comparing.listedBefore;
  const url = settings.target(name)?.jenkins?.url;
  if (!isNews || fact !== 'job-started' || since === null || url === undefined) return;
  for (const endpoint of publishersOf(url, settings.config.zmqPublishers)) {
    ctx.tell(eventsAddress(endpoint), { type: 'unheard', target: name, since });
  }
}

export function troubleOf({ trouble, doubted }: Comparing): string | null {
  if (trouble !== null) return trouble;
  return doubted === 0 ? null : `${doubted} nodes have no slave in it; is it the right master?`;
}
