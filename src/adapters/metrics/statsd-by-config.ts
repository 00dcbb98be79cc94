import type { PoolConfig } from '../../domain/pool-config.js';
import type { Generation } from '../../domain/statistics.js';
import type { StatsPort } from '../../ports/stats.js';
import { openStats } from './statsd.js';

type Configured = Pick<PoolConfig, 'statsd'>;

/** Statsd where the configuration says, also when that changes, and with the keys of the generation that it names. */
export class StatsdByConfig implements StatsPort {
  #config: PoolConfig['statsd'];
  #open: StatsPort | null;
  #listener: (trouble: string | null) => void = () => undefined;

  constructor({ statsd }: Configured) {
    this.#config = statsd;
    this.#open = openStatsd(statsd);
  }

  follow({ statsd }: Configured): void {
    if (JSON.stringify(statsd) === JSON.stringify(this.#config)) return;
    const left = this.#open;
    this.#config = statsd;
    this.#open = openStatsd(statsd);
    this.watch(this.#listener);
    void left?.close();
  }

  watch(listener: (trouble: string | null) => void): void {
    this.#listener = listener;
    if (this.#open) this.#open.watch(listener);
    else listener(null);
  }

  count(key: string, by?: number, of: Generation = null): void {
    if (this.#wants(of)) this.#open?.count(key, by);
  }

  timing(key: string, ms: number, of: Generation = null): void {
    if (this.#wants(of)) this.#open?.timing(key, ms);
  }

  gauge(key: string, value: number, of: Generation = null): void {
    if (this.#wants(of)) this.#open?.gauge(key, value);
  }

  #wants(of: Generation): boolean {
    return of === null || this.#config.keys === 'both' || this.#config.keys === of;
  }

  async close(): Promise<void> {
    await this.#open?.close();
  }
}

function openStatsd({ host, port, prefix }: PoolConfig['statsd']): StatsPort | null {
  return host === null ? null : openStats({ host, port, prefix });
}
