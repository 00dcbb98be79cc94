/** The supervisor tree as rows: what is open, what was searched for, and the way to it. Pure. */
import type { TreeView } from '../../src/ports/control.js';

export interface TreeRow {
  readonly actor: TreeView;
  readonly depth: number;
  readonly name: string;
  /** Null: it has no children. */
  readonly isOpen: boolean | null;
  /** How many actors are beneath it, at any depth. */
  readonly beneath: number;
}

/** More children than these are closed until somebody opens them. */
const openChildrenMax = 60;

/** `toggled`: paths that somebody has opened or closed. With words, what fits them and the way to it, all open. */
export function treeRows(root: TreeView, toggled: ReadonlyMap<string, boolean>, search: string): TreeRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  const wanted = words.length === 0 ? null : fitting(root, words);
  const rows: TreeRow[] = [];
  const add = (actor: TreeView, depth: number): void => {
    if (wanted !== null && !wanted.has(actor)) return;
    const { path, children } = actor;
    const isOpen = children.length === 0 ? null : isOpenNow(actor, toggled, wanted !== null);
    rows.push({
      actor,
      depth,
      name: path === '/' ? '/' : (path.split('/').at(-1) ?? ''),
      isOpen,
      beneath: size(actor) - 1,
    });
    if (isOpen === true) for (const child of children) add(child, depth + 1);
  };
  add(root, 0);
  return rows;
}

function isOpenNow({ path, children }: TreeView, toggled: ReadonlyMap<string, boolean>, isSearch: boolean): boolean {
  return toggled.get(path) ?? (isSearch || children.length <= openChildrenMax);
}

function fitting(root: TreeView, words: readonly string[]): ReadonlySet<TreeView> {
  const found = new Set<TreeView>();
  const look = (actor: TreeView): boolean => {
    const { path, kind, state, task } = actor;
    const text = `${path} ${kind} ${state} ${task?.name ?? ''}`.toLowerCase();
    let isWanted = words.every(word => text.includes(word));
    for (const child of actor.children) if (look(child)) isWanted = true;
    if (isWanted) found.add(actor);
    return isWanted;
  };
  look(root);
  return found;
}

const sizes = new WeakMap<TreeView, number>();

function size(actor: TreeView): number {
  const known = sizes.get(actor);
  if (known !== undefined) return known;
  const counted = actor.children.reduce((sum, child) => sum + size(child), 1);
  sizes.set(actor, counted);
  return counted;
}
