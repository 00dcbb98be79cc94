/**
 * What a workload needs of an actor system. Each system is one file in `systems/` that opens a `Peer`, so that the
 * workloads and what they verify are written once and are the same for all.
 */

export interface Message {
  readonly type: string;
  readonly n: number;
}

/** Runs for each message. It returns nothing, or what `reply` returned. */
export type Behaviour<S> = (message: Message, state: S) => unknown;

/** Children beneath one parent. */
export interface Family<R> {
  readonly parent: R;
  readonly children: readonly R[];
}

export interface Peer<R> {
  start<S>(behaviour: Behaviour<S>, makeState: () => S): Promise<R>;
  /** Parent and children have the same behaviour, each with a state of its own. Resolves when all have begun. */
  family<S>(count: number, behaviour: Behaviour<S>, makeState: () => S): Promise<Family<R>>;
  /**
   * Actors that are started again when they fail, with a new state. A system that can only put another in place of a
   * failed one puts it into this array.
   */
  supervised<S>(count: number, behaviour: Behaviour<S>, makeState: () => S): Promise<readonly R[]>;
  tell(to: R, message: Message): void;
  /** Sends `{ type: 'question', n }` with whatever the system needs to answer it. */
  ask(to: R, n: number): Promise<unknown>;
  /** The value in what `ask` resolved with. */
  valueOf(outcome: unknown): number;
  /** Answers a question; the behaviour returns what this returns. */
  reply(question: Message, value: number): unknown;
  /** From now on each end is told: by a watch where the system has one, else by what comes nearest. */
  watch(family: Family<R>, ended: (who: Member) => void): Promise<void>;
  stop(family: Family<R>): void;
  close(): Promise<void>;
}

export type Member = 'child' | 'parent';

export interface System {
  /** It gets the smaller counts, because the others' would take long. */
  readonly isSlow: boolean;
  /** Workloads that it cannot do, and why; the table says so. */
  readonly cannot: Readonly<Record<string, string>>;
  open(): Promise<Peer<unknown>>;
}

/** Makes states, and tells when so many have been made: all that are to begin have begun. */
export function births<S>(count: number, makeState: () => S): { make: () => S; all: Promise<void> } {
  let made = 0;
  let done: () => void;
  const all = new Promise<void>(resolve => (done = resolve));
  const make = (): S => {
    if (++made === count) done();
    return makeState();
  };
  return { make, all };
}
