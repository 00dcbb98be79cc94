/**
 * W6 over the wire: a daemon with that many ready nodes is killed and started again. `--nodes N --providers P --engine E`.
 * Serving: `/readyz` says so. What clouds and masters are asked is counted from the start until two seconds after that.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { stateCodes } from '../../../src/domain/states.js';
import { until } from '../../support/until.js';
import { report } from '../pool/figures.js';
import { openBarePool, wireTimings, type Engine } from './pool.js';
import { cpuOf } from './process-cpu.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '300' },
    providers: { type: 'string', default: '3' },
    engine: { type: 'string', default: 'postgresql' },
  },
});
const nodes = Number(values.nodes);
const providers = Number(values.providers);
const afterMs = 2_000;
const { pool, database, ...wire } = await openBarePool({
  engine: values.engine as Engine,
  providers,
  maxServers: nodes,
  masters: ['jenkins01', 'jenkins02'],
  labels: { bare: nodes },
  timings: { ...wireTimings, pass: 10, 'server-list': 5 },
  // It would list them too, if its minute came.
  more: () => ({ cron: { cleanup: '0 0 1 1 *' } }),
});
const ready = `node where state = ${stateCodes.ready}`;
await wire.untilRows(nodes, ready);
await pool.kill();
const [cloudsBefore, mastersBefore] = [callsOf(pool.world.clouds), callsOf(pool.world.masters)];
const startedAt = performance.now();
await pool.start();
await until(async () => (await pool.client.readiness()).ready, { everyMs: 5 });
const servesMs = performance.now() - startedAt;
const { mainMs, otherMs } = cpuOf(pool.daemon.pid);
await delay(afterMs);
const clouds = grownBy(callsOf(pool.world.clouds), cloudsBefore);
const masters = grownBy(callsOf(pool.world.masters), mastersBefore);

report(
  'W6 wire',
  { nodes, providers, engine: String(values.engine) },
  {
    'seconds until it serves': servesMs / 1_000,
    'daemon CPU seconds until then': (mainMs + otherMs) / 1_000,
    'lists of servers a provider': (clouds['listServers'] ?? 0) / providers,
    'questions for one server': clouds['getServer'] ?? 0,
    'calls to a provider': sum(clouds) / providers,
    'calls to a master': sum(masters) / pool.world.masters.size,
    'nodes lost': nodes - (await database.count(ready)),
  },
);
await wire.close();

type Calls = Readonly<Record<string, number>>;

function callsOf(places: ReadonlyMap<string, { counts(): { readonly calls: Calls } }>): Calls {
  const calls: Record<string, number> = {};
  for (const place of places.values()) {
    for (const [name, count] of Object.entries(place.counts().calls)) calls[name] = (calls[name] ?? 0) + count;
  }
  return calls;
}

function grownBy(now: Calls, before: Calls): Calls {
  return Object.fromEntries(Object.entries(now).map(([name, count]) => [name, count - (before[name] ?? 0)]));
}

function sum(calls: Calls): number {
  return Object.values(calls).reduce((total, count) => total + count, 0);
}
