/** How many lists of servers a provider is asked for while a thousand launches wait for theirs, in virtual time. */
import { startPool } from '../../support/pool.js';

const LAUNCHES = 1_000;
const INTERVALS = 20;

export interface ListFigures {
  readonly launches: number;
  readonly intervals: number;
  readonly lists: number;
  /** Questions for one server each. */
  readonly gets: number;
}

export async function countLists(): Promise<ListFigures> {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: LAUNCHES }],
    providers: [
      {
        name: 'alpha',
        maxServers: LAUNCHES,
        concurrency: { workers: 1, calls: 8, launches: LAUNCHES, deletes: LAUNCHES, imageBuilds: 2 },
      },
    ],
    connectionsAllowed: 3 * LAUNCHES,
  });
  const cloud = pool.cloud();
  const intervalMs = pool.config.timings.serverList;
  cloud.bootMs = 2 * INTERVALS * intervalMs;
  await pool.until(() => pool.servers().length === LAUNCHES);
  const from = pool.clock.now();
  await pool.advance(INTERVALS * intervalMs);
  const since = (op: 'listServers' | 'getServer'): number =>
    cloud.callsOf(op).filter(({ atMs }) => atMs >= from).length;
  return { launches: LAUNCHES, intervals: INTERVALS, lists: since('listServers'), gets: since('getServer') };
}
