/**
 * What we remember besides: the recorded step of each launch and delete, times, our tag. Every column may be null, so
 * that the original can go on writing the tables.
 */
import type { Knex } from 'knex';
import { engineOf, ensureColumn, ensureIndex, ensureRoomForColumns } from './schema.js';

export async function up(knex: Knex): Promise<void> {
  const isMysql = engineOf(knex) === 'mysql';
  // People and clouds write these, in any alphabet, and a table of the original may be latin1.
  const anyAlphabet = isMysql ? ' character set utf8mb4' : '';
  const name = 'varchar(255)';
  // An index on more of four bytes each is too long for InnoDB's older row formats. Compared byte by byte.
  const tag = isMysql ? 'varchar(191) character set utf8mb4 collate utf8mb4_bin' : 'varchar(191)';

  const added: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    node: {
      manager_name: name,
      ip_private: name,
      comment: `varchar(255)${anyAlphabet}`,
      step: 'varchar(32)',
      step_at: 'bigint',
      sent_at: 'bigint',
      job_started_at: 'bigint',
      job_ended_at: 'bigint',
      delete_at: 'bigint',
      group_size: 'integer',
      address_id: name,
      host_key: 'text',
      tag,
      expiry: 'bigint',
      last_error: `text${anyAlphabet}`,
      revision: 'integer',
    },
    subnode: {
      ip_private: name,
      step: 'varchar(32)',
      step_at: 'bigint',
      sent_at: 'bigint',
      address_id: name,
      tag,
      last_error: `text${anyAlphabet}`,
      revision: 'integer',
    },
    snapshot_image: {
      step: 'varchar(32)',
      step_at: 'bigint',
      sent_at: 'bigint',
      tag,
      last_error: `text${anyAlphabet}`,
      revision: 'integer',
    },
  };
  for (const [table, columns] of Object.entries(added)) {
    await ensureRoomForColumns(knex, table);
    for (const [column, type] of Object.entries(columns)) await ensureColumn(knex, table, column, type);
    await ensureIndex(knex, table, 'tag', { unique: true });
  }
}
