/** What a login costs us on PostgreSQL. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { openStore } from '../../src/db/store.js';
import { startPostgres, type Postgres } from '../support/postgres.js';
import { holder } from './store.world.js';

let server: Postgres;
beforeAll(async () => {
  server = await startPostgres();
});
afterAll(() => server.stop());

test('the key of the password is made once for all connections', async () => {
  const derive = vi.spyOn(crypto.subtle, 'deriveBits');
  const store = openStore({ dburi: server.dburi, now: () => Date.now() });
  await store.start(holder);
  const slots = await Promise.all(Array.from({ length: 10 }, () => store.openSlot()));
  // None, where whoever started the server has logged in before.
  expect(derive.mock.calls.length).toBeLessThanOrEqual(1);
  await Promise.all(slots.map(slot => slot.close()));
  await store.close();
});
