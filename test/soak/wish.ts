/** What a soak is told: sizes and times. */
import type { Engine } from '../support/database-observer.js';

export type { Engine };

export interface SoakWish {
  /** How long the pool is busy and in trouble; afterwards it comes to rest. */
  readonly seconds: number;
  /** Machines at once, in all providers together. */
  readonly nodes: number;
  readonly providers: number;
  readonly masters: number;
  /** How many calls to clouds and masters go wrong, events are lost or come twice, and setups of images fail, of one. */
  readonly failRate: number;
  /** `kill -9` every so many seconds, in the first three quarters; the last quarter is one life. */
  readonly killEverySeconds: number;
  readonly databaseRestarts: number;
  /** One publisher after the other is silent for some seconds, so often. 0: never. */
  readonly silenceEverySeconds: number;
  /** An image is built anew about so often, in two clouds. */
  readonly buildEverySeconds: number;
  readonly engine: Engine;
  /** Jobs last half as long to one and a half times as long. */
  readonly jobSeconds: number;
  /** Connections to the database, all together. */
  readonly connections: number;
  /** How long it may take to come to rest. */
  readonly restSeconds: number;
  readonly seed: number;
  /** Takes a line when something happens. */
  readonly say: (line: string) => void;
}
