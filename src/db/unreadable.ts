import { Fault } from '../domain/fault.js';
import type { Log } from './options.js';

/** Different rows that are told of; a table full of them says enough by then. */
const toldMax = 1_000;

interface Tagged {
  readonly tag?: string | null | undefined;
  readonly subnodes?: readonly Tagged[] | undefined;
}

function tagsOf({ tag, subnodes = [] }: Tagged): string[] {
  return [...(tag == null ? [] : [tag]), ...subnodes.flatMap(tagsOf)];
}

/** Rows that cannot be understood, such as one in a state that nobody knows: left alone, and told of once. */
export class Unreadable {
  /** Of the rows that could not be read when they were last looked at, and of their subnodes. */
  readonly tags = new Set<string>();
  readonly #log: Log;
  readonly #told = new Set<string>();

  constructor(log: Log) {
    this.#log = log;
  }

  /** What can be made of the records; one that cannot be read must not keep the others from being. */
  without<Model extends Tagged, Row>(records: readonly Model[], toRow: (record: Model) => Row): Row[] {
    return records.flatMap((record): Row[] => {
      try {
        const row = toRow(record);
        if (this.tags.size > 0) for (const tag of tagsOf(record)) this.tags.delete(tag);
        return [row];
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        for (const tag of tagsOf(record)) this.tags.add(tag);
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
