import { firstLine } from '../../domain/first-line.js';
import type { Fault } from '../../domain/fault.js';
import { decideImage, type ImageFact } from '../../domain/image.js';
import { firstRemoval, type SnapshotPatch, type SnapshotRow } from '../../domain/snapshot-row.js';
import { change, whereabouts, type Self, type SnapshotContext } from './self.js';

interface Learnt {
  /** For the log, where it says more than the domain does. */
  readonly why?: string;
  /** What ended the build: it is kept on the row. */
  readonly fault?: Fault;
  readonly more?: SnapshotPatch;
}

/** What the domain says of a fact is written, with what else is to be written then. */
export async function learn(
  fact: ImageFact,
  self: Self,
  ctx: SnapshotContext,
  { fault, why = fault?.message, more = {} }: Learnt = {},
): Promise<void> {
  const { outside, image, row: before } = self.home;
  let decision = decideImage(before.state, fact);
  await change(self, ctx, row => {
    decision = decideImage(row.state, fact);
    if (decision.kind === 'ignore') return null;
    return { ...more, ...statePatch(decision.to, row), ...(fault ? { lastError: fault.message } : {}) };
  });
  const { row } = self.home;
  const line = `image ${row.id}: ${firstLine(why ?? decision.why)}`;
  if (decision.kind === 'ignore') outside.log.debug(`${line} (${fact})`, whereabouts(row));
  else outside.log.info(line, whereabouts(row));
  if (before.state !== 'building' || row.state === 'building') return;
  image.tell({
    type: 'build-ended',
    id: row.id,
    ending: fault ?? (fact === 'built' ? 'ready' : { calledOff: why ?? decision.why, isUnneeded: fact === 'not-kept' }),
  });
}

function statePatch(to: SnapshotRow['state'], row: SnapshotRow): SnapshotPatch {
  if (to === 'delete') return { state: to, step: firstRemoval(row), stepAt: null };
  return { state: to };
}
