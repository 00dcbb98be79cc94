/** The supervisor tree: every part of the daemon, what it does, what waits for it, how often it began again. */
import { computed, signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import type { TreeView as Actor } from '../../../src/ports/control.js';
import { askRestart } from '../actions.js';
import { get, token } from '../api.js';
import { age, clockTime, counted } from '../format.js';
import { search } from '../state.js';
import { treeRows, type TreeRow } from '../tree-rows.js';

const root = signal<Actor | null>(null);
const toggled = signal<ReadonlyMap<string, boolean>>(new Map());
/** The path of the row that the keyboard is on. */
const chosen = signal<string>('/');
const scrolled = signal(0);
const height = signal(600);

const rowPx = 30;
/** Rows drawn beyond the window on each side. */
const spare = 12;
const shortestMs = 2_000;

const rows = computed(() => (root.value === null ? [] : treeRows(root.value, toggled.value, search.value)));

/** Ten thousand actors are some megabytes: the longer an answer takes, the less often it is asked for. */
function useTree(): void {
  useEffect(() => {
    let timer = 0;
    let isOver = false;
    const read = async (): Promise<void> => {
      const began = performance.now();
      if (!document.hidden) root.value = await get<Actor>('tree').catch(() => root.value);
      if (!isOver) timer = window.setTimeout(() => void read(), Math.max(shortestMs, 8 * (performance.now() - began)));
    };
    void read();
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, []);
}

export function TreeView() {
  useTree();
  const list = rows.value;
  const first = Math.max(0, Math.floor(scrolled.value / rowPx) - spare);
  const last = Math.min(list.length, Math.ceil((scrolled.value + height.value) / rowPx) + spare);
  return (
    <>
      <div class="bar">
        <h2>{root.value === null ? 'Supervisor tree' : `${counted((list[0]?.beneath ?? 0) + 1, 'actor')}`}</h2>
        <p class="quiet">{list.length === 0 ? '' : `${counted(list.length, 'row')} open`}</p>
      </div>
      <div class="tree-and-actor">
        <div class="tree" role="treegrid" aria-label="supervisor tree" aria-rowcount={list.length + 1}>
          <div class="tree-row is-head" role="row">
            {['actor', 'mailbox', 'restarts', 'task', 'connection', 'state'].map(name => (
              <span key={name} role="columnheader" class={`c-${name}`}>
                {name}
              </span>
            ))}
          </div>
          <Window count={list.length}>
            {list.slice(first, last).map((row, index) => (
              <Row key={row.actor.path} row={row} index={first + index} />
            ))}
          </Window>
        </div>
        <ActorPanel actor={list.find(row => row.actor.path === chosen.value)?.actor ?? null} />
      </div>
    </>
  );
}

/** As high as all rows, with those that are seen alone. */
function Window({ count, children }: { readonly count: number; readonly children: preact.ComponentChildren }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const place = box.current;
    if (place === null) return;
    const measured = new ResizeObserver(() => (height.value = place.clientHeight));
    measured.observe(place);
    return () => measured.disconnect();
  }, []);
  return (
    <div
      ref={box}
      class="tree-window"
      tabIndex={0}
      role="rowgroup"
      aria-activedescendant={rowId(chosen.value)}
      onScroll={event => (scrolled.value = event.currentTarget.scrollTop)}
      onKeyDown={walk}
    >
      <div style={{ height: `${count * rowPx}px` }}>{children}</div>
    </div>
  );
}

