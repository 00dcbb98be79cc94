import type { Fault } from '../../domain/fault.js';
import type { BuildStep, SnapshotPatch, SnapshotRow } from '../../domain/snapshot-row.js';
import type { Outside } from '../../ports/outside.js';
import type { ShellPort } from '../../ports/shell.js';
import type { TaskIo } from '../../runtime/actor.js';
import type { Settings } from '../settings.js';

/** What one step of a build has at hand. */
export interface StepIo {
  readonly row: SnapshotRow;
  readonly settings: Settings;
  readonly outside: Outside;
  readonly shell: ShellPort;
  readonly task: TaskIo;
  /** A call whose answer nobody has was begun by then at the latest. */
  readonly begunBy: number;
  /** `prepare` wrote something just now; false at a step that is begun again. */
  readonly wasPrepared: boolean;
  /** What the image was made of that nodes boot from now. */
  readonly currentSource: string | null;
  /** Says how far it has come. */
  readonly progress: (text: string) => void;
}

/** `done`: what to record, and what comes next. */
export type StepOutcome =
  | { readonly kind: 'done'; readonly next: BuildStep | 'built'; readonly patch: SnapshotPatch }
  /** There is no need for this build. */
  | { readonly kind: 'unneeded'; readonly why: string }
  /** `isCertain`: nothing came of it in the world. */
  | { readonly kind: 'fault'; readonly fault: Fault; readonly isCertain: boolean };

/** One named part of a build. Its result is recorded on the row before the next one begins. */
export interface Step {
  /** What must be on the row before the step begins; null: it is there already. */
  prepare?(row: SnapshotRow, now: number, settings: Settings): SnapshotPatch | null;
  run(io: StepIo): Promise<StepOutcome>;
  /** Its effect cannot be called back, so it is waited for whatever happens. */
  readonly mustSettle?: boolean;
}

export const done = (next: BuildStep | 'built', patch: SnapshotPatch = {}): StepOutcome => ({
  kind: 'done',
  next,
  patch,
});

export const fault = (what: Fault, isCertain: boolean): StepOutcome => ({ kind: 'fault', fault: what, isCertain });
