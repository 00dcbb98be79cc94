/** What a server says of itself. */
import type { Knex } from 'knex';
import { engineOf } from './migrations/schema.js';

export interface Server {
  /** `postgresql 18.4`, `mariadb 10.11.19`, `mysql 8.0.36` */
  readonly version: string;
  /** Connections the server allows to all its clients. */
  readonly connectionsAllowed: number;
}

export async function readServer(knex: Knex): Promise<Server> {
  return engineOf(knex) === 'mysql' ? readMysql(knex) : readPostgres(knex);
}

async function readMysql(knex: Knex): Promise<Server> {
  const sql = 'select version() as version, @@max_connections as allowed';
  const [rows] = await knex.raw<readonly [ServerRow[]]>(sql);
  const { version = 'of unknown version', allowed = 0 } = rows[0] ?? {};
  const [number = version] = version.split('-');
  return {
    version: `${/mariadb/i.test(version) ? 'mariadb' : 'mysql'} ${number}`,
    connectionsAllowed: Number(allowed),
  };
}

async function readPostgres(knex: Knex): Promise<Server> {
  const sql = `select current_setting('server_version') as version, current_setting('max_connections')::int
    - current_setting('superuser_reserved_connections')::int as allowed`;
  const { rows } = await knex.raw<{ rows: ServerRow[] }>(sql);
  const { version = 'of unknown version', allowed = 0 } = rows[0] ?? {};
  const [number = version] = version.split(' ');
  return { version: `postgresql ${number}`, connectionsAllowed: allowed };
}

interface ServerRow {
  readonly version: string;
  readonly allowed: number;
}
