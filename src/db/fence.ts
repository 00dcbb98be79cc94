/**
 * Nothing is added to the tables for a daemon that has lost the database to another one. What it had under way when it
 * was killed is over before the next one reads: each such transaction holds the row that says who has the database, and
 * whoever takes it waits for that row. Otherwise nodes could turn up that nobody has counted.
 */
import type { Knex } from 'knex';
import { Fault } from '../domain/fault.js';

/** As the row says who it is. */
export interface Holding {
  readonly pid: number;
  readonly started: number;
}

export const holderTable = 'nodepool_daemon';

export class Fence {
  #holding: Holding | null = null;

  hold(holding: Holding): void {
    this.#holding = holding;
  }

  /** At the beginning of a transaction that adds rows; without a lock, as in a command line, nothing is looked at. */
  async enter(transaction: Knex): Promise<void> {
    if (!this.#holding) return;
    const held = await transaction<Holding>(holderTable).where(this.#holding).forShare().first('pid');
    if (held === undefined) throw new Fault('store.away', 'another daemon has taken the database');
  }
}
