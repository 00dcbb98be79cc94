/** Calls to the outside are told to the story of the node that they were made for. */
import { firstLine } from '../domain/first-line.js';
import { named } from '../domain/fault.js';
import type { NodeId, SubnodeId } from '../domain/ids.js';
import type { ShellPort } from '../ports/shell.js';
import type { Context, TaskOutcome } from '../runtime/actor.js';
import { historyAddress } from './addresses.js';
import { scriptEnding } from './script-ending.js';
import { asFault } from './store.js';

/** In whose story a call is told: a node's, and for which of its subnodes it was made. */
export interface Whose {
  readonly node: NodeId;
  readonly subnode?: SubnodeId;
}

export type Teller = Pick<Context<never>, 'now' | 'tell'>;

export interface EndedCall {
  readonly what: string;
  readonly queuedAt: number;
  readonly begunAt: number;
  /** Of a call that was answered: what came of it, where that says more. */
  readonly outcome: TaskOutcome<string | null>;
}

export function tellCall({ node, subnode }: Whose, { what, queuedAt, begunAt, outcome }: EndedCall, ctx: Teller): void {
  const result = outcome.ok ? outcome.value : firstLine(named(asFault(outcome.error))).slice(0, resultMax);
  const times = { at: begunAt, waitedMs: begunAt - queuedAt, ms: ctx.now() - begunAt };
  const call = { what, subnode: subnode === undefined ? null : Number(subnode), ...times, isOk: outcome.ok, result };
  ctx.tell(historyAddress, { type: 'call-made', node, call });
}

/** A whole output may be behind it. */
const resultMax = 300;

/** Does what a task waits for, and tells how long that took and how it ended. */
export type Telling = <T>(what: string, run: () => Promise<T>, resultOf?: (value: T) => string | null) => Promise<T>;

/** One list of servers serves everybody, and is the call of nobody. */
export const waitForList = 'waiting for a list of servers';

export function tellingOf(whose: Whose, ctx: Teller): Telling {
  return async (what, run, resultOf = () => null) => {
    const begunAt = ctx.now();
    const tell = (outcome: TaskOutcome<string | null>): void => {
      tellCall(whose, { what, queuedAt: begunAt, begunAt, outcome }, ctx);
    };
    try {
      const value = await run();
      tell({ ok: true, value: resultOf(value) });
      return value;
    } catch (error) {
      tell({ ok: false, error });
      throw error;
    }
  };
}

export function tellingShell(shell: ShellPort, telling: Telling): Pick<ShellPort, 'check' | 'work'> {
  return {
    check: (login, call) =>
      telling(
        'ssh.login',
        () => shell.check(login, call),
        ({ attempts }) => (attempts === 1 ? null : `let in at attempt ${attempts}`),
      ),
    work: (login, job, call) =>
      job.command === null
        ? telling('ssh.files', () => shell.work(login, job, call))
        : telling(
            'ssh.script',
            () => shell.work(login, job, call),
            result => (result.exitCode === 0 ? null : `it ${scriptEnding(result).how}`),
          ),
  };
}
