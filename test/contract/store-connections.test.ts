/** How many connections a store has to real servers, as these see them: never more than it may, whatever becomes of them. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { Fault } from '../../src/domain/fault.js';
import { openStore } from '../../src/db/store.js';
import type { Session, StorePort } from '../../src/ports/store.js';
import { DatabaseObserver, type Engine } from '../support/database-observer.js';
import { freeze } from '../support/frozen.js';
import { startMariadb } from '../support/mariadb.js';
import { startPostgres } from '../support/postgres.js';
import { startSqlProxy, type SqlProxy } from '../support/sql-proxy.js';
import { until } from '../support/until.js';
import { holder, startMs } from './store.world.js';

interface Server {
  readonly dburi: string;
  readonly port: number;
  readonly pid: number;
  stop(): Promise<void>;
}

const engines: Readonly<
  Record<Engine, { readonly start: () => Promise<Server>; readonly ids: string; readonly kill: (id: string) => string }>
> = {
  postgresql: {
    start: () => startPostgres(),
    ids: `select pid as id from pg_stat_activity where application_name = 'nodepoold'`,
    kill: id => `select pg_terminate_backend(${id}, 10000)`,
  },
  mariadb: {
    start: () => startMariadb(),
    ids: 'select id from information_schema.processlist where db = database() and id <> connection_id()',
    kill: id => `kill ${id}`,
  },
};

const slotCount = 6;
const sharedCount = 4;
/** The slots, what is shared, and the lock. */
const bound = slotCount + sharedCount + 1;

describe.each(Object.keys(engines) as Engine[])('connections to %s', name => {
  const engine = engines[name];
  let server: Server;
  let observer: DatabaseObserver;
  let proxy: SqlProxy;
  let store: StorePort;

  beforeAll(async () => {
    server = await engine.start();
    observer = new DatabaseObserver(name, server.dburi);
    proxy = await startSqlProxy(server.port);
  });
  beforeEach(async () => {
    const dburi = server.dburi.replace(/:\d+\//, `:${String(proxy.port)}/`);
    store = openStore({ dburi, now: () => startMs });
    await store.start(holder);
    return () => store.close();
  });
  afterAll(async () => {
    await proxy.close();
    await observer.close();
    await server.stop();
  });

  const killAll = async (): Promise<void> => {
    for (const { id } of await observer.rows(engine.ids)) await observer.rows(engine.kill(String(id)));
  };

  test('a slot that is closed is closed by the server, too', async () => {
    const before = proxy.open;
    const slots = await Promise.all([store.openSlot(), store.openSlot(), store.openSlot()]);
    expect(proxy.open).toBe(before + 3);
    for (const [index, slot] of slots.entries()) {
      await slot.close();
      expect(proxy.open).toBe(before + 2 - index);
    }
  });

  test('none is left of a store that was closed while it opened slots', async () => {
    const opened = Array.from({ length: 12 }, () => store.openSlot());
    await Promise.all([Promise.allSettled(opened), store.close()]);
    expect(proxy.open).toBe(0);
    await store.start(holder);
    const slot = await store.openSlot();
    await slot.close();
  });

  test('a slot of a server that does not answer is given up, and is no more when it answers', async () => {
    const before = proxy.open;
    const slot = await store.openSlot();
    const thaw = freeze(server.pid);
    try {
      await slot.close();
    } finally {
      thaw();
    }
    await until(() => proxy.open === before);
  });

  test('one that was killed is gone before there is another one in its place, and the start makes none beyond the bound', async () => {
    const slots = await Promise.all(Array.from({ length: slotCount }, () => store.openSlot()));
    const users: readonly Session[] = [...slots, ...Array.from({ length: sharedCount }, () => store.shared)];
    await Promise.all(users.map(each => each.nodes()));
    proxy.peak = proxy.open;
    for (let round = 0; round < 5; round++) {
      await killAll();
      await Promise.all([until(() => isBack(() => store.start(holder))), ...users.map(untilBack)]);
      expect(proxy.peak).toBeLessThanOrEqual(bound);
    }
    await Promise.all(slots.map(slot => slot.close()));
  });
});

function untilBack(session: Session): Promise<boolean> {
  return until(() => isBack(() => session.nodes()));
}

async function isBack(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (error instanceof Fault && error.kind === 'store.away') return false;
    throw error;
  }
}
