/** Somebody else's transaction and ours wait for each other, on real servers: ours is undone, made again, and nobody hears of it. */
import knexFactory, { type Knex } from 'knex';
import { describe, expect, test } from 'vitest';
import { openStore } from '../../src/db/store.js';
import { startMariadb } from '../support/mariadb.js';
import { startPostgres } from '../support/postgres.js';
import { until } from '../support/until.js';
import { holder, newNode, startMs } from './store.world.js';

interface Engine {
  readonly start: () => Promise<{ readonly dburi: string; stop(): Promise<void> }>;
  readonly client: string;
  /** So that it is ours that the server undoes. */
  readonly before: readonly string[];
  /** Keeps others from adding nodes. */
  readonly hold: readonly string[];
  /** Counts those that are kept, as `count`. */
  readonly waiting: string;
}

const engines: Readonly<Record<string, Engine>> = {
  PostgreSQL: {
    start: startPostgres,
    client: 'pg',
    // Whoever has waited so long looks whether it waits for itself: ours is the first.
    before: [`alter system set deadlock_timeout = '3s'`, 'select pg_reload_conf()'],
    hold: [`set local deadlock_timeout = '60s'`, 'lock table node in exclusive mode'],
    waiting: 'select count(*) as count from pg_locks where not granted',
  },
  MariaDB: {
    start: startMariadb,
    client: 'mysql2',
    before: ['create table heavy (id integer primary key)'],
    // Who has changed less is undone.
    hold: ['insert into heavy select seq from seq_1_to_1000', 'select * from node where id > 1000000 for update'],
    waiting: "select count(*) as count from information_schema.processlist where info like 'insert into `node`%'",
  },
};

describe.each(Object.entries(engines))('a deadlock on %s', (_name, { start, client, before, hold, waiting }) => {
  test('costs a repeat: the rows are added once', async () => {
    const server = await start();
    const store = openStore({ dburi: server.dburi, now: () => startMs });
    const knex = knexFactory({ client, connection: server.dburi, pool: { min: 0, max: 3 } });
    try {
      await store.start(holder);
      for (const statement of before) await knex.raw(statement);
      const added = await knex.transaction(async other => {
        for (const statement of hold) await other.raw(statement);
        const adding = store.shared.insertNodes([newNode('one'), newNode('two')]);
        adding.catch(() => undefined);
        await until(async () => (await countOf(knex, waiting)) > 0);
        await other.raw(`update nodepool_daemon set socket = 'elsewhere' where id = 1`);
        return { adding };
      });
      expect(await added.adding).toMatchObject([{ tag: 'one' }, { tag: 'two' }]);
      expect(await store.shared.nodes()).toHaveLength(2);
    } finally {
      await store.close();
      await knex.destroy();
      await server.stop();
    }
  });
});

async function countOf(knex: Knex, statement: string): Promise<number> {
  const answer = (await knex.raw(statement)) as unknown;
  const rows = Array.isArray(answer) ? (answer[0] as unknown) : (answer as { rows: unknown }).rows;
  return Number((rows as readonly { count: unknown }[])[0]?.count ?? 0);
}
