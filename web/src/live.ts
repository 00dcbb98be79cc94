/**
 * Keeps what the page knows fresh. Events change single nodes as they happen; lists are read again now and then, the
 * less often the longer they are, and put right whatever events did not tell.
 */
import { batch } from '@preact/signals';
import { nodeStates, type NodeState } from '../../src/domain/states.js';
import type { HistoryView, NodeView, PoolEvent, ProviderView, ReadinessView } from '../../src/ports/control.js';
import { get, getReadiness, Problem } from './api.js';
import { followEvents } from './event-reader.js';
import {
  areNodesRead,
  events,
  history,
  nodes,
  now,
  providers,
  readiness,
  silentSince,
  toPoolNode,
  type PoolNode,
} from './state.js';

const eventsMax = 500;
const pageSize = 1_000;
const tickMs = 1_000;
const shortMs = 2_000;
const longMs = 30_000;
/** Reading one node again costs the daemon and the page some microseconds; this leaves both at rest. */
const msPerNode = 4;
const newNodesMs = 250;
const heardMs = 100;
/** Six hours in marks of ten seconds. */
const marksMax = 2_160;

export function startLive(): void {
  every(
    () => tickMs,
    async () => void (now.value = Date.now()),
  );
  every(() => shortMs, readProviders);
  every(() => 2 * shortMs, readReadiness);
  every(() => 5 * shortMs, readHistory);
  every(() => Math.min(longMs, Math.max(shortMs, nodes.value.size * msPerNode)), readAllNodes);
  void followEvents({ event: heard, connected: () => undefined });
}

/** One at a time, not while nobody looks, and at once when somebody looks again. */
function every(waitMs: () => number, work: () => Promise<void>): void {
  const run = async (): Promise<void> => {
    if (document.hidden)
      await new Promise(resolve => document.addEventListener('visibilitychange', resolve, { once: true }));
    try {
      await work();
      silentSince.value = null;
    } catch (error) {
      // That the database is away, for instance, the daemon says itself.
      if (error instanceof Problem) silentSince.value = null;
      else silentSince.value ??= Date.now();
    }
    setTimeout(() => void run(), waitMs());
  };
  void run();
}

async function readProviders(): Promise<void> {
  providers.value = await get<ProviderView[]>('providers');
}

async function readReadiness(): Promise<void> {
  readiness.value = await getReadiness<ReadinessView>();
}

async function readHistory(): Promise<void> {
  const known = history.value;
  const last = known?.at.at(-1);
  const news = await get<HistoryView>(last === undefined ? 'history' : `history?after=${last}`);
  if (known === null || last === undefined) history.value = news;
  else if (news.at.length > 0) history.value = joined(known, news);
}

function joined(known: HistoryView, news: HistoryView): HistoryView {
  const join = <T>(a: readonly T[], b: readonly T[]): T[] => [...a, ...b].slice(-marksMax);
  const labels = new Set([...Object.keys(known.waiting), ...Object.keys(news.waiting)]);
  const missing = (view: HistoryView): null[] => view.at.map(() => null);
  return {
    everySeconds: news.everySeconds,
    at: join(known.at, news.at),
    nodes: Object.fromEntries(nodeStates.map(state => [state, join(known.nodes[state], news.nodes[state])])) as Record<
      NodeState,
      number[]
    >,
    waiting: Object.fromEntries(
      [...labels].map(label => [
        label,
        join(known.waiting[label] ?? missing(known), news.waiting[label] ?? missing(news)),
      ]),
    ),
    launched: join(known.launched, news.launched),
    failed: join(known.failed, news.failed),
    launchP50Seconds: join(known.launchP50Seconds, news.launchP50Seconds),
    launchP99Seconds: join(known.launchP99Seconds, news.launchP99Seconds),
  };
}

// ── Nodes ────────────────────────────────────────────────────────────────────────────────────────────────────────

async function readAllNodes(): Promise<void> {
  const read = await nodesAfter(0);
  batch(() => {
    nodes.value = new Map(read.map(node => [node.id, node]));
    areNodesRead.value = true;
  });
}

/** Ids grow: what is new comes after the greatest one that is known. */
async function readNewNodes(): Promise<void> {
  const read = await nodesAfter(Math.max(0, ...nodes.value.keys()));
  if (read.length > 0) nodes.value = new Map([...nodes.value, ...read.map(node => [node.id, node] as const)]);
}

async function nodesAfter(id: number): Promise<PoolNode[]> {
  const read: PoolNode[] = [];
  for (let after = id; ; after = read.at(-1)?.id ?? after) {
    const page = await get<NodeView[]>(`nodes?after=${after}&limit=${pageSize}`);
    read.push(...page.map(toPoolNode));
    if (page.length === 0 || (after === id && page.length < pageSize / 2)) return read;
  }
}

// ── Events ───────────────────────────────────────────────────────────────────────────────────────────────────────

let heardNow: PoolEvent[] = [];
let newNodesTimer: number | null = null;

/** Those that come within a moment are taken together. */
function heard(event: PoolEvent): void {
  if (heardNow.push(event) === 1) setTimeout(takeHeard, heardMs);
}

function takeHeard(): void {
  const news = heardNow;
  heardNow = [];
  batch(() => {
    events.value = [...news.toReversed(), ...events.value].slice(0, eventsMax);
    if (areNodesRead.value) nodes.value = news.reduce(withEvent, new Map(nodes.value));
  });
  if (news.some(({ type }) => type === 'pool.granted')) soonReadNewNodes();
}

/** An event that is older than what was read says nothing new. */
function withEvent(known: Map<number, PoolNode>, { type, node: id, at }: PoolEvent): Map<number, PoolNode> {
  const node = id === undefined ? undefined : known.get(id);
  if (id === undefined || node === undefined || at < node.since) return known;
  const state = nodeStates.find(each => type === `node.${each}`);
  if (type === 'node.deleted') known.delete(id);
  else if (state !== undefined) known.set(id, { ...node, state, step: null, since: at });
  return known;
}

function soonReadNewNodes(): void {
  newNodesTimer ??= window.setTimeout(() => {
    newNodesTimer = null;
    readNewNodes().catch(() => undefined);
  }, newNodesMs);
}
