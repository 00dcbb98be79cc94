/**
 * W6: the daemon is killed (`kill -9`) in the middle of a fill and started again, in a world that goes on meanwhile.
 * `--at SECONDS --seeds N --nodes N --engine E`. A fill takes some twelve seconds there; the seed says how long each call,
 * boot and SSH take.
 *
 * A launch is thrown away where its row was there at the kill and does not become ready under its id, and where the cloud
 * made a server too many.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { stateCodes } from '../../../src/domain/states.js';
import { E2ePool } from '../../support/e2e-pool.js';
import { until } from '../../support/until.js';
import { startDatabase, type BenchDatabase, type Engine } from '../pool/database.js';
import { percentile, report } from '../pool/figures.js';

const { values } = parseArgs({
  options: {
    at: { type: 'string', default: '3' },
    seeds: { type: 'string', default: '1' },
    nodes: { type: 'string', default: '100' },
    engine: { type: 'string', default: 'postgresql' },
  },
});
const nodes = Number(values.nodes);
const engine = values.engine as Engine;
const world = { bootMs: [2_000, 4_000], sshDelayMs: [500, 1_500], callMs: [50, 200], deleteMs: [500, 1_500] } as const;
const fillMs = 90_000;

const kills: Kill[] = [];
for (let seed = 1; seed <= Number(values.seeds); seed++) kills.push(await killOnce(seed));
const sum = (of: (kill: Kill) => number): number => kills.reduce((total, kill) => total + of(kill), 0);
const median = (of: (kill: Kill) => number): number | null => percentile(kills.map(of), 50);

report(
  'W6 kills',
  { nodes, kill: `killed at ${values.at} s`, engine },
  {
    kills: kills.length,
    'servers leaked': sum(({ leaked }) => leaked),
    'launches thrown away': sum(({ thrownAway }) => thrownAway),
    'launches under way at the kill': sum(({ underWay }) => underWay),
    '… of them with a server': sum(({ withServer }) => withServer),
    'ready at the kill': sum(({ ready }) => ready),
    'seconds until it serves': median(({ servesMs }) => servesMs / 1_000),
    'seconds from the restart until all are ready': median(({ readyMs }) => readyMs / 1_000),
  },
);

interface Kill {
  readonly underWay: number;
  readonly withServer: number;
  readonly ready: number;
  readonly leaked: number;
  readonly thrownAway: number;
  readonly servesMs: number;
  readonly readyMs: number;
}

async function killOnce(seed: number): Promise<Kill> {
  const database = await startDatabase(engine, 200);
  const pool = await E2ePool.open({
    dburi: database.dburi,
    seed,
    clouds: { alpha: world },
    labels: { bare: nodes },
    providers: { alpha: { 'max-servers': nodes } },
    timings: { pass: 1, 'server-list': 1 },
  });
  try {
    return await killAndSee(pool, database);
  } finally {
    await pool.close();
    await database.stop();
  }
}

async function killAndSee(pool: E2ePool, database: BenchDatabase): Promise<Kill> {
  await pool.start();
  await untilServing(pool);
  await delay(Number(values.at) * 1_000);
  await pool.kill();
  const before = await rowsOf(database);
  const startedAt = performance.now();
  await pool.start();
  await untilServing(pool);
  const servesMs = performance.now() - startedAt;
  await until(async () => (await countReady(database)) === nodes, { withinMs: fillMs, everyMs: 100 });
  const readyMs = performance.now() - startedAt;
  // What is on its way out, or too many, goes.
  await pool.untilAtRest(nodes);
  const after = new Set((await rowsOf(database)).filter(({ isReady }) => isReady).map(({ id }) => id));
  const { created, servers } = cloudOf(pool).counts();
  const lost = before.filter(({ id }) => !after.has(id)).length;
  const underWay = before.filter(({ isReady }) => !isReady);
  return {
    underWay: underWay.length,
    withServer: underWay.filter(({ hasServer }) => hasServer).length,
    ready: before.length - underWay.length,
    leaked: servers - nodes,
    thrownAway: Math.max(lost, created - nodes),
    servesMs,
    readyMs,
  };
}

async function untilServing(pool: E2ePool): Promise<void> {
  await until(async () => (await pool.client.readiness()).ready, { everyMs: 10 });
}

interface Row {
  readonly id: number;
  readonly isReady: boolean;
  readonly hasServer: boolean;
}

async function rowsOf(database: BenchDatabase): Promise<readonly Row[]> {
  const rows = await database.rows('select id, state, external_id from node');
  return rows.map(row => ({
    id: Number(row['id']),
    isReady: Number(row['state']) === stateCodes.ready,
    hasServer: row['external_id'] !== null,
  }));
}

function countReady(database: BenchDatabase): Promise<number> {
  return database.count(`node where state = ${stateCodes.ready}`);
}

function cloudOf(pool: E2ePool): { counts(): { readonly created: number; readonly servers: number } } {
  const cloud = pool.world.clouds.get('alpha');
  if (!cloud) throw new Error('there is no alpha');
  return cloud;
}
