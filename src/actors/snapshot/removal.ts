/** How a template server and an image go: side by side, each tried until it is done, the row last (reference 12.5). */
import { removalWithout, removalsLeft, type RemovalPart } from '../../domain/snapshot-row.js';
import type { TaskOutcome } from '../../runtime/actor.js';
import { asFault } from '../store.js';
import { change, happened, leave, rest, whereabouts, type Self, type SnapshotContext } from './self.js';
import { removeImage, removeTemplate } from './remove.js';

/** Begins what remains. A step in hand comes first: only it knows what it is making. */
export function proceedRemoval(self: Self, ctx: SnapshotContext): void {
  if (self.step) {
    self.step.cancel();
    return;
  }
  const { row, outside, settings } = self.home;
  for (const part of removalsLeft(row.step)) {
    if (self.parts.has(part) || self.resting.has(part)) continue;
    if (part === 'image' && !self.isFree) continue;
    if (!self.connection.lease) {
      self.connection.want(self.home.row, ctx);
      return;
    }
    self.parts.add(part);
    const { begunBy } = self;
    ctx.task(
      part,
      task => (part === 'image' ? removeImage : removeTemplate)({ row, outside, settings, task, begunBy }),
      outcome => ({ type: 'part-settled', part, outcome }),
    );
  }
}

export async function partSettled(
  part: RemovalPart,
  outcome: TaskOutcome<null>,
  self: Self,
  ctx: SnapshotContext,
): Promise<void> {
  if (outcome.ok) await partDone(part, self, ctx);
  else await partFailed(part, outcome.error, self, ctx);
  self.parts.delete(part);
}

async function partDone(part: RemovalPart, self: Self, ctx: SnapshotContext): Promise<void> {
  const { row, outside } = self.home;
  self.failures = 0;
  if (row.state === 'ready') {
    await change(self, ctx, () => ({ step: null, stepAt: null, addressId: null }));
    self.connection.giveBack(ctx);
    return;
  }
  if (removalWithout(row.step, part) !== 'row') {
    await change(self, ctx, now => ({ step: removalWithout(now.step, part), stepAt: ctx.now() }));
    return;
  }
  const session = self.connection.lease ?? outside.store.shared;
  await session.deleteSnapshot(row.id);
  outside.log.info(`image ${row.id}: deleted`, whereabouts(row));
  happened('image.deleted', 'is deleted', row, ctx);
  leave(self, ctx);
}

/** Tried again for as long as it takes: a row never goes before what it stands for. */
async function partFailed(part: RemovalPart, error: unknown, self: Self, ctx: SnapshotContext): Promise<void> {
  const fault = asFault(error);
  const { row, outside } = self.home;
  outside.log.warn(`image ${row.id}: removing its ${part} is tried again: ${fault.message}`, {
    ...whereabouts(row),
    fault: fault.kind,
    next: fault.next,
  });
  // Why the build failed says more than why what is left of it is still there.
  if (row.lastError === null) await change(self, ctx, () => ({ lastError: fault.message }));
  rest(part, self, ctx);
}
