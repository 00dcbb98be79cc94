/**
 * W6: how long a start takes until it serves, with nodes in every state that a stop can leave. `--nodes N --engine E`.
 * Serving: the rows are read, compared with the masters, and each has its actor.
 */
import { parseArgs } from 'node:util';
import { stateCodes } from '../../../src/domain/states.js';
import { countStatements } from '../../support/statements.js';
import { startDatabase, type Engine } from './database.js';
import { cpuMeter, report } from './figures.js';
import { startBenchPool } from './pool.js';

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '1000' }, engine: { type: 'string', default: 'postgresql' } },
});
const nodes = Number(values.nodes);
const database = await startDatabase(values.engine as Engine, 400);
const statements = countStatements();
let cpu = cpuMeter();
let before = statements().statements;
let startedAt = performance.now();
const pool = await startBenchPool({
  dburi: database.dburi,
  labels: [{ name: 'bare', minReady: 0 }],
  providers: ['cloud-1', 'cloud-2', 'cloud-3'].map(name => ({ name, maxServers: nodes })),
  targets: [{ name: 'jenkins-1' }, { name: 'jenkins-2' }],
  readyNodes: nodes,
  areMixed: true,
  onSeeded: () => {
    before = statements().statements;
    cpu = cpuMeter();
    startedAt = performance.now();
  },
});
await pool.served();
const seconds = (performance.now() - startedAt) / 1_000;
const cpuMs = cpu();
// A tenth was being deleted.
const rows = await database.count(`node where state <> ${stateCodes.delete}`);

report(
  'W6',
  { nodes, engine: String(values.engine) },
  {
    'seconds until it serves': seconds,
    'daemon CPU ms': cpuMs,
    statements: statements().statements - before,
    lists: [...pool.clouds.values()].reduce((sum, { lists }) => sum + lists, 0),
    'nodes lost': 0.9 * nodes - rows,
  },
);
await pool.stop();
await database.stop();
