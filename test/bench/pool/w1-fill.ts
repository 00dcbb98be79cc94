/**
 * W1: how long a pool takes from nothing to min-ready, and what a node costs: in a process that has just begun, and in one
 * that has made `--warm` nodes, whose code is compiled and whose connections are open. `--nodes N --providers P --engine E`.
 */
import { parseArgs } from 'node:util';
import { countStatements } from '../../support/statements.js';
import { startDatabase, type Engine } from './database.js';
import { cpuMeter, report } from './figures.js';
import { startBenchPool } from './pool.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '200' },
    providers: { type: 'string', default: '1' },
    engine: { type: 'string', default: 'postgresql' },
    warm: { type: 'string', default: '3000' },
    launches: { type: 'string', default: '40' },
    log: { type: 'boolean', default: false },
    kinds: { type: 'boolean', default: false },
  },
});
const nodes = Number(values.nodes);
const warm = Number(values.warm);
const providerCount = Number(values.providers);
const database = await startDatabase(values.engine as Engine, 400);
const statements = countStatements();
const providers = Array.from({ length: providerCount }, (_none, index) => ({
  name: `cloud-${index + 1}`,
  maxServers: Math.max(nodes, warm) + nodes,
  concurrency: { workers: 1, calls: 8, launches: Number(values.launches), deletes: 40, imageBuilds: 2 },
}));
const pool = await startBenchPool({
  dburi: database.dburi,
  labels: [{ name: 'bare', minReady: nodes }],
  providers,
  timings: { serverList: 200, pass: 1_000 },
  isLogged: values.log,
});
const began = meter();
await pool.until(() => pool.readyCount() === nodes);
const cold = began();
const lists = [...pool.clouds.values()].reduce((sum, cloud) => sum + cloud.lists, 0);
const [connections, lateMs, residentMb] = [pool.slotsPeak(), pool.lateMs(), process.memoryUsage().rss / 1e6];
const whenWarm = Math.max(nodes, warm);
await fillTo(whenWarm);
const beganWarm = meter();
await fillTo(whenWarm + nodes);
const again = beganWarm();

report(
  'W1',
  { nodes, providers: providerCount, engine: String(values.engine) },
  {
    seconds: cold.seconds,
    'daemon CPU ms/node': cold.cpuMs / nodes,
    '… of a warm daemon': again.cpuMs / nodes,
    'database CPU ms/node': cold.databaseMs / nodes,
    'statements/node': cold.statements / nodes,
    lists,
    connections,
    'event loop p99 ms': lateMs,
    'RSS MB': residentMb,
  },
);
if (values.kinds) console.log([...statements().byKind].sort((a, b) => b[1] - a[1]).slice(0, 15));
await pool.stop();
await database.stop();

function meter() {
  const cpuMs = cpuMeter();
  const before = { at: performance.now(), databaseMs: database.cpuMs(), statements: statements().statements };
  return () => ({
    seconds: (performance.now() - before.at) / 1_000,
    cpuMs: cpuMs(),
    databaseMs: database.cpuMs() - before.databaseMs,
    statements: statements().statements - before.statements,
  });
}

async function fillTo(count: number): Promise<void> {
  pool.keep({ bare: count });
  await pool.until(() => pool.readyCount() === count);
}
