import { Counter, Gauge, Registry, Summary } from 'prom-client';
import type { Generation } from '../../domain/statistics.js';
import type { StatsPort } from '../../ports/stats.js';
import { addProcessGauges } from './process-gauges.js';

/** Names of jobs and branches come from outside and are without number; further keys are counted together. */
const keysMax = 10_000;
const furtherKeys = 'other';

/**
 * The measurements for Prometheus: three families, told apart by the label `key`, which is the statsd key. So a key
 * with slashes or spaces needs no safe spelling, and both sinks speak of a thing by one name. Of keys that the two
 * generations have each in its own way, those of 0.3 are here: fewer, and sums that Prometheus need not make.
 */
export class MetricsRegistry implements StatsPort {
  readonly contentType: string;
  readonly #registry = new Registry();
  readonly #keys = new Set<string>();
  readonly #endGauges: () => void;
  readonly #counts = new Counter({
    name: 'nodepool_events_total',
    help: 'What happened, by statsd key',
    labelNames: ['key'],
    registers: [this.#registry],
  });
  readonly #timings = new Summary({
    name: 'nodepool_duration_seconds',
    help: 'How long things took, by statsd key',
    labelNames: ['key'],
    // Sum and count only: quantiles of each of thousands of keys would cost more than they tell.
    percentiles: [],
    registers: [this.#registry],
  });
  readonly #gauges = new Gauge({
    name: 'nodepool_state',
    help: 'How many there are now, by statsd key',
    labelNames: ['key'],
    registers: [this.#registry],
  });

  constructor() {
    this.contentType = this.#registry.contentType;
    this.#endGauges = addProcessGauges(this.#registry);
  }

  count(key: string, by = 1, of: Generation = null): void {
    if (of === 'seed') return;
    // A counter of Prometheus cannot go down.
    if (Number.isFinite(by) && by > 0) this.#counts.inc({ key: this.#keyOf(key) }, by);
  }

  timing(key: string, ms: number, of: Generation = null): void {
    if (of !== 'seed' && Number.isFinite(ms)) this.#timings.observe({ key: this.#keyOf(key) }, ms / 1000);
  }

  gauge(key: string, value: number, of: Generation = null): void {
    // Of several gauges under one name the last one would stand for all.
    if (of === 'seed' || !Number.isFinite(value) || this.#keyOf(key) === furtherKeys) return;
    this.#gauges.set({ key }, value);
  }

  /** The body of `/metrics`. */
  text(): Promise<string> {
    return this.#registry.metrics();
  }

  /** Nothing is lost on the way to memory. */
  watch(): void {
    return;
  }

  async close(): Promise<void> {
    this.#endGauges();
    this.#registry.clear();
  }

  #keyOf(key: string): string {
    if (!this.#keys.has(key)) {
      if (this.#keys.size >= keysMax) return furtherKeys;
      this.#keys.add(key);
    }
    return key;
  }
}
