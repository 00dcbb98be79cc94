import { fc } from '../support/fc.js';
import { describe, expect, it } from 'vitest';

import { KnownServers, SentServers, type ServerChanges } from '../../src/adapters/workers/server-changes.js';
import type { ServerId } from '../../src/domain/ids.js';
import type { Server } from '../../src/ports/cloud.js';

const statuses = ['BUILD', 'ACTIVE', 'ERROR'] as const;

/** By id, so that each is there once, as a cloud has them. */
const lists = fc
  .dictionary(fc.constantFrom('a', 'b', 'c', 'd', 'e'), fc.constantFrom(...statuses))
  .map(statusById => Object.entries(statusById).map(([id, status]) => server(id, status)));

function server(id: string, status: string): Server {
  return {
    id: id as ServerId,
    name: `small-cloud1-${id}`,
    status,
    addresses: [],
    az: 'nova',
    metadata: { 'nodepoold-tag': id },
    keyName: null,
    faultMessage: null,
  };
}

const byId = (servers: readonly Server[] | null): readonly Server[] =>
  [...(servers ?? [])].sort((a, b) => a.id.localeCompare(b.id));

/** As it is after it has crossed to another thread. */
const crossed = (changes: ServerChanges): ServerChanges => structuredClone(changes);

describe('changes of a list of servers', () => {
  it('make the list of the cloud again, whatever answers are lost', () => {
    const answers = fc.array(fc.record({ servers: lists, thread: fc.nat(1), isLost: fc.boolean() }), { maxLength: 20 });
    fc.assert(
      fc.property(answers, sequence => {
        const threads = [new SentServers(), new SentServers()];
        const known = new KnownServers();
        for (const { servers, thread, isLost } of sequence) {
          const changes = threads[thread]?.changesTo(servers, known.version);
          if (changes && !isLost) expect(byId(known.apply(crossed(changes)))).toEqual(byId(servers));
        }
      }),
    );
  });

  it('are refused on a list that another answer has replaced', () => {
    const sent = new SentServers();
    const known = new KnownServers();
    known.apply(sent.changesTo([server('a', 'BUILD')], known.version));
    const late = sent.changesTo([server('a', 'ACTIVE')], known.version);
    known.apply(new SentServers().changesTo([server('b', 'BUILD')], known.version));
    expect(known.apply(late)).toBeNull();
  });

  it('are what differs and nothing else', () => {
    const sent = new SentServers();
    const known = new KnownServers();
    known.apply(sent.changesTo([server('a', 'ACTIVE'), server('b', 'BUILD'), server('c', 'ACTIVE')], null));
    const { changed, gone } = sent.changesTo([server('a', 'ACTIVE'), server('b', 'ACTIVE')], known.version);
    expect({ changed, gone }).toEqual({ changed: [server('b', 'ACTIVE')], gone: ['c'] });
  });
});
