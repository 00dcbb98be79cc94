/** The benchmarks' smallest form: counts only, since times say more of the machine than of us. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startBenchPool } from '../bench/pool/pool.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { countStatements } from '../support/statements.js';

const launches = 8;
let server: Postgres;

beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

test.each([10, 40])('a pool of %i nodes is filled with at most twelve statements a node', async nodes => {
  const statements = countStatements();
  const pool = await startBenchPool({
    dburi: await server.createDatabase(`fill_${nodes}`),
    labels: [{ name: 'bare', minReady: nodes }],
    providers: ['cloud-1', 'cloud-2'].map(name => ({
      name,
      maxServers: nodes,
      concurrency: { workers: 1, calls: 8, launches, deletes: 8, imageBuilds: 2 },
    })),
    timings: { serverList: 200, pass: 1_000 },
  });
  try {
    const before = statements();
    await pool.until(() => pool.readyCount() === nodes);
    const after = statements();
    const taken = after.statements - before.statements;
    expect(taken).toBeLessThanOrEqual(12 * nodes);
    // A row is written and then changed; fewer would mean that somebody counts wrong.
    expect(taken).toBeGreaterThan(2 * nodes);
    expect(pool.slotsPeak()).toBeLessThanOrEqual(2 * launches);
    // A connection is opened and asked nothing.
    expect(after.byKind.get('select version();')).toBe(before.byKind.get('select version();'));
    expect(after.byKind.get('select 1')).toBe(before.byKind.get('select 1'));
    expect([...pool.clouds.values()].reduce((sum, { count }) => sum + count, 0)).toBe(nodes);
  } finally {
    await pool.stop();
  }
});

test('four hundred starts at once are durable in a few statements and commits', async () => {
  const pool = await startBenchPool({
    dburi: await server.createDatabase('starts'),
    labels: [{ name: 'bare', minReady: 0 }],
    providers: [{ name: 'cloud-1', maxServers: 400 }],
    timings: { deleteDelay: 3_600_000 },
    readyNodes: 400,
  });
  try {
    await pool.served();
    const statements = countStatements();
    let used = 0;
    const done = pool.until(
      () => used === 400,
      ({ type }) => void (used += type === 'node.used' ? 1 : 0),
    );
    for (const master of pool.masters.values()) for (const name of master.slaves.keys()) pool.publish(name, 'STARTED');
    await done;
    const { byKind } = statements();
    expect(byKind.get('update node set')).toBeLessThan(100);
    // None at all would mean that each was committed by itself.
    expect(byKind.get('commit')).toBeGreaterThan(0);
    expect(byKind.get('commit')).toBeLessThan(100);
  } finally {
    await pool.stop();
  }
});
