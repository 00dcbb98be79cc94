/** A snapshot's actor from inside: its state, how it writes its row, its connection and its permit. */
import { backoffMs } from '../../domain/backoff.js';
import { isLost } from '../../domain/lost-row.js';
import type { RemovalPart, SnapshotPatch, SnapshotRow } from '../../domain/snapshot-row.js';
import type { Outside } from '../../ports/outside.js';
import type { LogFields } from '../../ports/log.js';
import type { ShellPort } from '../../ports/shell.js';
import type { Context, Ref, TaskHandle } from '../../runtime/actor.js';
import { imagesAddress, poolAddress, statsAddress } from '../addresses.js';
import type { ImageMessage } from '../image.js';
import type { OwnConnection } from '../own-connection.js';
import type { Settings } from '../settings.js';
import type { SnapshotMessage } from '../snapshot.js';

/** What outlives a life of the actor. */
export interface SnapshotHome {
  /** As it was last written or read. */
  row: SnapshotRow;
  readonly outside: Outside;
  readonly settings: Settings;
  readonly shell: ShellPort;
  /** What the image was made of that was current when this actor was started. */
  readonly currentSource: string | null;
  /** The actor of the image, which decides what becomes of it. */
  readonly image: Ref<ImageMessage>;
  /** Whether this is not the first life of its actor. */
  hadLife: boolean;
}

export interface Self {
  readonly home: SnapshotHome;
  /** Whether no earlier life can have written the row without hearing of it. */
  isRowSure: boolean;
  /** A call whose answer nobody has was begun by then: when this life began, or when the answer was given up. */
  begunBy: number;
  readonly connection: OwnConnection;
  permit: 'none' | 'waiting' | 'held';
  /** The pool has given it room for its server. */
  hasRoom: boolean;
  /** The step of the build in hand. */
  step: TaskHandle | null;
  readonly parts: Set<RemovalPart>;
  /** What failed and is tried again when its time comes. */
  readonly resting: Set<'step' | RemovalPart>;
  /** Faults in a row of what is being tried. */
  failures: number;
  /** This life began the setup on the template server, and knows how far it came. */
  isSetupOurs: boolean;
  /** No launch refers to the image any more: it may go from the cloud (lesson 120). */
  isFree: boolean;
  /** The way to the database is lost: what would be written is put aside. */
  isCutOff: boolean;
  /** How far the step in hand has come, for people. */
  progress: string | null;
  /** The row is gone, and the actor is on its way. */
  isGone: boolean;
}

export type SnapshotContext = Context<SnapshotMessage>;

/** A row that changes so often under its only writer is a bug. */
const writeTries = 4;
const retryBackoff = { minMs: 1_000, maxMs: 300_000, factor: 2, jitter: 0.3 };

/** Writes what `make` says of the row, by compare-and-set; null means that nothing is to be written. */
export async function change(
  self: Self,
  ctx: SnapshotContext,
  make: (row: SnapshotRow) => SnapshotPatch | null,
): Promise<boolean> {
  const { home } = self;
  const session = self.connection.lease ?? home.outside.store.shared;
  for (let tries = 0; tries < writeTries; tries++) {
    const { row } = home;
    const patch = make(row);
    if (!patch) return false;
    const outcome = await session.changeSnapshot(row.id, row, patch);
    if (!(await learnRow(outcome.kind === 'gone' ? null : outcome.row, self, ctx))) return false;
    if (outcome.kind === 'changed') return true;
    home.outside.log.info(`image ${row.id}: its row was changed by others`, whereabouts(row));
  }
  throw new Error(`the row of image ${home.row.id} changes faster than it can be written`);
}

/** The row as it is, where somebody may have written it without hearing of it. False where it is gone. */
export async function readRow(self: Self, ctx: SnapshotContext): Promise<boolean> {
  const { id, provider, image } = self.home.row;
  const rows = await self.home.outside.store.shared.snapshots({ provider, image });
  const isThere = await learnRow(rows.find(each => each.id === id) ?? null, self, ctx);
  self.isRowSure = true;
  return isThere;
}

/** What the database says of the row. What it has lost is put back; false where it is gone because it was deleted. */
async function learnRow(found: SnapshotRow | null, self: Self, ctx: SnapshotContext): Promise<boolean> {
  const { home, connection } = self;
  if (found && !isLost(home.row, found)) {
    accept(found, self, ctx);
    return true;
  }
  const row = await (connection.lease ?? home.outside.store.shared).restoreSnapshot(home.row);
  if (!row) {
    leave(self, ctx);
    return false;
  }
  home.outside.log.warn(`image ${row.id}: the database had lost its row, which is as it was again`, whereabouts(row));
  accept(row, self, ctx);
  return true;
}

function accept(row: SnapshotRow, self: Self, ctx: SnapshotContext): void {
  const before = self.home.row;
  self.home.row = row;
  self.home.image.tell({ type: 'row', row });
  if (row.state === before.state) return;
  happened(`image.${row.state}`, `is ${row.state}, was ${before.state}`, row, ctx);
}

export function happened(type: string, what: string, row: SnapshotRow, ctx: SnapshotContext): void {
  const message = `image ${row.id} (${row.image} of ${row.provider}) ${what}`;
  ctx.tell(statsAddress, { type: 'happened', event: { type, message, provider: row.provider } });
}

/** The row is gone: so is the actor. */
export function leave(self: Self, ctx: SnapshotContext): void {
  self.isGone = true;
  self.home.image.tell({ type: 'row-gone', id: self.home.row.id });
  ctx.stop(ctx.self);
}

export function whereabouts({ provider, image }: SnapshotRow): LogFields {
  return { provider, image };
}

/** Tries again after a while that grows with the failures in a row. */
export function rest(what: 'step' | RemovalPart, self: Self, ctx: SnapshotContext): void {
  self.failures++;
  self.resting.add(what);
  ctx.timer(`retry ${what}`, backoffMs(retryBackoff, self.failures, ctx.random()), { type: 'rested', what });
}

/** Nothing is to be written before the outside world answers. */
export function isWaitingOutside(self: Self): boolean {
  return self.step !== null || self.parts.size > 0 || self.resting.size > 0;
}

// ── The permit ───────────────────────────────────────────────────────────────────────────────────────────────────

/** A build that was under way when the daemon stopped goes on by right. */
export function hasPermit(self: Self, ctx: SnapshotContext): boolean {
  if (self.permit === 'held') return true;
  if (self.permit === 'none') {
    self.permit = 'waiting';
    const { id, provider, step } = self.home.row;
    const isUnderWay = step !== 'queued';
    ctx.tell(imagesAddress(provider), { type: 'permit-wanted', id, ref: ctx.self, isUnderWay });
  }
  return false;
}

/** The pool may have been restarted, and have forgotten who waits. */
const askAgainMs = 30_000;

/** Its server is one of max-servers (lesson 43). */
export function awaitsRoom(self: Self, ctx: SnapshotContext): boolean {
  if (self.hasRoom) return false;
  const { id, provider } = self.home.row;
  self.progress = `waits for room in ${provider}`;
  ctx.tell(poolAddress, { type: 'build-room', id, provider, ref: ctx.self });
  ctx.timer('ask for room', askAgainMs, { type: 'proceed' });
  return true;
}

export function giveBackPermit(self: Self, ctx: SnapshotContext): void {
  if (self.permit === 'none') return;
  self.permit = 'none';
  const { id, provider } = self.home.row;
  ctx.tell(imagesAddress(provider), { type: 'permit-returned', id });
}
