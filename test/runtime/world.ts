/** A system under a clock that stands still, and an actor that does what its messages say and writes down what it hears. */
import type { Actor, Context, Ref, ReplyTo, Supervision } from '../../src/runtime/actor.js';
import type { Cell } from '../../src/runtime/cell.js';
import { ManualClock } from '../../src/runtime/manual-clock.js';
import { seededRandom } from '../../src/runtime/random.js';
import type { RuntimeEvent, SystemOptions } from '../../src/runtime/system.js';
import { ActorSystem } from '../../src/runtime/system.js';

/** What a scripted actor can be told: a word it writes down, a deed it does, or a question. */
export type Told =
  string | ((ctx: Context<Told>) => unknown) | { readonly question: string; readonly replyTo: ReplyTo<string> };

export interface Script {
  readonly log: string[];
  readonly init?: (ctx: Context<Told>) => unknown;
  readonly onStop?: (ctx: Context<Told>) => unknown;
  /** Called with each word before it is written down. */
  readonly hears?: (word: string, ctx: Context<Told>) => unknown;
  /** Called with each question; otherwise the answer is the question. */
  readonly answers?: (question: string, replyTo: ReplyTo<string>, ctx: Context<Told>) => unknown;
}

type Scripted = Actor<Told, { readonly script: Script }, Script>;

export function scripted(
  traits: Partial<Pick<Scripted, 'mailbox' | 'handlerDeadlineMs' | 'isDynamic' | 'strategy'>> = {},
): Scripted {
  return {
    kind: 'scripted',
    ...traits,
    init(ctx, script) {
      const pending = script.init?.(ctx);
      return pending instanceof Promise ? pending.then(() => ({ script })) : { script };
    },
    handle(told, { script }, ctx) {
      if (typeof told === 'function') return told(ctx) as Promise<void>;
      if (typeof told === 'string') {
        const pending = script.hears?.(told, ctx);
        script.log.push(told);
        return pending as Promise<void>;
      }
      if (script.answers) return script.answers(told.question, told.replyTo, ctx) as Promise<void>;
      told.replyTo.reply(told.question);
    },
    onStop: ({ script }, ctx) => script.onStop?.(ctx) as Promise<void>,
  };
}

export const fail = (): never => {
  throw new Error('told to fail');
};

export const never = (): Promise<never> => new Promise(() => undefined);

/** A promise settled from outside. */
export function gate<T = void>() {
  let open!: (value: T) => void;
  let breakIt!: (error: unknown) => void;
  const promise = new Promise<T>((resolve, reject) => {
    open = resolve;
    breakIt = reject;
  });
  return { promise, open, breakIt };
}

export function world(options: SystemOptions = {}) {
  const clock = new ManualClock(0);
  const events: RuntimeEvent[] = [];
  const system = new ActorSystem({
    clock,
    random: seededRandom(1),
    report: event => events.push(event),
    ...options,
  });
  clock.isBusy = () => !system.scheduler.isIdle;
  const guardian = system.start<Told, unknown, Script>(scripted(), { log: [] });

  const cell = (path: string): Cell => {
    const found = system.find(path);
    if (!found) throw new Error(`no actor at ${path}`);
    return found;
  };

  return {
    clock,
    system,
    events,
    guardian,
    cell,
    /** Lets the guardian do something, and everything settle. */
    async do(deed: (ctx: Context<Told>) => unknown): Promise<void> {
      guardian.tell(deed);
      await clock.settle();
    },
    /** Starts a child of the guardian. */
    async spawn(
      name: string,
      script: Partial<Script> = {},
      supervision: Partial<Supervision> = {},
      actor: Scripted = scripted(),
    ): Promise<{ ref: Ref<Told>; log: string[] }> {
      const log = script.log ?? [];
      let ref: Ref<Told> | undefined;
      guardian.tell(ctx => {
        ref = ctx.spawn(actor, name, { ...script, log }, supervision);
      });
      await clock.settle();
      if (!ref) throw new Error(`${name} was not started`);
      return { ref, log };
    },
    mode: (path: string): string => system.find(path)?.mode ?? 'none',
    deadLetters: (): Record<string, number> => Object.fromEntries(system.deadLetterCounts),
    /** Stops the system and lets its time pass; the paths of those cut off. */
    async stop(withinMs = 10_000): Promise<readonly string[]> {
      let late: readonly string[] | undefined;
      void system.stop(withinMs).then(paths => (late = paths));
      await clock.advance(withinMs);
      if (!late) throw new Error('the system did not stop within its deadline');
      return late;
    },
  };
}
