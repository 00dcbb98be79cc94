/**
 * W7: the database is away in the middle of a fill. `--nodes N --away SECONDS --engine E`. At the end there are as many
 * servers as rows, and not one more was launched than nodes were wanted.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startDatabase, type Engine } from './database.js';
import { report } from './figures.js';
import { startBenchPool } from './pool.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '100' },
    away: { type: 'string', default: '30' },
    engine: { type: 'string', default: 'postgresql' },
  },
});
const nodes = Number(values.nodes);
const database = await startDatabase(values.engine as Engine, 400);
const launches = 10;
const pool = await startBenchPool({
  dburi: database.dburi,
  labels: [{ name: 'bare', minReady: nodes }],
  providers: [
    {
      name: 'cloud-1',
      maxServers: nodes,
      concurrency: { workers: 1, calls: 8, launches, deletes: 40, imageBuilds: 2 },
    },
  ],
  timings: { serverList: 200, pass: 1_000 },
});
await pool.until(() => pool.readyCount() >= nodes / 3);
await database.kill();
const readyBefore = pool.readyCount();
await delay(Number(values.away) * 1_000);
await database.start();
const returnedAt = performance.now();
await pool.until(() => pool.readyCount() === nodes);
const seconds = (performance.now() - returnedAt) / 1_000;
const rows = await database.count('node');
const servers = [...pool.clouds.values()].reduce((sum, { count }) => sum + count, 0);

report(
  'W7',
  { nodes, away: `${values.away} s`, engine: String(values.engine) },
  {
    'ready when it went': readyBefore,
    'seconds from its return until all are ready': seconds,
    'servers without a row': servers - rows,
    'rows too many': rows - nodes,
  },
);
await pool.stop();
await database.stop();
