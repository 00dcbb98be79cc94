/** Looks at a database from outside, over one connection of its own that it does not count. */
import knexFactory, { type Knex } from 'knex';

export type Engine = 'postgresql' | 'mariadb';

const connectionsOf: Readonly<Record<Engine, string>> = {
  // The server's own workers, such as those of autovacuum, are in the database without a client.
  postgresql: `select count(*) as n from pg_stat_activity
    where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
  mariadb: `select count(*) as n from information_schema.processlist where db = database() and id <> connection_id()`,
};

export class DatabaseObserver {
  readonly #engine: Engine;
  readonly #knex: Knex;

  constructor(engine: Engine, dburi: string) {
    this.#engine = engine;
    this.#knex = knexFactory({
      client: engine === 'mariadb' ? 'mysql2' : 'pg',
      connection: dburi,
      pool: { min: 0, max: 1 },
      acquireConnectionTimeout: 2_000,
      // That the server is away is what it is there to see.
      log: { warn: silent, error: silent },
    });
  }

  /** Rejects while the database is away. */
  connections(): Promise<number> {
    return this.#number(connectionsOf[this.#engine]);
  }

  /** Rows of `TABLE where …`. */
  count(what: string): Promise<number> {
    return this.#number(`select count(*) as n from ${what}`);
  }

  async rows(question: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
    const answer: unknown = await this.#knex.raw(question);
    return (Array.isArray(answer) ? answer[0] : (answer as { rows: unknown }).rows) as Record<string, unknown>[];
  }

  close(): Promise<void> {
    return this.#knex.destroy();
  }

  async #number(question: string): Promise<number> {
    const [row] = await this.rows(question);
    return Number(row?.['n']);
  }
}

function silent(): void {
  return;
}
