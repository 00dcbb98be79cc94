import { Fault } from '../domain/fault.js';
import type { Log } from './options.js';

/** Different rows that are told of; a table full of them says enough by then. */
const toldMax = 1_000;

/** Rows that cannot be understood, such as one in a state that nobody knows: left alone, and told of once. */
export class Unreadable {
  readonly #log: Log;
  readonly #told = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** What can be made of the records; one that cannot be read must not keep the others from being. */
  without<Model, Row>(records: readonly Model[], toRow: (record: Model) => Row): Row[] {
    return records.flatMap((record): Row[] => {
      try {
        return [toRow(record)];
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        this.#tell(error.message);
        return [];
      }
    });
  }

  #tell(what: string): void {
    if (this.#told.has(what) || this.#told.size >= toldMax) return;
    this.#told.add(what);
    this.#log(`${what}: it is left alone`);
  }
}
