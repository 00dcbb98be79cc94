/** The pool as a grid: a mark for each node, in the colour and the shape of its state, in groups. */
import { signal } from '@preact/signals';
import { memo } from 'preact/compat';
import { byName, counted } from '../format.js';
import { Gauge } from '../parts/gauge.js';
import { StatusLine } from '../parts/status-line.js';
import {
  areNodesRead,
  grouping,
  groupings,
  nodes,
  providers,
  shownNodes,
  statesInOrder,
  type PoolNode,
} from '../state.js';
import { SmallCharts } from './history.js';

type Size = 'roomy' | 'usual' | 'dense';

/** So few have the room to say who they are; so many are to be seen at a glance. */
const roomyMax = 150;
const usualMax = 2_000;

function sizeFor(count: number): Size {
  if (count <= roomyMax) return 'roomy';
  return count <= usualMax ? 'usual' : 'dense';
}

/** The node under the pointer or the focus. */
export const pointedAt = signal<number | null>(null);

export function PoolView() {
  const groups = grouped(shownNodes.value);
  const size = sizeFor(shownNodes.value.length);
  return (
    <>
      <SmallCharts />
      <div class="bar">
        <h2>{counted(shownNodes.value.length, 'node')}</h2>
        <fieldset class="choice">
          <legend class="hidden">Group by</legend>
          {groupings.map(name => (
            <label key={name}>
              <input
                type="radio"
                name="grouping"
                checked={grouping.value === name}
                onChange={() => (grouping.value = name)}
              />
              <span>{name}</span>
            </label>
          ))}
        </fieldset>
      </div>
      {groups.length === 0 ? <Empty /> : null}
      <div
        class="groups"
        onPointerOver={point}
        onFocusIn={point}
        onPointerLeave={() => (pointedAt.value = null)}
        onKeyDown={walk}
      >
        {groups.map(([name, members]) => (
          <section key={name} class="group">
            <h3>
              {name} <small>{members.length}</small>
            </h3>
            {grouping.value === 'provider' ? <ProviderGauge name={name} /> : null}
            <Cells print={printOf(members)} members={members} name={name} size={size} />
          </section>
        ))}
      </div>
      <StatusLine />
    </>
  );
}

function Empty() {
  if (!areNodesRead.value) return <p class="empty">Reading the nodes …</p>;
  if (nodes.value.size > 0) return <p class="empty">No node is like that. Escape shows all of them again.</p>;
  return (
    <p class="empty">
      There are no nodes. <code>nodepool plan</code> says what the next round would launch, and why it launches nothing.
    </p>
  );
}

function grouped(shown: readonly PoolNode[]): (readonly [string, readonly PoolNode[]])[] {
  const groups = new Map<string, PoolNode[]>();
  for (const node of shown) {
    const name = node[grouping.value];
    const members = groups.get(name);
    if (members) members.push(node);
    else groups.set(name, [node]);
  }
  const order = (node: PoolNode): number => statesInOrder.findIndex(state => state === node.state);
  return [...groups]
    .map(([name, members]) => [name, members.toSorted((a, b) => order(a) - order(b) || a.id - b.id)] as const)
    .sort(([a], [b]) => byName(a, b));
}

/** What the marks of a group look like: a group that looks the same is not drawn again. */
function printOf(members: readonly PoolNode[]): string {
  return members.map(({ id, state, step }) => `${id}${state}${step ?? ''}`).join();
}

interface CellsProps {
  readonly print: string;
  readonly members: readonly PoolNode[];
  readonly name: string;
  readonly size: Size;
}

const Cells = memo(
  ({ members, name, size }: CellsProps) => (
    <div
      class={`cells is-${size}`}
      role="group"
      aria-label={counted(members.length, `node of ${name}`, `nodes of ${name}`)}
    >
      {members.map((node, index) => (
        <a
          key={node.id}
          href={`#/node/${node.id}`}
          class={`cell s-${node.state}`}
          data-id={node.id}
          tabIndex={index === 0 ? 0 : -1}
          aria-label={`node ${node.id}, ${node.state}`}
        >
          <span class="mark" />
          {size === 'roomy' ? <Who node={node} /> : null}
        </a>
      ))}
    </div>
  ),
  (before, after) => before.print === after.print && before.name === after.name && before.size === after.size,
);

function Who({ node: { id, label, provider, step } }: { readonly node: PoolNode }) {
  return (
    <>
      <span class="number">{id}</span> {grouping.value === 'label' ? provider : label}
      {step === null ? null : <small>{step}</small>}
    </>
  );
}

function ProviderGauge({ name }: { readonly name: string }) {
  const provider = providers.value.find(each => each.name === name);
  if (provider === undefined) return <p class="quiet">not in the configuration: what is there is deleted</p>;
  const { servers, limit, maxServers, closedBecause } = provider;
  return (
    <>
      <Gauge label="servers" value={servers} limit={limit} max={maxServers} />
      {closedBecause === null ? null : <p class="trouble">launches nothing: {closedBecause}</p>}
    </>
  );
}

function point(event: Event): void {
  const cell = (event.target as Element).closest<HTMLElement>('[data-id]');
  if (cell) pointedAt.value = Number(cell.dataset['id']);
}

/** Arrow keys go from mark to mark; each group is one stop of the Tab key. */
function walk(event: KeyboardEvent): void {
  const cell = (event.target as Element).closest<HTMLElement>('.cell');
  if (!cell) return;
  const next = neighbour(cell, event.key);
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function neighbour(cell: HTMLElement, key: string): HTMLElement | null {
  switch (key) {
    case 'ArrowRight':
      return cell.nextElementSibling as HTMLElement | null;
    case 'ArrowLeft':
      return cell.previousElementSibling as HTMLElement | null;
    case 'ArrowDown':
      return below(cell, 1);
    case 'ArrowUp':
      return below(cell, -1);
    default:
      return null;
  }
}

/** The one in the next row at the same place; rows are as long as the window is wide. */
function below(cell: HTMLElement, direction: 1 | -1): HTMLElement | null {
  const { left, top } = cell.getBoundingClientRect();
  const step = direction === 1 ? 'nextElementSibling' : 'previousElementSibling';
  for (let other = cell[step] as HTMLElement | null; other; other = other[step] as HTMLElement | null) {
    const place = other.getBoundingClientRect();
    if (place.top !== top && Math.abs(place.left - left) < place.width / 2) return other;
  }
  return null;
}
