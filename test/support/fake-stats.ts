import type { StatsPort } from '../../src/ports/stats.js';

/** Remembers everything it was told, until it is closed. */
export class FakeStats implements StatsPort {
  readonly counts = new Map<string, number>();
  readonly timings = new Map<string, number[]>();
  /** The last value of each. */
  readonly gauges = new Map<string, number>();
  isClosed = false;

  /** Says what becomes of the measurements. */
  trouble: (what: string | null) => void = () => undefined;

  watch(listener: (trouble: string | null) => void): void {
    this.trouble = listener;
    listener(null);
  }

  count(key: string, by = 1): void {
    if (!this.isClosed) this.counts.set(key, (this.counts.get(key) ?? 0) + by);
  }

  timing(key: string, ms: number): void {
    if (!this.isClosed) this.timings.set(key, [...(this.timings.get(key) ?? []), ms]);
  }

  gauge(key: string, value: number): void {
    if (!this.isClosed) this.gauges.set(key, value);
  }

  async close(): Promise<void> {
    this.isClosed = true;
  }
}
