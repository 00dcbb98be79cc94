import type { Fault } from '../../domain/fault.js';
import type { LaunchStep, NodePatch, NodeRow } from '../../domain/node-row.js';
import type { Outside } from '../../ports/outside.js';
import type { ShellPort } from '../../ports/shell.js';
import type { TaskIo } from '../../runtime/actor.js';
import { tellingOf, tellingShell, type Teller, type Telling, type Whose } from '../call-made.js';
import type { Settings } from '../settings.js';

/** What one step has at hand. */
export interface StepIo {
  readonly row: NodeRow;
  readonly settings: Settings;
  readonly outside: Outside;
  /** What is done over it is told in that story. */
  readonly shellFor: (whose: Whose) => Pick<ShellPort, 'check' | 'work'>;
  readonly task: TaskIo;
  /** Who asks, where a call is told in a story. */
  readonly whose: Whose;
  /** Has the node's story tell of what is waited for; of the calls to clouds, targets and shells it tells anyway. */
  readonly telling: Telling;
  /** A call whose answer nobody has was begun by then at the latest. */
  readonly begunBy: number;
  /** `prepare` wrote something just now; false at a step that is begun again. */
  readonly wasPrepared: boolean;
}

/** Of a node and of a subnode alike. */
export function newStepIo(
  { outside, settings, shell }: Pick<StepIo, 'outside' | 'settings'> & { readonly shell: ShellPort },
  own: Pick<StepIo, 'row' | 'whose' | 'task' | 'begunBy' | 'wasPrepared'>,
  ctx: Teller,
): StepIo {
  return {
    ...own,
    outside,
    settings,
    shellFor: whose => tellingShell(shell, tellingOf(whose, ctx)),
    telling: tellingOf(own.whose, ctx),
  };
}

/** `done`: what to record, and what comes next. */
export type StepOutcome =
  | { readonly kind: 'done'; readonly next: LaunchStep | 'launched'; readonly patch: NodePatch }
  /** The step is over for now: a fact from outside ends it. */
  | { readonly kind: 'awaits-event' }
  /** `isCertain`: nothing came of it in the world. `console`: the last that the machine wrote, where that was asked. */
  | {
      readonly kind: 'fault';
      readonly fault: Fault;
      readonly isCertain: boolean;
      readonly console?: string | null;
    };

/** One named, repeatable part of a launch. Its result is recorded on the row before the next one begins. */
export interface Step {
  /** What must be on the row before the step begins; null: it is there already. */
  prepare?(row: NodeRow, now: number, settings: Settings): NodePatch | null;
  run(io: StepIo): Promise<StepOutcome>;
  /** Takes back what `prepare` wrote, where it is certain that nothing came of it. */
  readonly forget?: NodePatch;
  /** Its effect cannot be called back, so it is waited for whatever happens. */
  readonly mustSettle?: boolean;
}

export const done = (next: LaunchStep | 'launched', patch: NodePatch = {}): StepOutcome => ({
  kind: 'done',
  next,
  patch,
});
