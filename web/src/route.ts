/** Where the page is: `#/pool`, `#/node/17`. */
import { signal } from '@preact/signals';

export const viewNames = ['pool', 'providers', 'tree', 'history', 'events'] as const;
export type ViewName = (typeof viewNames)[number];

export type Route = { readonly view: ViewName } | { readonly view: 'node'; readonly id: number };

export const route = signal<Route>(readRoute());

addEventListener('hashchange', () => (route.value = readRoute()));

export function go(hash: string): void {
  location.hash = hash;
}

function readRoute(): Route {
  const [, view = '', id = ''] = location.hash.split('/');
  if (view === 'node' && /^\d+$/.test(id)) return { view, id: Number(id) };
  return { view: viewNames.find(each => each === view) ?? 'pool' };
}
