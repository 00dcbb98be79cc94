import { Fault, type FaultKind } from '../../domain/fault.js';

/** With pages of 2, in a cloud of a test, that is 20,000 servers; with real pages, ten million. */
const PAGES_MAX = 10_000;
/** How often a list is begun again because the server that marked a page was deleted meanwhile. */
const STARTS_MAX = 4;

export interface Page<Item> {
  readonly items: readonly Item[];
  /** The query of the next page, `?marker=…`; null on the last. */
  readonly next: string | null;
}

/**
 * Every page, or a fault: never a part of the list (lesson 4). Clouds of a misconfigured proxy answer the same page for
 * ever; a page that was asked for before ends the reading.
 */
export async function readPages<Item>(
  what: string,
  read: (query: string) => Promise<Page<Item>>,
): Promise<readonly Item[]> {
  for (let start = 1; ; start++) {
    try {
      return await readOnce(what, read);
    } catch (error) {
      if (!(error instanceof MarkerGone)) throw error;
      if (start === STARTS_MAX) {
        throw new Fault('cloud.conflict', `${what}: changed while it was read, ${STARTS_MAX} times`, { cause: error });
      }
    }
  }
}

async function readOnce<Item>(what: string, read: (query: string) => Promise<Page<Item>>): Promise<readonly Item[]> {
  const items: Item[] = [];
  const asked = new Set<string>();
  for (let query: string | null = ''; query !== null;) {
    asked.add(query);
    const page: Page<Item> = await readPage(query, read);
    items.push(...page.items);
    query = page.next;
    if (query === null) break;
    if (asked.has(query) || asked.size === PAGES_MAX) {
      throw new Fault('cloud.bad-answer', `${what}: the pages do not end; after ${asked.size} comes ${query}`);
    }
  }
  return items;
}

/** Nova answers 400 for a marker whose server is gone, Neutron 404: the rest of the list is unknown. */
async function readPage<Item>(query: string, read: (query: string) => Promise<Page<Item>>): Promise<Page<Item>> {
  try {
    return await read(query);
  } catch (error) {
    if (query !== '' && error instanceof Fault && markerFaults.has(error.kind)) throw new MarkerGone(error);
    throw error;
  }
}

const markerFaults: ReadonlySet<string> = new Set<FaultKind>(['cloud.refused', 'cloud.not-found']);

class MarkerGone extends Error {
  constructor(cause: Fault) {
    super(cause.message, { cause });
  }
}

/**
 * The query alone of a link to the next page: behind a proxy the link's host, scheme and path prefix are those that the
 * service believes to have.
 */
export function queryOfLink(link: string, what: string): string {
  const base = 'http://cloud.invalid/';
  const url = URL.canParse(link, base) ? new URL(link, base) : null;
  if (url === null || !url.searchParams.has('marker')) {
    throw new Fault('cloud.bad-answer', `${what}: the link to the next page has no marker: ${link.slice(0, 200)}`);
  }
  return url.search;
}
