/** One connection for the exclusive use of one actor. A connection that died is replaced at the next use. */
import { SqlSession, type SessionOptions } from './session.js';
import type { Pool } from './pool.js';
import type { Slot } from '../ports/store.js';

export class SqlSlot extends SqlSession implements Slot {
  readonly #pool: Pool;
  readonly #onClose: () => void;

  constructor(pool: Pool, options: SessionOptions & { onClose: () => void }) {
    super(pool, options);
    this.#pool = pool;
    this.#onClose = options.onClose;
  }

  get connection(): string {
    return this.#pool.connection ?? 'none';
  }

  async close(): Promise<void> {
    this.#onClose();
    await this.#pool.close();
  }
}
