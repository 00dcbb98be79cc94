/** The smallest form of the benchmarks over the wire: counts only, since times say more of the machine than of us. */
import { expect, test } from 'vitest';
import { openBarePool, wireTimings } from '../bench/wire/pool.js';

test('forty nodes over the wire take few statements, calls and connections, and no timers once they are ready', async () => {
  // A slow machine would see more lists and more passes.
  const timings = { ...wireTimings, 'server-list': 1, pass: 10 };
  const wire = await openBarePool({ engine: 'mariadb', providers: 2, maxServers: 60, timings });
  try {
    // What a start asks of everybody is over.
    await wire.fillTo(20);
    const began = await wire.meter();
    await wire.fillTo(60);
    const { statements, byKind, calls, connectionsPeak, timers } = await began();
    // How many changes happen to come together, with a `begin` and a `commit` of their own, is chance.
    const ofGroups = (byKind.get('begin') ?? 0) + (byKind.get('commit') ?? 0);
    expect(statements - ofGroups).toBeLessThanOrEqual(6 * 40);
    // One for each step; fewer would mean that somebody counts wrong.
    expect(byKind.get('update node set')).toBeGreaterThanOrEqual(5 * 40);
    // A server is made, a slave is added; lists are of all.
    expect(calls).toBeGreaterThanOrEqual(2 * 40);
    expect(calls).toBeLessThanOrEqual(4 * 40);
    // One for each launch, and the daemon's own five.
    expect(connectionsPeak).toBeLessThanOrEqual(40 + 5);
    // Each connection has one, and the daemon some twelve.
    expect(timers - connectionsPeak).toBeLessThan(60 / 2);
  } finally {
    await wire.close();
  }
});
