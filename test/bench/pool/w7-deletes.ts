/**
 * W7: all nodes are to be deleted at once, with few connections allowed, with some, and with one for each.
 * `--nodes N --bounds 50,200 --engine E`. A server is there for a second after it was told to go.
 */
import { parseArgs } from 'node:util';
import { nodeAddress } from '../../../src/actors/addresses.js';
import { nodeId } from '../../../src/domain/ids.js';
import type { CommandOutcome } from '../../../src/ports/control.js';
import type { ReplyTo } from '../../../src/runtime/actor.js';
import { startDatabase, type Engine, watchConnections } from './database.js';
import { cpuMeter, report } from './figures.js';
import { startBenchPool } from './pool.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '300' },
    bounds: { type: 'string', default: '50,200' },
    engine: { type: 'string', default: 'postgresql' },
  },
});
const nodes = Number(values.nodes);
/** The shared ones, and the one that holds the lock. */
const ownConnections = 5;
const unbounded = nodes + ownConnections;
const lookEveryMs = 10;
const deleteMs = 1_000;

const database = await startDatabase(values.engine as Engine, unbounded + 20);
// The code is compiled when it counts.
await measure(unbounded);
const bounds = [...values.bounds.split(',').map(Number), unbounded];
const found = new Map<number, Found>();
for (const bound of bounds) found.set(bound, await measure(bound));
const free = found.get(unbounded)?.perSecond ?? NaN;
for (const [bound, { perSecond, connections, cpuMs, databaseMs }] of found) {
  report(
    'W7 deletes',
    { nodes, bound: bound === unbounded ? 'no bound' : `bound ${bound}`, engine: String(values.engine) },
    {
      'deletes/s': perSecond,
      'percent of unbounded': (100 * perSecond) / free,
      'connections above the bound': Math.max(0, connections - bound),
      'connections at the database': connections,
      'daemon CPU ms/node': cpuMs / nodes,
      'database CPU ms/node': databaseMs / nodes,
    },
  );
}
await database.stop();

interface Found {
  readonly perSecond: number;
  readonly connections: number;
  readonly cpuMs: number;
  readonly databaseMs: number;
}

async function measure(maxConnections: number): Promise<Found> {
  const pool = await startBenchPool({
    dburi: database.dburi,
    maxConnections,
    labels: [{ name: 'bare', minReady: 0 }],
    providers: ['cloud-1', 'cloud-2', 'cloud-3', 'cloud-4'].map(name => ({
      name,
      maxServers: nodes,
      // Nothing but connections is scarce.
      concurrency: { workers: 1, calls: 100, launches: 10, deletes: nodes, imageBuilds: 2 },
    })),
    targets: [{ name: 'jenkins-1' }, { name: 'jenkins-2' }],
    timings: { serverList: 200 },
    readyNodes: nodes,
  });
  await pool.served();
  for (const cloud of pool.clouds.values()) cloud.deleteMs = deleteMs;
  const peak = watchConnections(database, lookEveryMs);
  const cpu = cpuMeter();
  const databaseBefore = database.cpuMs();
  const startedAt = performance.now();
  let deleted = 0;
  const done = pool.until(
    () => deleted === nodes,
    ({ type }) => {
      if (type === 'node.deleted') deleted++;
    },
  );
  for (const { id } of await pool.store.shared.nodes()) {
    void pool.system.request(
      nodeAddress(nodeId(Number(id))),
      (replyTo: ReplyTo<CommandOutcome>) => ({ type: 'delete' as const, isUrgent: false, replyTo }),
      60_000,
    );
  }
  await done;
  const perSecond = (1_000 * nodes) / (performance.now() - startedAt);
  const found = { perSecond, cpuMs: cpu(), databaseMs: database.cpuMs() - databaseBefore };
  const connections = await peak.stop();
  await pool.stop();
  return { ...found, connections };
}
