/**
 * A list of servers crosses from the worker to the main thread as what differs from the list before: a thousand servers
 * that are as they were cost the main thread nothing, where a copy of them took it some 2.5 ms.
 */
import { threadId } from 'node:worker_threads';

import type { ServerId } from '../../domain/ids.js';
import type { Server } from '../../ports/cloud.js';

export interface ServerChanges {
  /** The list that they are to be made on; null: none, they are a whole list. */
  readonly base: string | null;
  /** Names the list that comes out. */
  readonly version: string;
  readonly changed: readonly Server[];
  readonly gone: readonly ServerId[];
}

let lists = 0;

/** In the worker: the last list that was sent, as far as it takes to see what differs from it. */
export class SentServers {
  #version: string | null = null;
  #sent: ReadonlyMap<ServerId, string> = new Map();

  /** `known`: the version that the main thread has. Another than the last one sent gets a whole list. */
  changesTo(servers: readonly Server[], known: string | null): ServerChanges {
    const base = known === this.#version ? known : null;
    const before = base === null ? new Map<ServerId, string>() : this.#sent;
    const now = new Map(servers.map(server => [server.id, JSON.stringify(server)]));
    this.#sent = now;
    this.#version = `${threadId}.${++lists}`;
    return {
      base,
      version: this.#version,
      changed: servers.filter(({ id }) => before.get(id) !== now.get(id)),
      gone: [...before.keys()].filter(id => !now.has(id)),
    };
  }
}

/** In the main thread: the list as the last answer left it. */
export class KnownServers {
  #version: string | null = null;
  readonly #servers = new Map<ServerId, Server>();

  get version(): string | null {
    return this.#version;
  }

  /** Null where they are changes to a list that is not there any more: another answer came first. */
  apply({ base, version, changed, gone }: ServerChanges): readonly Server[] | null {
    if (base === null) this.#servers.clear();
    else if (base !== this.#version) return null;
    for (const id of gone) this.#servers.delete(id);
    for (const server of changed) this.#servers.set(server.id, server);
    this.#version = version;
    return [...this.#servers.values()];
  }
}
