/** The store on a real server, as its suites want it. */
import { openStore } from '../../src/db/store.js';
import { startSqlProxy, type SqlProxy } from '../support/sql-proxy.js';
import { countStatements } from '../support/statements.js';
import { startMs, startSeconds, type StorePlace, type StoreWorld } from './store.world.js';

/** One server, which may be killed and comes back, perhaps on another port. */
export interface SqlServer {
  /** The `dburi` of an empty database. */
  create(name: string): Promise<string>;
  kill(): Promise<void>;
  /** Resolves with its port. */
  revive(): Promise<number>;
  forbidWrites(areForbidden: boolean): Promise<void>;
  stop(): Promise<void>;
  /** Runs one statement behind everybody's back. */
  run(dburi: string, statement: string): Promise<readonly Readonly<Record<string, unknown>>[]>;
  /** Ends a connection by the server's own id. */
  killStatement(id: string): string;
  /** Makes the table give this id next. */
  countFrom(table: string, id: number): string;
  /** Gives the id of the connection that holds the daemon's lock, as `id`. */
  readonly lockQuery: string;
}

const lostStatements = {
  changeNode: /update ["`]node["`]/,
  changeSnapshot: /update ["`]snapshot_image["`]/,
  insertNodes: /commit/i,
} as const;

export async function sqlWorld(server: SqlServer): Promise<StoreWorld> {
  const counted = countStatements();
  let databases = 0;
  let way: SqlProxy | null = null;
  const proxies: SqlProxy[] = [];

  const openWay = async (port: number): Promise<SqlProxy> => {
    const proxy = await startSqlProxy(port);
    proxies.push(proxy);
    return proxy;
  };
  const place = async (): Promise<StorePlace> => {
    const direct = await server.create(`store_${++databases}`);
    const run = (statement: string) => server.run(direct, statement);
    way ??= await openWay(portOf(direct));
    const dburi = withPort(direct, way.port);
    const open: StorePlace['open'] = ({ now = () => startMs } = {}) => openStore({ dburi, now });
    const at = startSeconds;
    return {
      open,
      openLossy: async () => {
        const lossy = await openWay(portOf(direct));
        const store = openStore({ dburi: withPort(direct, lossy.port), now: () => startMs });
        await store.attach();
        return { store, lose: what => lossy.lose(lostStatements[what]) };
      },
      connections: () => proxies.reduce((sum, proxy) => sum + proxy.open, 0),
      lose: async (table, id) => {
        await run(`delete from ${table} where id = ${id}`);
        await run(server.countFrom(table, id));
      },
      addSubnode: async (id, hostname) => {
        const values = `(${id}, '${hostname}', 1, ${at})`;
        await run(`insert into subnode (node_id, hostname, state, state_time) values ${values}`);
      },
      addSnapshot: async image => {
        const columns = 'provider_name, image_name, version, external_id, state, state_time';
        const values = `('rax', '${image}', ${at}, 'img-1', 2, ${at})`;
        await run(`insert into snapshot_image (${columns}) values ${values}`);
      },
      killConnection: async (_store, connection) => {
        await run(server.killStatement(connection));
      },
      killLock: async () => {
        const [row] = await run(server.lockQuery);
        await run(server.killStatement(String(row?.['id'])));
      },
    };
  };
  return {
    database: place,
    kill: () => server.kill(),
    revive: async () => {
      const port = await server.revive();
      for (const proxy of proxies) proxy.upstream = port;
    },
    forbidWrites: areForbidden => server.forbidWrites(areForbidden),
    // But for the sign of life of whoever holds the lock.
    statements: () => counted().statements - (counted().byKind.get('select 1') ?? 0),
    stop: async () => {
      await Promise.all(proxies.map(proxy => proxy.close()));
      await server.stop();
    },
  };
}

function portOf(dburi: string): number {
  return Number(new URL(dburi).port);
}

function withPort(dburi: string, port: number): string {
  return dburi.replace(/:\d+\//, `:${port}/`);
}
