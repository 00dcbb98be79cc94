/**
 * W4: what a pool costs in which nothing happens. `--nodes N --labels L --providers P --targets T --seconds S --engine E`.
 * The cleanup ticks every minute as ever; memory is measured against the same daemon without nodes, in a process of its
 * own.
 */
import { spawnSync } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { countStatements } from '../../support/statements.js';
import { startDatabase, type Engine } from './database.js';
import { cpuMeter, report, type Finding } from './figures.js';
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
const emptyMb = nodes === 0 ? null : memoryOfEmptyDaemon();
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
// What came of the start is over: it ends with the second pass.
await delay(15_000);
pool.watchNoMore();
globalThis.gc?.();
const statements = countStatements();
const cpu = cpuMeter();
const databaseBefore = database.cpuMs();
await delay(seconds * 1_000);
const cpuMs = cpu();
const count = statements().statements;
globalThis.gc?.();
const residentMb = process.memoryUsage().rss / 1e6;

report(
  'W4',
  { nodes: nodes ?? 0, shape: `${labels},${providers},${targets}`, engine: String(values.engine) },
  {
    'percent of a core': cpuMs / (seconds * 10),
    'database percent of a core': (database.cpuMs() - databaseBefore) / (seconds * 10),
    'statements a minute': (count * 60) / seconds,
    'RSS MB': residentMb,
    'RSS MB without nodes': emptyMb,
    'RSS KB/node': emptyMb === null ? null : ((residentMb - emptyMb) * 1_000) / (nodes ?? 1),
    'heap MB': process.memoryUsage().heapUsed / 1e6,
    connections: pool.slots(),
  },
);
await pool.stop();
await database.stop();

function memoryOfEmptyDaemon(): number {
  const args = [...process.execArgv, import.meta.filename, ...process.argv.slice(2), '--nodes', '0', '--seconds', '1'];
  const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const resident = (JSON.parse(stdout) as Finding).figures['RSS MB'];
  if (typeof resident !== 'number') throw new Error(`the empty daemon said: ${stdout}`);
  return resident;
}
