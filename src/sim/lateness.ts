/** Whether this machine follows: how late comes what is due in this thread. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

export interface Lateness {
  /** At the 99th percentile. */
  stop(): number;
}

const everyMs = 20;

export function watchLateness(): Lateness {
  const delays = monitorEventLoopDelay({ resolution: everyMs });
  delays.enable();
  return {
    stop() {
      delays.disable();
      // It measures from one look to the next.
      return Math.max(0, delays.percentile(99) / 1e6 - everyMs);
    },
  };
}
