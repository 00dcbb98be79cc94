/** What `top` shows, from what the daemon said: pure, so that a terminal, a file and a test see the same. */
import { formatAge } from '../../domain/age.js';
import { nodeStates } from '../../domain/states.js';
import type { HistoryView, NodeView, ProviderView, ReadinessView } from '../../ports/control.js';
import { plainText } from '../plain-text.js';

export interface Glance {
  readonly readiness: ReadinessView;
  readonly providers: readonly ProviderView[];
  readonly nodes: readonly NodeView[];
  readonly history: HistoryView;
}

/** The columns that nodes can be sorted by, in their order on the screen. */
export const sortKeys = ['id', 'state', 'age', 'label', 'provider', 'target'] as const;
export type SortKey = (typeof sortKeys)[number];

export interface Sorting {
  readonly key: SortKey;
  readonly isReversed: boolean;
}

/** Those that come up first, those that go last. */
const stateOrder = ['building', 'test', 'ready', 'used', 'hold', 'delete'];

const compare: Readonly<Record<SortKey, (a: NodeView, b: NodeView) => number>> = {
  id: (a, b) => a.id - b.id,
  state: (a, b) => stateOrder.indexOf(a.state) - stateOrder.indexOf(b.state),
  age: (a, b) => b.ageSeconds - a.ageSeconds,
  label: (a, b) => byText(a.label, b.label),
  provider: (a, b) => byText(a.provider, b.provider),
  target: (a, b) => byText(a.target, b.target),
};

const byText = new Intl.Collator('en', { numeric: true }).compare;

/** Those that have all the words, sorted; those that are alike by id. */
export function nodesShown(nodes: readonly NodeView[], filter: string, { key, isReversed }: Sorting): NodeView[] {
  const words = filter.toLowerCase().split(/\s+/).filter(Boolean);
  const sign = isReversed ? -1 : 1;
  return nodes
    .filter(node => words.every(word => textOf(node).includes(word)))
    .sort((a, b) => sign * compare[key](a, b) || a.id - b.id);
}

function textOf({ id, state, step, label, provider, target, hostname, ip, reason }: NodeView): string {
  return [id, state, step, label, provider, target, hostname, ip, reason].join(' ').toLowerCase();
}

/** How many there are in each state, in the order in which nodes go through them. */
export function countsOf(nodes: readonly NodeView[]): { readonly state: string; readonly count: number }[] {
  return [...nodeStates]
    .sort((a, b) => stateOrder.indexOf(a) - stateOrder.indexOf(b))
    .map(state => ({ state, count: nodes.filter(node => node.state === state).length }));
}

/** Whatever else there is, some nodes are shown, and without room no provider. */
const nodeRowsMin = 3;
const providerRowsMax = 12;
/** The headline and its counts, the heads of the nodes, the keys, blank lines, and the last row, which stays free. */
const otherRows = 6;

/** How many of each are shown on a screen so high. A frame as high as the screen would be scrolled by its end. */
export function rowsWithin(height: number, providers: number): { readonly providers: number; readonly nodes: number } {
  const room = height - otherRows;
  // Their heads, a blank line, and how many there are more.
  const around = providers > providerRowsMax || providers > room - nodeRowsMin - 2 ? 3 : 2;
  const shown = Math.max(0, Math.min(providers, providerRowsMax, room - nodeRowsMin - around));
  const taken = shown === 0 ? 0 : shown + around;
  return { providers: shown, nodes: Math.max(1, room - taken) };
}

/** One sentence about the whole. */
export function summaryOf({ nodes, history, readiness }: Glance): string {
  const troubles = readiness.dependencies.filter(({ ok }) => !ok).map(({ name }) => name);
  const waiting = Object.values(history.waiting).map(values => values.at(-1) ?? null);
  const known = waiting.filter(value => value !== null);
  return [
    readiness.ready ? 'ready' : 'not ready',
    ...(troubles.length > 0 ? [`trouble with ${namesText(troubles)}`] : []),
    `${nodes.length} nodes`,
    known.length < waiting.length || waiting.length === 0
      ? 'demand unknown'
      : `${known.reduce((sum, value) => sum + value, 0)} jobs wait`,
    ...launchTimes(history),
  ].join(', ');
}

/** So many are named, and how many there are more. */
const namesMax = 2;

function namesText(names: readonly string[]): string {
  const more = names.length > namesMax ? ` and ${names.length - namesMax} more` : '';
  return `${names.slice(0, namesMax).map(plainText).join(', ')}${more}`;
}

function launchTimes({ launchP50Seconds, launchP99Seconds }: HistoryView): string[] {
  const [median, worst] = [launchP50Seconds.at(-1) ?? null, launchP99Seconds.at(-1) ?? null];
  return median === null || worst === null
    ? []
    : [`launches take ${shortSeconds(median)} (99 %: ${shortSeconds(worst)})`];
}

function shortSeconds(seconds: number): string {
  return seconds < 100 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
}

export const providerHeaders = ['PROVIDER', 'SERVERS', 'LAUNCHES', 'DELETES', 'CALLS', 'PACE', 'STATE'];

export function providerCells(provider: ProviderView): string[] {
  const { name, servers, limit, maxServers, launches, deletes, calls, pace } = provider;
  const work = (of: ProviderView['calls']): string =>
    of === null ? '-' : `${of.underWay}/${of.limit}${of.waiting > 0 ? ` +${of.waiting}` : ''}`;
  return [
    plainText(name),
    `${servers}/${limit}${limit === maxServers ? '' : ` (max ${maxServers})`}`,
    work(launches),
    work(deletes),
    work(calls),
    pace === null ? '-' : `${pace.rateSeconds} s${pace.slowdown > 1 ? ` (slowed ${pace.slowdown})` : ''}`,
    plainText(conditionOf(provider)),
  ];
}

export function conditionOf({ breaker, closedBecause, pace }: ProviderView): string {
  if (breaker === null) return 'does not answer';
  if (breaker.phase === 'open') return `breaker open: ${breaker.trouble ?? ''}`;
  if (breaker.phase === 'half-open') return `one call finds out: ${breaker.trouble ?? ''}`;
  if (closedBecause !== null) return `launches nothing: ${closedBecause}`;
  return pace?.reason ?? 'well';
}

export const nodeHeaders = ['ID', 'STATE', 'AGE', 'LABEL', 'PROVIDER', 'TARGET', 'STEP', 'REASON'];

export function nodeCells({ id, state, ageSeconds, label, provider, target, step, reason }: NodeView): string[] {
  const texts = [label, provider, target, step ?? '', reason ?? ''].map(plainText);
  return [String(id), state, formatAge(ageSeconds), ...texts];
}

/** Columns as wide as what is in them; the last one is left as it is. */
export function columns(rows: readonly (readonly string[])[]): string[] {
  const widths: number[] = [];
  for (const row of rows) row.forEach((cell, at) => (widths[at] = Math.max(widths[at] ?? 0, cell.length)));
  return rows.map(row =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
