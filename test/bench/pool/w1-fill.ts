/** W1: how long a pool takes from nothing to min-ready, and what a node costs. `--nodes N --providers P --engine E`. */
import { parseArgs } from 'node:util';
import { countStatements } from '../../support/statements.js';
import { startDatabase, type Engine } from './database.js';
import { report } from './figures.js';
import { startBenchPool } from './pool.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '200' },
    providers: { type: 'string', default: '1' },
    engine: { type: 'string', default: 'postgresql' },
    launches: { type: 'string', default: '40' },
    log: { type: 'boolean', default: false },
    kinds: { type: 'boolean', default: false },
  },
});
const nodes = Number(values.nodes);
const providerCount = Number(values.providers);
const database = await startDatabase(values.engine as Engine, 400);
const statements = countStatements();
const providers = Array.from({ length: providerCount }, (_none, index) => ({
  name: `cloud-${index + 1}`,
  maxServers: nodes,
  concurrency: { workers: 1, calls: 8, launches: Number(values.launches), deletes: 40, imageBuilds: 2 },
}));
const pool = await startBenchPool({
  dburi: database.dburi,
  labels: [{ name: 'bare', minReady: nodes }],
  providers,
  timings: { serverList: 200, pass: 1_000 },
  isLogged: values.log,
});
const started = performance.now();
const cpu = process.cpuUsage();
const databaseCpu = database.cpuMs();
const before = statements().statements;
await pool.until(() => pool.readyCount() === nodes);
const wallMs = performance.now() - started;
const used = process.cpuUsage(cpu);
const databaseMs = database.cpuMs() - databaseCpu;
const after = statements();
const lists = [...pool.clouds.values()].reduce((sum, cloud) => sum + cloud.lists, 0);
report(
  'W1',
  { nodes, providers: providerCount, engine: String(values.engine) },
  {
    seconds: wallMs / 1_000,
    'daemon CPU ms/node': (used.user + used.system) / 1_000 / nodes,
    'database CPU ms/node': databaseMs / nodes,
    'statements/node': (after.statements - before) / nodes,
    lists,
    connections: pool.slotsPeak(),
    'event loop p99 ms': pool.lateMs(),
    'RSS MB': process.memoryUsage().rss / 1e6,
  },
);
if (values.kinds) console.log([...after.byKind].sort((a, b) => b[1] - a[1]).slice(0, 15));
await pool.stop();
await database.stop();
