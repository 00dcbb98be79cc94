/** What waits in Gearman, and what becomes of it (lessons 47 to 54). */
import { expect, test } from 'vitest';
import { readDemand } from '../../src/domain/demand.js';
import { Fault } from '../../src/domain/fault.js';
import { gearman, publisher } from '../support/pool-config.js';
import { startPool } from '../support/pool.js';

test('lesson 47: a job name with a space launches its nodes, and a line that is none stops nothing', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 0 }] });
  pool.demand.malformed = ['nonsense', 'build:gate nova\tthree\t0\t0'];
  pool.demand.set(gearman, [{ name: 'build:gate nova tempest:bare', total: 3 }]);
  await pool.until(() => pool.in('ready').length === 3);
  expect(pool.stats.counts.get('nodepool.demand.malformed')).toBeGreaterThanOrEqual(2);
  const warnings = pool.log.filter(({ level, message }) => level === 'warn' && message.includes('no function lines'));
  expect(warnings).toHaveLength(1);
});

test('lesson 48: jobs of several names that share a label are one demand', () => {
  const { byLabel } = readDemand([
    { name: 'build:one:bare', total: 2, running: 1 },
    { name: 'build:other:bare', total: 1, running: 0 },
  ]);
  expect(byLabel.get('bare')).toEqual({ total: 3, running: 1 });
});

test('lesson 49: without ZeroMQ the pool grows for the jobs that wait beside those that run', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 1 }] });
  await pool.rest();
  pool.events.publisher(publisher).disconnect();
  pool.jobsWait('bare', 3);
  await pool.until(() => pool.in('ready').length >= 3);
  for (const name of pool.jobs.free()) pool.jobs.start(name, { isHeard: false });
  pool.jobsWait('bare', 5, 3);
  await pool.until(() => pool.jobs.free().length >= 2, 120_000);
});

test('lesson 50: a Gearman server that hangs costs its own question, and no round waits for it', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 2 }] });
  await pool.rest();
  pool.demand.next(gearman, 'hang');
  await pool.advance(15_000);
  const [name] = pool.jobs.free();
  if (name === undefined) throw new Error('no slave is free');
  pool.jobs.start(name);
  await pool.until(() => pool.in('ready').length === 2, 40_000);
  await pool.until(() => pool.state('/demand/zuul_4730') === '0 functions', 200_000);
});

test('lesson 51: without a Gearman server at the start min-ready is kept, and rows are cleaned up', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 2 }],
    before: world => world.demand.down(gearman),
  });
  await pool.rest();
  await pool.delete(Number(pool.one('ready').id));
  await pool.rest();
  expect(pool.state('/demand/zuul_4730')).toContain('the fake server is down');
  const { ready, dependencies } = await pool.answer(pool.api.readiness());
  expect(ready).toBe(true);
  expect(dependencies.find(({ name }) => name === 'demand/zuul_4730')).toMatchObject({ ok: false });
  pool.checkAtRest();
});

test('lesson 53: nothing is deleted when an answer is lost', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 0 }] });
  pool.jobsWait('bare', 4);
  await pool.until(() => pool.in('ready').length === 4);
  const ids = pool.in('ready').map(({ id }) => id);
  pool.demand.down(gearman, new Fault('gearman.bad-answer', 'closed before the final "."'));
  await pool.advance(600_000);
  expect(pool.in('ready').map(({ id }) => id)).toEqual(ids);
});

test('lesson 54: nodes on their way count as stock, however slow they come', async () => {
  const pool = await startPool({
    labels: [{ name: 'bare', minReady: 0 }],
    providers: [{ name: 'alpha', maxServers: 9 }],
  });
  pool.cloud().latencyMs = 8_000;
  pool.jobsWait('bare', 3);
  await pool.until(() => pool.in('ready').length === 3);
  await pool.advance(60_000);
  expect(pool.cloud().callsOf('createServer')).toHaveLength(3);
});

test('each new reason of a trouble is told once, however its numbers change, and a few of them at most', async () => {
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 0 }] });
  await pool.rest();
  const told = (): string[] =>
    pool.log
      .map(({ message }) => message.split('demand/zuul_4730: '))
      .flatMap(([head, why]) => (head === '' && why ? [why] : []));
  const fails = async (why: string): Promise<void> => {
    pool.demand.down(gearman, new Fault('gearman.unreachable', why));
    await pool.until(() => pool.state('/demand/zuul_4730') === why, 30_000);
  };
  for (const why of ['reset by peer', 'EMFILE at 17', 'reset by peer', 'EMFILE at 18']) await fails(why);
  expect(told()).toEqual(['reset by peer', 'EMFILE at 17']);
  for (const why of ['c', 'd', 'e', 'f', 'g']) await fails(why);
  expect(told()).toEqual(['reset by peer', 'EMFILE at 17', 'c', 'd', 'e']);
  pool.demand.down(gearman, null);
  await pool.until(() => told().at(-1) === 'well again', 30_000);
  await fails('reset by peer');
  expect(told().slice(5)).toEqual(['well again', 'reset by peer']);
});
