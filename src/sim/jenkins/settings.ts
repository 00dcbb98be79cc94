import type { Range } from '../chance.js';

/** `old` is a master of 2014 (1.565), `new` a current one (2.568). */
export type Profile = 'old' | 'new';

export interface MasterOptions {
  readonly name: string;
  readonly profile?: Profile;
  /** From the creation of a node to its connection, if its machine answers. */
  readonly connectMs?: Range;
  /** Latency of every call. */
  readonly callMs?: Range;
  /** Pause before a failed connection is tried again. */
  readonly relaunchMs?: number;
  /** From the loss of a node's machine to the death of its build. */
  readonly dyingMs?: Range;
  /** How the builds turn out that are started over HTTP, such as a test job. */
  readonly restBuilds?: { readonly durationMs: number; readonly result: string };
  /** Whether every POST needs a crumb, API tokens or not: a setting of old masters only. */
  readonly needsCrumb?: boolean;
}

/** What may be changed while the world runs. */
export interface MasterSettings {
  connectMs: Range;
  callMs: Range;
  relaunchMs: number;
  dyingMs: Range;
  restBuilds: { durationMs: number; result: string };
}

export function masterSettings(options: MasterOptions): MasterSettings {
  return {
    connectMs: options.connectMs ?? [10, 40],
    callMs: options.callMs ?? [0, 0],
    // Jenkins looks at its unconnected nodes by the minute.
    relaunchMs: options.relaunchMs ?? 60_000,
    dyingMs: options.dyingMs ?? [5, 20],
    restBuilds: options.restBuilds ?? { durationMs: 50, result: 'SUCCESS' },
  };
}
