/**
 * The mark of this database, made once and never changed: it is in the tag of everything that is made in a cloud for
 * this database's rows, and tells it from what another installation made in the same project.
 */
import { randomBytes } from 'node:crypto';
import type { Knex } from 'knex';
import { installation, type Installation } from '../domain/ids.js';

const createTable = `create table if not exists nodepool_installation (
  id integer primary key, mark varchar(64) not null)`;

/** Called with the daemon's lock held, so that no other makes one at the same time. */
export async function readInstallation(knex: Knex): Promise<Installation> {
  await knex.raw(createTable);
  const [row] = await knex('nodepool_installation').select<{ readonly mark: string }[]>('mark').where('id', 1);
  if (row !== undefined) return installation(row.mark);
  const mark = randomBytes(6).toString('hex');
  await knex('nodepool_installation').insert({ id: 1, mark });
  return installation(mark);
}
