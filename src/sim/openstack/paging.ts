export interface Page<Item> {
  readonly items: readonly Item[];
  /** Query of the next page, or null on the last one. */
  readonly next: URLSearchParams | null;
}

/** Cuts a list as Nova and Glance do: after `marker`, at most `limit`, never more than the service allows. */
export function pageOf<Item extends { readonly id: string }>(
  all: readonly Item[],
  request: { readonly query: URLSearchParams; readonly sizeMax: number; readonly unknownMarker: (id: string) => Error },
): Page<Item> {
  const { query, sizeMax } = request;
  const marker = query.get('marker');
  const at = marker === null ? -1 : all.findIndex(item => item.id === marker);
  if (marker !== null && at < 0) throw request.unknownMarker(marker);
  const asked = Number(query.get('limit') ?? sizeMax);
  const items = all.slice(at + 1, at + 1 + Math.min(asked || sizeMax, sizeMax));
  const last = items.at(-1);
  if (!last || at + 1 + items.length >= all.length) return { items, next: null };
  const next = new URLSearchParams(query);
  next.set('marker', last.id);
  return { items, next };
}
