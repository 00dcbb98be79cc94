/** What happens, as it happens; newest first. */
import { counted, clockTime } from '../format.js';
import { events, search } from '../state.js';

export function EventsView() {
  return (
    <>
      <div class="bar">
        <h2>Events</h2>
      </div>
      <Feed most={500} />
    </>
  );
}

export function Feed({ most }: { readonly most: number }) {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  const fitting = events.value.filter(({ type, message }) =>
    words.every(word => `${type} ${message}`.toLowerCase().includes(word)),
  );
  if (events.value.length === 0) return <p class="empty">Nothing has happened yet.</p>;
  if (fitting.length === 0) return <p class="empty">None of {counted(events.value.length, 'event')} is like that.</p>;
  return (
    <ol class="feed">
      {fitting.slice(0, most).map(({ at, type, message, node }, index) => (
        <li key={`${at} ${fitting.length - index}`} class={isTrouble(type) ? 'is-trouble' : ''}>
          <time dateTime={new Date(at).toISOString()}>{clockTime(at)}</time>
          <b class={`event-type ${stateClass(type)}`}>{type}</b>
          <span>{node === undefined ? message : <a href={`#/node/${node}`}>{message}</a>}</span>
        </li>
      ))}
    </ol>
  );
}

function isTrouble(type: string): boolean {
  return /fail|fault|gap/.test(type);
}

function stateClass(type: string): string {
  const [, state] = /^node\.(building|test|ready|used|hold|delete)$/.exec(type) ?? [];
  return state === undefined ? '' : `state s-${state}`;
}
