/** The world outside, for whoever looks at it once without a daemon. `main.ts` makes the real one, tests make another. */
import type { OpenCi } from './ci.js';
import type { OpenCloud } from './cloud.js';
import type { DemandSource } from './demand.js';
import type { EventSource } from './events.js';

export interface OutsideWorld {
  readonly openCloud: OpenCloud;
  readonly openCi: OpenCi;
  readonly demand: DemandSource;
  readonly events: EventSource;
  close(): Promise<void>;
}
