/**
 * Owns    one snapshot image: its row, its build, its deletion. Nobody else writes the row.
 * Hears   delete (control), retire, judged, launch-ended, free (its image), a permit from the supervisor of the images,
 *         room from the pool, leases from the store, the outcome of its own steps.
 * Tells   its image the row after each durable change, and how its build ended; cloud and template server what it needs.
 * Stores  every change of its row, by compare-and-set on state and step, before it acts on it.
 * If it dies: the mailbox stays, and the next life goes on at the step that the row names. A setup in hand is begun again
 *         on a new server.
 *
 * A message whose write cannot be done, because the way to the database is lost, is put aside until there is one again.
 * After each message the actor looks at its row and begins whatever is next and not in hand.
 */
import { firstLine } from '../domain/first-line.js';
import { Fault } from '../domain/fault.js';
import type { LaunchEnding } from '../domain/canary.js';
import type { RemovalPart, SnapshotPatch, SnapshotRow, Standing } from '../domain/snapshot-row.js';
import { imageView } from '../domain/views.js';
import type { ImageOutcome } from '../ports/control.js';
import type { Actor, ReplyTo, TaskOutcome } from '../runtime/actor.js';
import { snapshotAddress, storeAddress } from './addresses.js';
import { OwnConnection } from './own-connection.js';
import { proceedBuild, stepSettled } from './snapshot/build.js';
import { learn } from './snapshot/learn.js';
import { partSettled, proceedRemoval } from './snapshot/removal.js';
import {
  change,
  giveBackPermit,
  isWaitingOutside,
  readRow,
  type Self,
  type SnapshotContext,
  type SnapshotHome,
} from './snapshot/self.js';
import type { StepOutcome } from './snapshot/step.js';
import type { LeaseNotice, StoreNotice } from './store.js';

export type SnapshotMessage =
  | { readonly type: 'delete'; readonly replyTo: ReplyTo<ImageOutcome> }
  /** Retention does not keep it. */
  | { readonly type: 'retire'; readonly why: string }
  | { readonly type: 'judged'; readonly standing: Standing | null; readonly reason: string }
  | { readonly type: 'launch-ended'; readonly ending: LaunchEnding }
  /** Its row has this revision (its image). */
  | { readonly type: 'row-seen'; readonly revision: number | null }
  /** No launch refers to it. */
  | { readonly type: 'free' }
  | { readonly type: 'progress'; readonly replyTo: ReplyTo<string | null> }
  | { readonly type: 'progressed'; readonly text: string }
  | { readonly type: 'proceed' }
  | { readonly type: 'rested'; readonly what: 'step' | RemovalPart }
  | { readonly type: 'step-settled'; readonly outcome: TaskOutcome<StepOutcome> }
  | { readonly type: 'part-settled'; readonly part: RemovalPart; readonly outcome: TaskOutcome<null> }
  | { readonly type: 'permit-granted' }
  | { readonly type: 'room-granted' }
  | LeaseNotice
  | StoreNotice;

export const snapshotActor: Actor<SnapshotMessage, Self, SnapshotHome> = {
  kind: 'snapshot',
  mailbox: { limit: 10_000, overflow: 'refuse-newest' },

  init(ctx, home) {
    const self: Self = {
      home,
      isRowSure: !home.hadLife,
      begunBy: ctx.now(),
      connection: new OwnConnection(ctx.now()),
      permit: 'none',
      hasRoom: false,
      step: null,
      parts: new Set(),
      resting: new Set(),
      failures: 0,
      isSetupOurs: false,
      isFree: false,
      isCutOff: false,
      progress: null,
      isGone: false,
    };
    home.hadLife = true;
    ctx.register(snapshotAddress(home.row.id));
    home.image.tell({ type: 'row', row: home.row });
    ctx.self.tell({ type: 'proceed' });
    return self;
  },

  async handle(message, self, ctx) {
    if (self.isCutOff && writes.has(message.type)) {
      ctx.stash();
      return;
    }
    if (!(await overDatabase(() => act(message, self, ctx), self, ctx))) {
      ctx.stash();
      return;
    }
    if (!self.isGone && !self.isCutOff) await overDatabase(() => proceed(self, ctx), self, ctx);
  },

  onStop(self, ctx) {
    self.connection.giveBack(ctx);
  },

  describe({ home: { row }, connection, isCutOff, progress }) {
    return { state: stateForPeople(row, progress, isCutOff), connection: connection.describe() };
  },
};

function stateForPeople(row: SnapshotRow, progress: string | null, isCutOff: boolean): string {
  const { state, step, standing, reason, lastError } = row;
  const parts = [
    [state, step, progress].filter(part => part !== null).join(' '),
    ...(standing === null ? [] : [`${standing}: ${reason ?? ''}`]),
    ...(lastError === null ? [] : [firstLine(lastError)]),
    ...(isCutOff ? ['waiting for the database'] : []),
  ];
  return parts.join('; ');
}

