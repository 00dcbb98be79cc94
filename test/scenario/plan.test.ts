/** What `plan` says that another configuration would do, and that it does so. */
import { expect, test } from 'vitest';
import { poolConfig, type ConfigWish } from '../support/pool-config.js';
import { startPool } from '../support/pool.js';

const file = '/etc/nodepool/next.yaml';
const now = {
  labels: [
    { name: 'bare', minReady: 6 },
    { name: 'old', minReady: 2, providers: ['alpha'] },
  ],
  providers: [
    { name: 'alpha', maxServers: 10 },
    { name: 'beta', maxServers: 10 },
  ],
} satisfies ConfigWish;

test('what comes, drains, and is launched is told before it happens, and nothing of it happens', async () => {
  const pool = await startPool(now);
  await pool.rest();
  const counts = (name: string): number => pool.rows().filter(row => row.provider === name).length;
  const [alpha, beta] = [counts('alpha'), counts('beta')];
  const next = poolConfig({
    labels: [
      { name: 'bare', minReady: 12 },
      { name: 'new', minReady: 0, providers: ['gamma'] },
    ],
    providers: [
      { name: 'alpha', maxServers: 1 },
      { name: 'gamma', maxServers: 9 },
    ],
  });
  pool.otherFiles.set(file, next);
  const plan = await pool.answer(pool.api.plan({}, file));
  expect(plan.changes).toContain('provider beta removed');
  expect(plan.changes).toContain('provider alpha: max-servers 10 → 1');
  expect(plan.effects).toEqual([
    { effect: 'drain', what: 'provider beta', detail: `it has left the file; ${beta} go as their jobs end` },
    { effect: 'drain', what: 'provider alpha', detail: `max-servers 10 → 1; ${alpha - 1} go as their jobs end` },
    { effect: 'start', what: 'provider gamma', detail: 'max-servers 9' },
    { effect: 'drain', what: 'label old', detail: 'it is disabled or has left the file; 2 go as their jobs end' },
    { effect: 'start', what: 'label new', detail: 'min-ready 0' },
  ]);
  expect(plan.grants).toEqual([]);
  await pool.rest();
  expect(pool.rows()).toHaveLength(alpha + beta);

  await pool.reload(next);
  await pool.rest();
  expect(plan.peaks).toEqual([
    { provider: 'alpha', servers: alpha, launched: 0, templates: 0, peak: alpha, maxServers: 1 },
    { provider: 'gamma', servers: 0, launched: counts('gamma'), templates: 0, peak: counts('gamma'), maxServers: 9 },
    { provider: 'beta', servers: beta, launched: 0, templates: 0, peak: beta, maxServers: 0 },
  ]);
  expect(counts('gamma')).toBeGreaterThan(0);
});

test('a file that cannot be used changes nothing, and says why', async () => {
  const pool = await startPool(now);
  await pool.rest();
  const plan = await pool.answer(pool.api.plan({ bare: 3 }, '/none.yaml'));
  expect(plan).toMatchObject({
    changes: [],
    isRefused: true,
    problems: ['/none.yaml: there is no such file'],
    effects: [],
    peaks: [{ provider: 'alpha' }, { provider: 'beta' }],
  });
});
