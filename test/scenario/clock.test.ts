/** Somebody sets the clock of the machine, or wakes it from a sleep: the time of day jumps, and nothing else does. */
import { describe, expect, test } from 'vitest';
import { startPool, type Pool } from '../support/pool.js';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const slow = {
  name: 'alpha',
  rateMs: 1_000,
  concurrency: { workers: 1, calls: 1, launches: 40, deletes: 40, imageBuilds: 2 },
};
const three = { labels: [{ name: 'bare', minReady: 3 }], providers: [slow] };

function readyName(pool: Pool) {
  const { nodename } = pool.one('ready');
  if (nodename === null) throw new Error('a ready node has a name');
  return nodename;
}

describe.each([
  ['an hour forward', hourMs],
  ['an hour back', -hourMs],
  ['a day forward', 24 * hourMs],
  ['a day back', -24 * hourMs],
])('a clock that jumps %s', (_, byMs) => {
  test('at any moment of a launch ends none and delays none', async () => {
    for (let n = 0; n < 30; n++) {
      const pool = await startPool({ ...three, seed: n });
      await pool.advance(n * 1_300);
      pool.jump(byMs);
      await pool.rest(5 * minuteMs);
      expect(pool.cloud().callsOf('createServer'), `jumped at ${n * 1_300}`).toHaveLength(3);
      expect(pool.log.filter(line => line.message.includes('launch failed'))).toEqual([]);
      pool.checkAtRest();
    }
  });

  test('keeps no node from being deleted after its job, and no job from its node', async () => {
    const pool = await startPool(three);
    await pool.rest();
    const name = readyName(pool);
    pool.jobs.start(name);
    await pool.advance(5_000);
    pool.jobs.finish(name);
    await pool.advance(5_000);
    pool.jump(byMs);
    await pool.until(() => pool.rows().every(row => row.nodename !== name), 5 * minuteMs);
    pool.jobsWait('bare', 5);
    await pool.until(() => pool.in('ready').length >= 5, 5 * minuteMs);
    pool.jobsWait('bare', 0);
    await pool.rest();
    pool.checkAtRest({ ready: { bare: pool.in('ready').length } });
  });

  test('ends no hold much before or after its time', async () => {
    const pool = await startPool(three);
    await pool.rest();
    const id = Number(pool.one('ready').id);
    await pool.hold(id, { forMs: 30 * minuteMs });
    await pool.advance(minuteMs);
    pool.jump(byMs);
    await pool.advance(15 * minuteMs);
    expect(pool.row(id)?.state).toBe('hold');
    await pool.until(() => pool.row(id)?.state === 'ready', hourMs);
    await pool.rest();
    // Another one had taken its place.
    pool.checkAtRest({ ready: { bare: 4 } });
  });
});