/** Messages that are acted upon in their order, and may write. */
const writes: ReadonlySet<SnapshotMessage['type']> = new Set<SnapshotMessage['type']>([
  'delete',
  'retire',
  'judged',
  'launch-ended',
  'step-settled',
  'part-settled',
]);

/** False where the way to the database was lost. */
async function overDatabase(work: () => Promise<void>, self: Self, ctx: SnapshotContext): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (error) {
    if (!(error instanceof Fault) || error.kind !== 'store.away') throw error;
    self.isCutOff = true;
    if (self.connection.lease) {
      // Perhaps only this connection is broken: the next one shows.
      self.connection.giveBack(ctx, true);
      self.connection.want(self.home.row, ctx);
    } else {
      ctx.tell(storeAddress, { type: 'away-seen', reason: error.message });
      ctx.tell(storeAddress, { type: 'subscribe', path: ctx.path, listener: ctx.self });
    }
    return false;
  }
}

async function act(message: SnapshotMessage, self: Self, ctx: SnapshotContext): Promise<void> {
  switch (message.type) {
    case 'delete':
      await learn('delete-asked', self, ctx);
      message.replyTo.reply({ kind: 'done', image: imageView(self.home.row, ctx.now()) });
      return;
    case 'retire':
      await learn('not-kept', self, ctx, { why: message.why });
      return;
    case 'judged':
      await judged(message, self, ctx);
      return;
    case 'launch-ended':
      await change(self, ctx, row => countOf(message.ending, row));
      return;
    case 'row-seen':
      if (message.revision !== self.home.row.revision) self.isRowSure = false;
      return;
    case 'free':
      self.isFree = true;
      return;
    case 'progress':
      message.replyTo.reply(self.progress);
      return;
    case 'progressed':
      if (self.step) self.progress = message.text;
      return;
    case 'proceed':
      return;
    case 'rested':
      self.resting.delete(message.what);
      return;
    case 'step-settled':
      if (hasLease(self, ctx)) await stepSettled(message.outcome, self, ctx);
      return;
    case 'part-settled':
      if (hasLease(self, ctx)) await partSettled(message.part, message.outcome, self, ctx);
      return;
    case 'permit-granted':
      if (self.permit === 'waiting') self.permit = 'held';
      return;
    case 'room-granted':
      self.hasRoom = true;
      self.progress = null;
      ctx.cancelTimer('ask for room');
      return;
    case 'lease-granted':
      if (self.connection.take(message, ctx.now())) reconnected(self, ctx);
      return;
    case 'lease-asked-back':
      self.connection.handOn(ctx);
      return;
    case 'store-ready':
      ctx.tell(storeAddress, { type: 'unsubscribe', path: ctx.path });
      reconnected(self, ctx);
      return;
    case 'store-away':
  }
}

function reconnected(self: Self, ctx: SnapshotContext): void {
  self.isCutOff = false;
  ctx.unstash();
}

/** The lease may have been handed on while the world was waited for: the outcome is put aside until there is another. */
function hasLease(self: Self, ctx: SnapshotContext): boolean {
  if (self.connection.lease) return true;
  self.connection.want(self.home.row, ctx);
  ctx.stash();
  return false;
}

async function proceed(self: Self, ctx: SnapshotContext): Promise<void> {
  if (!self.isRowSure && !(await readRow(self, ctx))) return;
  const { row } = self.home;
  switch (row.state) {
    case 'building':
      if (row.step === null) {
        // The original, killed in the middle of it: nobody knows how far it came.
        await learn('build-failed', self, ctx, {
          why: 'its build was left without a step',
          more: { lastError: 'its build was left without a step' },
        });
        ctx.self.tell({ type: 'proceed' });
        return;
      }
      await proceedBuild(self, ctx);
      return;
    case 'ready':
      giveBackPermit(self, ctx);
      if (row.step !== null) proceedRemoval(self, ctx);
      break;
    case 'delete':
      giveBackPermit(self, ctx);
      proceedRemoval(self, ctx);
      return;
  }
  if (self.home.row.step === null && !isWaitingOutside(self)) self.connection.giveBack(ctx);
}

async function judged(
  { standing, reason }: Extract<SnapshotMessage, { type: 'judged' }>,
  self: Self,
  ctx: SnapshotContext,
): Promise<void> {
  await change(self, ctx, row => {
    if (row.state !== 'ready' || (row.standing === standing && row.reason === reason)) return null;
    return { standing, reason };
  });
}

function countOf(ending: LaunchEnding, row: SnapshotRow): SnapshotPatch | null {
  if (ending === 'void' || row.state !== 'ready') return null;
  return { launches: row.launches + 1, launchFailures: row.launchFailures + (ending === 'failed' ? 1 : 0) };
}
