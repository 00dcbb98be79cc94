import { readdirSync } from 'node:fs';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Gauge, type Registry } from 'prom-client';

/** Fine enough for what an operator would call late. */
const resolutionMs = 20;

/**
 * How the process itself is, by the names that prom-client's own metrics have. The delay of the event loop is that since
 * it was last read. Returns what ends the measuring.
 */
export function addProcessGauges(registry: Registry): () => void {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  const registers = [registry];
  new Gauge({
    name: 'nodejs_eventloop_lag_p99_seconds',
    help: 'How late the event loop is, 99th percentile since the last look',
    registers,
    collect() {
      this.set(delay.count === 0 ? 0 : lateSeconds(delay.percentile(99)));
    },
  });
  new Gauge({
    name: 'nodejs_eventloop_lag_max_seconds',
    help: 'How late the event loop was at most since the last look',
    registers,
    // Collected after the percentile, in the order of their making.
    collect() {
      this.set(delay.count === 0 ? 0 : lateSeconds(delay.max));
      delay.reset();
    },
  });
  new Gauge({
    name: 'nodejs_heap_size_used_bytes',
    help: 'Heap of the main thread in use',
    registers,
    collect() {
      this.set(process.memoryUsage().heapUsed);
    },
  });
  new Gauge({
    name: 'process_resident_memory_bytes',
    help: 'Resident memory of the process, its worker threads included',
    registers,
    collect() {
      this.set(process.memoryUsage.rss());
    },
  });
  new Gauge({
    name: 'process_open_fds',
    help: 'Open file descriptors',
    registers,
    collect() {
      const open = openDescriptors();
      if (open !== null) this.set(open);
    },
  });
  return () => void delay.disable();
}

/** The histogram holds whole intervals between two timers. */
function lateSeconds(intervalNs: number): number {
  return Math.max(0, intervalNs / 1e6 - resolutionMs) / 1000;
}

/** Null where there is no such file system, or no descriptor left to read it with. */
function openDescriptors(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}
