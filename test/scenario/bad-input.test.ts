/** Trouble that operators and their surroundings make: it is named, shown in the tree and in /readyz, and the rest goes on. */
import { expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { startPool, type Pool } from '../support/pool.js';

const one = { labels: [{ name: 'bare', minReady: 1 }] };

async function reasonOf(pool: Pool, name: string): Promise<string | null> {
  const { dependencies } = await pool.answer(pool.api.readiness());
  return dependencies.find(each => each.name === name)?.reason ?? null;
}

test('a statsd host that does not resolve', async () => {
  const pool = await startPool(one);
  const trouble = 'statsd at statsd.example.org:8125: getaddrinfo ENOTFOUND statsd.example.org';
  pool.stats.trouble(trouble);
  await pool.rest();
  expect(await reasonOf(pool, 'stats')).toBe(trouble);
  expect(pool.state('/stats')).toContain(trouble);
  expect(pool.log.filter(({ message }) => message === `stats: ${trouble}`)).toHaveLength(1);
  pool.checkAtRest();
  pool.stats.trouble(null);
  await pool.settle();
  expect(await reasonOf(pool, 'stats')).toBeNull();
});

test('tables that are not those of the original: the daemon says so, and goes on when they are', async () => {
  const trouble = 'the table node has no column az';
  const pool = await startPool({
    ...one,
    before: world => {
      for (let n = 0; n < 5; n++) world.store.next('start', new Fault('store.schema', trouble));
    },
  });
  await pool.advance(1_000);
  expect(await reasonOf(pool, 'store')).toBe(trouble);
  expect(pool.state('/store')).toBe(`away: ${trouble}`);
  expect((await pool.answer(pool.api.readiness())).ready).toBe(false);
  expect(pool.gaveUp).toBeNull();
  await pool.rest();
  expect(await reasonOf(pool, 'store')).toBeNull();
  pool.checkAtRest();
});

test('a secure file that cannot be read any more leaves what it said in force', async () => {
  const pool = await startPool({ ...one, isWatched: true });
  await pool.rest();
  pool.spoil('/etc/nodepool/secure.conf: no permission to read this file');
  await pool.advance(5_000);
  expect(await reasonOf(pool, 'config')).toContain('secure.conf: no permission to read this file');
  expect(pool.state('/config')).toContain('secure.conf: no permission to read this file');
  await pool.delete(pool.one('ready').id);
  await pool.rest();
  expect(pool.slaves()).toHaveLength(1);
  pool.checkAtRest();
});

test('a provider whose password file cannot be read is disabled alone', async () => {
  const providers = [{ name: 'alpha' }, { name: 'beta' }];
  const pool = await startPool({ labels: [{ name: 'bare', minReady: 4 }], providers });
  await pool.rest();
  const reason = 'nodepool.yaml:38:20: password-file: /run/secrets/beta cannot be used: there is no such file';
  await pool.reload({
    ...pool.config,
    providers: pool.config.providers.filter(({ name }) => name === 'alpha'),
    labels: pool.config.labels.map(label => ({ ...label, providers: ['alpha'] })),
    disabled: [{ kind: 'provider', name: 'beta', reason }],
  });
  expect(await reasonOf(pool, 'config')).toBe(`disabled: ${reason}`);
  const there = pool.in('ready').filter(row => row.provider === 'beta');
  for (const { id } of there) await pool.delete(id);
  await pool.rest();
  expect(pool.rows().every(row => row.provider === 'alpha')).toBe(true);
  pool.checkAtRest();
});
