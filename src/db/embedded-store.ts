/** The store on a PostgreSQL of our own, which is started again when it has died. */
import { existsSync } from 'node:fs';
import { Fault } from '../domain/fault.js';
import type { LockHolder, Session, Slot, StorePort, StoreStart } from '../ports/store.js';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded.js';
import type { Log } from './options.js';
import { openStore } from './store.js';

export interface EmbeddedStoreOptions {
  readonly dir: string;
  readonly now: () => number;
  readonly log: Log;
  /** False: what is not there yet is the fault `store.empty`, and is not made. */
  readonly mayCreate: boolean;
}

/** Slots, shared connections, the lock, and an operator's psql. */
const maxConnections = 200;

export async function openEmbeddedStore({ dir, now, log, mayCreate }: EmbeddedStoreOptions): Promise<StorePort> {
  // A command line that only looks must not leave a database behind.
  if (!mayCreate && !existsSync(dir)) throw new Fault('store.empty', `there is no database of nodepool yet in ${dir}`);
  const server = await inFaults(dir, () => startEmbeddedPostgres({ dir, maxConnections, log }));
  return new EmbeddedStore(dir, server, dburi => openStore({ dburi, now, log }));
}

class EmbeddedStore implements StorePort {
  readonly #dir: string;
  readonly #server: EmbeddedPostgres;
  readonly #open: (dburi: string) => StorePort;
  #dburi: string;
  #store: StorePort;

  constructor(dir: string, server: EmbeddedPostgres, open: (dburi: string) => StorePort) {
    this.#dir = dir;
    this.#server = server;
    this.#open = open;
    this.#dburi = server.dburi;
    this.#store = open(server.dburi);
  }

  get shared(): Session {
    return this.#store.shared;
  }

  get unreadTags(): ReadonlySet<string> {
    return this.#store.unreadTags;
  }

  async start(holder: LockHolder): Promise<StoreStart> {
    await this.#ensureServer();
    return this.#store.start(holder);
  }

  async #ensureServer(): Promise<void> {
    await inFaults(this.#dir, () => this.#server.ensure());
    if (this.#server.dburi === this.#dburi) return;
    await this.#store.close();
    this.#dburi = this.#server.dburi;
    this.#store = this.#open(this.#dburi);
  }

  attach(): Promise<void> {
    return this.#store.attach();
  }

  probe(): Promise<void> {
    return this.#store.probe();
  }

  openSlot(): Promise<Slot> {
    return this.#store.openSlot();
  }

  async close(): Promise<void> {
    await this.#store.close();
    await this.#server.stop();
  }
}

async function inFaults<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Fault('store.embedded', `the database of our own in ${dir}: ${why}`, { cause });
  }
}
