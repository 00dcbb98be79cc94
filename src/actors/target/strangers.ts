/**
 * Slaves that no row names. Those whose description carries our mark were left behind, and are taken out of the master at
 * their second sighting; all others are somebody else's, whatever their name. The list of a master of 2014 has no
 * descriptions, so each stranger is asked for its own, once.
 */
import type { Installation, NodeName, Tag } from '../../domain/ids.js';
import { tagIn } from '../../domain/tag.js';
import type { CiCall, CiPort } from '../../ports/ci.js';
import type { Outside } from '../../ports/outside.js';
import type { Context } from '../../runtime/actor.js';
import { statsAddress } from '../addresses.js';
import type { Reply } from '../outcome.js';
import type { TargetMessage } from '../target.js';
import type { Listing } from './comparing.js';

export interface Strangers {
  /** Null until the database has said it. */
  installation: Installation | null;
  /** Not ours. */
  readonly foreign: Set<NodeName>;
  /** Those with a mark of ours. */
  readonly ours: Map<NodeName, Tag>;
  readonly underWay: Set<NodeName>;
  /** Of all that were in the last list it is known that they are somebody else's. */
  areKnown: boolean;
}

export const noStrangers = (): Strangers => ({
  installation: null,
  foreign: new Set(),
  ours: new Map(),
  underWay: new Set(),
  areKnown: false,
});

/** How a call to the master is made: in its turn, at its pace. */
export type Enqueue = (call: {
  readonly name: string;
  run(port: CiPort, call: CiCall): Promise<unknown>;
  settled(reply: Reply<null>): void;
}) => void;

/** Questions after one list: a master may have hundreds of slaves of its own. */
const questionsPerList = 4;

export function lookAtStrangers(
  { slaves, rows, allRows }: Listing,
  target: { readonly name: string; readonly outside: Outside; readonly strangers: Strangers },
  enqueue: Enqueue,
  ctx: Context<TargetMessage>,
): void {
  const { strangers } = target;
  const { installation, foreign, ours, underWay } = strangers;
  if (installation === null || rows === null) return;
  const named = new Set(rows.map(({ nodename }) => nodename));
  const found = new Set(slaves.map(({ name }) => name).filter(name => !named.has(name)));
  // A name that has gone may come again, and be another's then.
  for (const name of foreign) if (!found.has(name)) foreign.delete(name);
  for (const name of ours.keys()) if (!found.has(name)) ours.delete(name);
  const unknown = [...found].filter(name => !foreign.has(name) && !ours.has(name) && !underWay.has(name));
  strangers.areKnown = unknown.length + ours.size + underWay.size === 0;
  for (const name of unknown.slice(0, questionsPerList)) ask(name, installation, strangers, enqueue);
  // Two targets may share a master: a row of the other one is looked for at the second sighting.
  if (allRows === null) return;
  const marks = new Set<string | null>([...allRows.map(row => row.tag), ...target.outside.store.unreadTags]);
  for (const [name, mark] of ours) {
    if (underWay.has(name)) continue;
    if (marks.has(mark)) {
      ours.delete(name);
      foreign.add(name);
    } else {
      remove(name, target, enqueue, ctx);
    }
  }
}

function ask(
  name: NodeName,
  installation: Installation,
  { foreign, ours, underWay }: Strangers,
  enqueue: Enqueue,
): void {
  let description: string | null = null;
  underWay.add(name);
  enqueue({
    name: 'nodeDescription',
    run: async (port, call) => (description = await port.nodeDescription(name, call)),
    settled(reply) {
      underWay.delete(name);
      if (!reply.ok || description === null) return;
      const mark = tagIn(installation, description);
      if (mark === null) foreign.add(name);
      else ours.set(name, mark);
    },
  });
}

function remove(
  name: NodeName,
  { name: target, outside, strangers: { ours, underWay } }: Parameters<typeof lookAtStrangers>[1],
  enqueue: Enqueue,
  ctx: Context<TargetMessage>,
): void {
  underWay.add(name);
  enqueue({
    name: 'deleteNode',
    run: (port, call) => port.deleteNode(name, call),
    settled(reply) {
      underWay.delete(name);
      if (!reply.ok) {
        const { fault } = reply;
        const line = `${target}: slave ${name} has no row and is yet to be deleted: ${fault.message}`;
        outside.log.warn(line, { target, fault: fault.kind, next: fault.next });
        return;
      }
      ours.delete(name);
      const message = `${target}: slave ${name} carries our mark and has no row; it is deleted`;
      outside.log.warn(message, { target });
      ctx.tell(statsAddress, { type: 'happened', event: { type: 'leak.deleted', message, target } });
    },
  });
}
