/** Where somebody is in `top`, and where each key leads: decided here, drawn by `screen`. */
import type { Key } from 'ink';
import type { NodeView } from '../../ports/control.js';
import { plainText } from '../plain-text.js';
import { nodesShown, sortKeys, type Sorting } from './glance.js';

const pageRows = 10;

export interface Browsing {
  readonly sorting: Sorting;
  readonly filter: string;
  readonly isTyping: boolean;
  /** The row that is marked; the first one where it is not shown. */
  readonly chosenId: number | null;
  /** The node whose story is on the screen. */
  readonly openId: number | null;
  readonly hasLeft: boolean;
}

export const start: Browsing = {
  sorting: { key: 'state', isReversed: false },
  filter: '',
  isTyping: false,
  chosenId: null,
  openId: null,
  hasLeft: false,
};

/** Keys that come fast come together, as one `input`. */
export function pressed(from: Browsing, input: string, key: Partial<Key>, nodes: readonly NodeView[]): Browsing {
  if (input.length <= 1) return afterKey(from, input, key, nodes);
  return [...input].reduce((to, letter) => afterKey(to, letter, keyNamed(letter), nodes), from);
}

function keyNamed(letter: string): Partial<Key> {
  return { return: letter === '\r', backspace: letter === '\x7F' };
}

function afterKey(from: Browsing, input: string, key: Partial<Key>, nodes: readonly NodeView[]): Browsing {
  if (from.isTyping) return typed(from, input, key);
  if (from.openId !== null) return key.escape || input === 'q' ? { ...from, openId: null } : from;
  if (key.escape) return { ...from, filter: '' };
  if (key.downArrow) return moved(from, 1, nodes);
  if (key.upArrow) return moved(from, -1, nodes);
  if (key.pageDown) return moved(from, pageRows, nodes);
  if (key.pageUp) return moved(from, -pageRows, nodes);
  if (key.return) {
    const shown = shownOf(from, nodes);
    return { ...from, openId: shown[placeOf(from, shown)]?.id ?? null };
  }
  return afterLetter(from, input, nodes);
}

export function shownOf({ filter, sorting }: Browsing, nodes: readonly NodeView[]): NodeView[] {
  return nodesShown(nodes, filter, sorting);
}

/** The index of the marked row among those that are shown. */
export function placeOf({ chosenId }: Browsing, shown: readonly NodeView[]): number {
  return Math.max(
    0,
    shown.findIndex(({ id }) => id === chosenId),
  );
}

function typed(from: Browsing, input: string, key: Partial<Key>): Browsing {
  if (key.escape) return { ...from, isTyping: false, filter: '' };
  if (key.return) return { ...from, isTyping: false };
  if (key.backspace || key.delete) return { ...from, filter: from.filter.slice(0, -1) };
  return key.ctrl ? from : { ...from, filter: from.filter + plainText(input) };
}

function moved(from: Browsing, rows: number, nodes: readonly NodeView[]): Browsing {
  const shown = shownOf(from, nodes);
  const to = Math.min(shown.length - 1, Math.max(0, placeOf(from, shown) + rows));
  return { ...from, chosenId: shown[to]?.id ?? from.chosenId };
}

function afterLetter(from: Browsing, letter: string, nodes: readonly NodeView[]): Browsing {
  const { key, isReversed } = from.sorting;
  switch (letter) {
    case 'q':
      return { ...from, hasLeft: true };
    case 'j':
      return moved(from, 1, nodes);
    case 'k':
      return moved(from, -1, nodes);
    case '/':
      return { ...from, isTyping: true };
    case 's':
      return { ...from, sorting: { key: nextKey(key), isReversed } };
    case 'r':
      return { ...from, sorting: { key, isReversed: !isReversed } };
    default:
      return from;
  }
}

function nextKey(key: Sorting['key']): Sorting['key'] {
  return sortKeys[(sortKeys.indexOf(key) + 1) % sortKeys.length] ?? 'id';
}
