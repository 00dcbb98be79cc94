/**
 * Changes whose answer was lost with the connection: they may or may not have happened. When the same change is asked
 * for again and is refused, the row is compared: if it has the values, the first attempt had succeeded. Remembered in
 * memory only: after a restart an actor reads its row before it does anything.
 */
import type { Columns } from './rows.js';

/** At most one for each row; this bounds what rows that vanished leave behind. */
const rememberedMax = 10_000;

/** Its table and its id. */
export type RowName = `${string} ${number}`;

export class InDoubt {
  readonly #changes = new Map<RowName, string>();

  remember(row: RowName, columns: Columns): void {
    this.#changes.delete(row);
    this.#changes.set(row, fingerprint(columns));
    const [oldest] = this.#changes.keys();
    if (this.#changes.size > rememberedMax && oldest !== undefined) this.#changes.delete(oldest);
  }

  /** Called with the server's answer to a change of the row; tells whether it repeats the one in doubt. */
  settle(row: RowName, columns: Columns): boolean {
    const inDoubt = this.#changes.get(row);
    if (inDoubt === undefined) return false;
    this.#changes.delete(row);
    return inDoubt === fingerprint(columns);
  }

  forget(row: RowName): void {
    this.#changes.delete(row);
  }
}

function fingerprint(columns: Columns): string {
  return JSON.stringify(Object.entries(columns).sort(([a], [b]) => (a < b ? -1 : 1)));
}
