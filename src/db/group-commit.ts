/**
 * Changes that come while others are being committed are committed together, because most of what a change costs is the
 * disk's time for its commit. Each stays a statement of its own that compares what it changes, and each has an outcome
 * of its own: where one is refused by the server, all are tried again one by one.
 */
import { toFault } from './faults.js';
import type { Pool } from './pool.js';
import type { RowChange } from './row-change.js';

/** Half of the shared connections: the others are for those who read. */
const groupsAtOnce = 2;
const groupMax = 100;

/** Makes changes: a pool one at a time on each of its connections, this one in groups. */
export interface Changer {
  /** The number of rows that it found. */
  change(change: RowChange): Promise<number>;
}

interface Waiting {
  readonly change: RowChange;
  readonly done: (found: number) => void;
  readonly failed: (error: unknown) => void;
}

export class GroupCommit implements Changer {
  readonly #pool: Pool;
  readonly #waiting: Waiting[] = [];
  #underWay = 0;
  #isDue = false;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  change(change: RowChange): Promise<number> {
    return new Promise((done, failed) => {
      this.#waiting.push({ change, done, failed });
      this.#soon();
    });
  }

  /** Not at once: the first of many would be committed by itself, and all others would wait for it. */
  #soon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => {
      this.#isDue = false;
      while (this.#underWay < groupsAtOnce && this.#waiting.length > 0) this.#next();
    });
  }

  #next(): void {
    // Shared out among those that are free: a group's statements go to the server one after the other.
    const size = Math.min(groupMax, Math.ceil(this.#waiting.length / (groupsAtOnce - this.#underWay)));
    // In one order for all, so that no two groups wait for each other's rows.
    const group = this.#waiting.splice(0, size).sort((a, b) => a.change.id - b.change.id);
    this.#underWay++;
    void this.#commit(group).then(() => {
      this.#underWay--;
      this.#soon();
    });
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    if (group.length === 1) return this.#oneByOne(group);
    try {
      const found = await this.#pool.changeTogether(group.map(({ change }) => change));
      group.forEach(({ done }, at) => done(found[at] ?? 0));
    } catch (error) {
      // Away: perhaps all of them happened, and each has to find out.
      if (toFault(error).kind === 'store.away') for (const { failed } of group) failed(error);
      else await this.#oneByOne(group);
    }
  }

  async #oneByOne(group: readonly Waiting[]): Promise<void> {
    for (const { change, done, failed } of group) await this.#pool.change(change).then(done, failed);
  }
}
