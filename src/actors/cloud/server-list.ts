import type { ServerId } from '../../domain/ids.js';
import { tagKey } from '../../domain/tag.js';
import type { Server } from '../../ports/cloud.js';

/** All servers of a provider, as one answer of the cloud had them. */
export class ServerList {
  /** When the answer was asked for: it knows nothing that happened later. */
  readonly askedAt: number;
  readonly byId: ReadonlyMap<ServerId, Server>;
  readonly byTag: ReadonlyMap<string, Server>;

  constructor(askedAt: number, servers: readonly Server[]) {
    this.askedAt = askedAt;
    this.byId = new Map(servers.map(server => [server.id, server]));
    this.byTag = new Map(
      servers.flatMap(server => {
        const mark = server.metadata[tagKey];
        return mark === undefined ? [] : [[mark, server] as const];
      }),
    );
  }
}