function Row({ row, index }: { readonly row: TreeRow; readonly index: number }) {
  const { actor, depth, name, isOpen, beneath } = row;
  const { path, mailbox, restarts, task, connection, state, failure } = actor;
  const isParked = state.startsWith('parked');
  const isTroubled = isParked || restarts > 0 || failure !== null;
  return (
    <div
      id={rowId(path)}
      class={`tree-row ${path === chosen.value ? 'is-chosen' : ''} ${isTroubled ? 'is-troubled' : ''}`}
      role="row"
      aria-level={depth + 1}
      aria-rowindex={index + 2}
      aria-selected={path === chosen.value}
      {...(isOpen === null ? {} : { 'aria-expanded': isOpen })}
      style={{ top: `${index * rowPx}px` }}
      onClick={() => (chosen.value = path)}
      onDblClick={() => toggle(row)}
    >
      <span role="gridcell" class="c-actor" style={{ paddingLeft: `${0.4 + depth * 1.1}rem` }}>
        {isOpen === null ? (
          <i class="leaf" />
        ) : (
          <button
            type="button"
            class="caret"
            tabIndex={-1}
            aria-label={isOpen ? 'close' : 'open'}
            onClick={() => toggle(row)}
          >
            {isOpen ? '▾' : '▸'}
          </button>
        )}
        {name} {isOpen === false ? <small>{beneath}</small> : null}
      </span>
      <span role="gridcell" class={`c-mailbox number ${mailbox > 0 ? 'is-some' : ''}`}>
        {mailbox}
      </span>
      <span role="gridcell" class={`c-restarts number ${restarts > 0 ? 'is-trouble' : ''}`}>
        {restarts}
      </span>
      <span role="gridcell" class="c-task">
        {task === null ? '' : `${task.name} ${age(task.ageSeconds)}`}
      </span>
      <span role="gridcell" class="c-connection">
        {connection === null ? '' : `${connection.state} ${age(connection.ageSeconds)}`}
      </span>
      <span role="gridcell" class={`c-state ${isParked ? 'is-trouble' : ''}`} title={state}>
        {state}
      </span>
    </div>
  );
}

function ActorPanel({ actor }: { readonly actor: Actor | null }) {
  if (actor === null) return null;
  const { path, kind, state, mailbox, highWater, handled, restarts, task, connection, failure, children } = actor;
  const [, id] = /\/nodes\/(\d+)$/.exec(path) ?? [];
  const facts: readonly (readonly [string, string])[] = [
    ['kind', kind],
    ['state', state],
    ['mailbox', `${mailbox}, at most ${highWater}`],
    ['handled', counted(handled, 'message')],
    ['restarts', String(restarts)],
    ['task', task === null ? 'none' : `${task.name}, for ${age(task.ageSeconds)}`],
    ['connection', connection === null ? 'none' : `${connection.state}, for ${age(connection.ageSeconds)}`],
    [
      'last failure',
      failure === null ? 'none' : `${failure.message} (${failure.count}, last ${clockTime(failure.at)})`,
    ],
    ['children', String(children.length)],
  ];
  return (
    <aside class="actor" aria-label="the chosen actor">
      <h3>{path}</h3>
      <dl>
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {id === undefined ? null : <a href={`#/node/${id}`}>The story of node {id}</a>}
      {token.value === null ? null : (
        <button type="button" onClick={() => askRestart(path)}>
          Restart …
        </button>
      )}
    </aside>
  );
}

function rowId(path: string): string {
  return `actor ${path}`.replaceAll(' ', '_');
}

function toggle({ actor: { path }, isOpen }: TreeRow): void {
  if (isOpen !== null) toggled.value = new Map(toggled.value).set(path, !isOpen);
}

function walk(event: KeyboardEvent & { readonly currentTarget: HTMLElement }): void {
  const list = rows.value;
  const at = Math.max(
    0,
    list.findIndex(({ actor }) => actor.path === chosen.value),
  );
  const next = nextRow(event.key, list, at);
  if (next === null) return;
  event.preventDefault();
  const row = list[next];
  if (row === undefined) return;
  chosen.value = row.actor.path;
  keepInSight(event.currentTarget, next);
}

/** Which row a key goes to; null: it is none of ours. */
function nextRow(key: string, list: readonly TreeRow[], at: number): number | null {
  const row = list[at];
  switch (key) {
    case 'ArrowDown':
      return Math.min(list.length - 1, at + 1);
    case 'ArrowUp':
      return Math.max(0, at - 1);
    case 'Home':
      return 0;
    case 'End':
      return list.length - 1;
    case 'ArrowRight':
      if (row?.isOpen === false) toggle(row);
      return row?.isOpen === true ? at + 1 : at;
    case 'ArrowLeft':
      if (row?.isOpen === true) {
        toggle(row);
        return at;
      }
      return parentOf(list, at);
    case 'Enter':
      if (row) toggle(row);
      return at;
    default:
      return null;
  }
}

function parentOf(list: readonly TreeRow[], at: number): number {
  const depth = list[at]?.depth ?? 0;
  for (let above = at - 1; above >= 0; above--) if ((list[above]?.depth ?? 0) < depth) return above;
  return at;
}

function keepInSight(box: HTMLElement, index: number): void {
  const top = index * rowPx;
  if (top < box.scrollTop) box.scrollTop = top;
  else if (top + rowPx > box.scrollTop + box.clientHeight) box.scrollTop = top + rowPx - box.clientHeight;
}
