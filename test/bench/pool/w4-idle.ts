/**
 * W4: what a pool costs in which nothing happens. `--nodes N --labels L --providers P --targets T --seconds S --engine E`.
 * The cleanup ticks every minute as ever; memory is measured against the same daemon without nodes.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { countStatements } from '../../support/statements.js';
import { startDatabase, type Engine } from './database.js';
import { cpuMeter, report } from './figures.js';
import { startBenchPool } from './pool.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1000' },
    labels: { type: 'string', default: '10' },
    providers: { type: 'string', default: '5' },
    targets: { type: 'string', default: '2' },
    seconds: { type: 'string', default: '60' },
    engine: { type: 'string', default: 'postgresql' },
  },
});
const [nodes, labels, providers, targets] = [values.nodes, values.labels, values.providers, values.targets].map(Number);
const seconds = Number(values.seconds);
const database = await startDatabase(values.engine as Engine, 400);
const named = (kind: string, count = 0) =>
  Array.from({ length: count }, (_none, index) => ({ name: `${kind}-${index + 1}` }));
const pool = await startBenchPool({
  dburi: database.dburi,
  labels: named('label', labels).map(label => ({ ...label, minReady: 0 })),
  providers: named('cloud', providers).map(provider => ({ ...provider, maxServers: nodes ?? 0 })),
  targets: named('jenkins', targets),
  readyNodes: nodes ?? 0,
});
await pool.served();
// What came of the start is over.
await delay(2_000);
globalThis.gc?.();
const statements = countStatements();
const cpu = cpuMeter();
const databaseBefore = database.cpuMs();
await delay(seconds * 1_000);
const cpuMs = cpu();
const count = statements().statements;
globalThis.gc?.();

report(
  'W4',
  { nodes: nodes ?? 0, shape: `${labels},${providers},${targets}`, engine: String(values.engine) },
  {
    'percent of a core': cpuMs / (seconds * 10),
    'database percent of a core': (database.cpuMs() - databaseBefore) / (seconds * 10),
    'statements a minute': (count * 60) / seconds,
    'RSS MB': process.memoryUsage().rss / 1e6,
    'heap MB': process.memoryUsage().heapUsed / 1e6,
    connections: pool.slots(),
  },
);
await pool.stop();
await database.stop();
