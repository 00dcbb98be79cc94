/** Brings the tables up to date. Safe for two processes at once and after one that was stopped in the middle. */
import type { Knex } from 'knex';
import * as originalTables from './migrations/001-original-tables.js';
import * as steps from './migrations/002-steps.js';
import * as images from './migrations/003-images.js';
import * as jobs from './migrations/004-jobs.js';
import * as clouds from './migrations/005-clouds.js';
import * as groups from './migrations/006-groups.js';
import * as ledger from './migrations/007-ledger.js';
import { engineOf } from './migrations/schema.js';
import { checkOriginalTables } from './original-tables.js';
import { isTableMissing } from './faults.js';
import { borrow, giveBack } from './raw-connection.js';
import { engineLocks } from './engine-lock.js';

interface Named {
  readonly name: string;
  readonly up: (knex: Knex) => Promise<void>;
}

/** knex wants one. Nothing is ever undone: the original works on the tables as they are. */
const undone = () => Promise.reject(new Error('migrations are not undone'));

/** In order. The names are stored in the database: they stay. */
const migrations: Named[] = [
  { name: '001-original-tables', up: originalTables.up },
  { name: '002-steps', up: steps.up },
  { name: '003-images', up: images.up },
  { name: '004-jobs', up: jobs.up },
  { name: '005-clouds', up: clouds.up },
  { name: '006-groups', up: groups.up },
  { name: '007-ledger', up: ledger.up },
];

const tableName = 'nodepool_migrations';

const source: Knex.MigrationSource<Named> = {
  getMigrations: () => Promise.resolve(migrations),
  getMigrationName: ({ name }) => name,
  getMigration: ({ up }) => Promise.resolve({ up, down: undone }),
};

/** Whether there is nothing to do, so that a start makes no connections for it. */
export async function isMigrated(knex: Knex): Promise<boolean> {
  try {
    const done = await knex<{ name: string }>(tableName).pluck('name');
    return done.length === migrations.length && migrations.every(({ name }) => done.includes(name));
  } catch (error) {
    if (isTableMissing(error)) return false;
    throw error;
  }
}

/** Needs two connections: one holds the engine's lock while the other changes the tables. */
export async function migrate(knex: Knex): Promise<void> {
  const config: Knex.MigratorConfig = {
    migrationSource: source,
    tableName,
    disableTransactions: engineOf(knex) === 'mysql',
  };
  const lock = engineLocks[engineOf(knex)];
  const connection = await borrow(knex);
  try {
    await lock.wait(knex, connection, 'migration');
    await checkOriginalTables(knex);
    // A process that died while it migrated leaves knex's own lock behind; the engine's lock says that it is dead.
    await knex.migrate.forceFreeMigrationsLock(config);
    await knex.migrate.latest(config);
    await lock.release(knex, connection, 'migration');
  } finally {
    await giveBack(knex, connection);
  }
}
