/** The frame of the page: how the daemon is, where one can go, what is shown, and the keys that do it. */
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { lock, unlock } from './actions.js';
import { token } from './api.js';
import { age } from './format.js';
import { Dialog } from './parts/dialog.js';
import { StockBar } from './parts/stock-bar.js';
import { go, route, viewNames, type ViewName } from './route.js';
import { now, readiness, search, shownStates, silentSince } from './state.js';
import { otherTheme, theme } from './theme.js';
import { EventsView, Feed } from './views/events.js';
import { HistoryView } from './views/history.js';
import { NodeView } from './views/node.js';
import { PoolView } from './views/pool.js';
import { ProvidersView } from './views/providers.js';
import { TreeView } from './views/tree.js';

const isHelpShown = signal(false);

export function App() {
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const pressed = (event: KeyboardEvent): void => press(event, field.current);
    addEventListener('keydown', pressed);
    return () => removeEventListener('keydown', pressed);
  }, []);
  const { view } = route.value;
  return (
    <>
      <header class="top">
        <a class="skip" href="#main" onClick={skip}>
          To the content
        </a>
        <h1>
          <a href="#/pool">nodepool</a>
        </h1>
        <Readiness />
        <nav aria-label="views">
          {viewNames.map(name => (
            <a key={name} href={`#/${name}`} {...(name === view ? { 'aria-current': 'page' as const } : {})}>
              {name}
            </a>
          ))}
        </nav>
        <label class="search">
          <span class="hidden">Search</span>
          <input
            ref={field}
            type="search"
            placeholder="Search  /"
            value={search.value}
            onInput={event => (search.value = event.currentTarget.value)}
          />
        </label>
        <div class="tools">
          {token.value === null ? (
            <button type="button" onClick={unlock} aria-label="read only: allow changes">
              Read only
            </button>
          ) : (
            <button type="button" class="is-open" onClick={lock} aria-label="changes allowed: forget the token">
              Changes on
            </button>
          )}
          <button
            type="button"
            onClick={otherTheme}
            aria-label={`to the ${theme.value === 'dark' ? 'light' : 'dark'} theme`}
          >
            {theme.value === 'dark' ? '☀' : '☾'}
          </button>
          <button type="button" onClick={() => (isHelpShown.value = !isHelpShown.value)} aria-label="keys">
            ?
          </button>
        </div>
      </header>
      <StockBar />
      <Silence />
      {isHelpShown.value ? <Help /> : null}
      <div class={view === 'pool' ? 'with-feed' : ''}>
        <main id="main" tabIndex={-1}>
          <View />
        </main>
        {view === 'pool' ? (
          <aside class="side" aria-label="events">
            <h2>Events</h2>
            <Feed most={60} />
          </aside>
        ) : null}
      </div>
      <Dialog />
    </>
  );
}

function View() {
  const where = route.value;
  switch (where.view) {
    case 'pool':
      return <PoolView />;
    case 'providers':
      return <ProvidersView />;
    case 'tree':
      return <TreeView />;
    case 'history':
      return <HistoryView />;
    case 'events':
      return <EventsView />;
    case 'node':
      return <NodeView id={where.id} />;
  }
}

function Readiness() {
  const known = readiness.value;
  if (known === null) return <p class="readiness">…</p>;
  const troubles = known.dependencies.filter(({ ok }) => !ok);
  const word = known.ready ? (troubles.length === 0 ? 'ready' : `ready, ${troubleText(troubles)}`) : 'not ready';
  return (
    <details class={`readiness ${known.ready ? '' : 'is-trouble'} ${troubles.length > 0 ? 'is-careful' : ''}`}>
      <summary>
        <i class="lamp" aria-hidden="true" />
        {word}
      </summary>
      <table>
        <tbody>
          {known.dependencies.map(({ name, ok, reason, ageSeconds }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class={ok ? '' : 'trouble'}>{ok ? 'well' : (reason ?? 'not well')}</td>
              <td class="number">{age(ageSeconds)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}

/** By name where it is one. */
function troubleText(troubles: readonly { readonly name: string }[]): string {
  const [first, second] = troubles;
  return first !== undefined && second === undefined ? `trouble: ${first.name}` : `${troubles.length} in trouble`;
}

function Silence() {
  const since = silentSince.value;
  if (since === null) return null;
  return (
    <p class="silence" role="alert">
      The daemon does not answer; this is what it said {age((now.value - since) / 1000)} ago.
    </p>
  );
}

const keys: readonly (readonly [string, string])[] = [
  ['1 – 5', 'pool, providers, tree, history, events'],
  ['/', 'search; words in any order, as "hold rax"'],
  ['Escape', 'leave the search, show everything again, go back'],
  ['Tab, arrows', 'from group to group, from node to node; in the tree → opens and ← closes'],
  ['Enter', 'open the node'],
  ['t', 'light or dark'],
  ['?', 'these keys'],
];

function Help() {
  return (
    <dl class="help">
      {keys.map(([key, does]) => (
        <div key={key}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{does}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The address has the view, so that a link into the page itself must not change it. */
function skip(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

function press(event: KeyboardEvent, field: HTMLInputElement | null): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector('dialog[open]')) return;
  if (event.key === 'Escape') return escape(field);
  const target = event.target as HTMLElement;
  if (target.matches('input:not([type=radio]), select, textarea')) return;
  const view: ViewName | undefined = viewNames[Number(event.key) - 1];
  if (view !== undefined) go(`#/${view}`);
  else if (event.key === '/') field?.focus();
  else if (event.key === 't') otherTheme();
  else if (event.key === '?') isHelpShown.value = !isHelpShown.value;
  else return;
  event.preventDefault();
}

/** One thing at a time, the nearest first. */
function escape(field: HTMLInputElement | null): void {
  if (isHelpShown.value) isHelpShown.value = false;
  else if (search.value !== '') search.value = '';
  else if (document.activeElement === field) field?.blur();
  else if (shownStates.value.size > 0) shownStates.value = new Set();
  else if (route.value.view === 'node') go('#/pool');
}
