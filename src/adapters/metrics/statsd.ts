import { StatsD } from 'node-statsd';
import { troubleWords } from '../../domain/trouble.js';
import type { StatsPort } from '../../ports/stats.js';

export interface StatsdOptions {
  readonly host: string;
  readonly port: number;
  /** Put before each key, with a dot between; empty for none. */
  readonly prefix: string;
}

/** A resolver that does not answer holds a packet for many seconds. */
const closeMsMax = 1000;

/**
 * Sends each measurement in a packet of its own, by UDP. Trouble on the way is not seen, as UDP has it; but a host that
 * has no address is.
 */
export function openStats({ host, port, prefix }: StatsdOptions): StatsPort {
  const client = new StatsD({ host, port, prefix: prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.` });
  // Without a listener a host name that does not resolve ends the process.
  client.socket.on('error', () => undefined);
  // Measurements keep no program alive.
  client.socket.unref();
  const underway = new Underway(`statsd at ${host}:${port}`);
  let isOpen = true;
  return {
    count(key, by = 1) {
      // The library would count 0 as 1.
      if (isOpen && by !== 0 && Number.isFinite(by)) client.increment(onOneLine(key), by, underway.begin());
    },
    timing(key, ms) {
      if (isOpen && Number.isFinite(ms)) client.timing(onOneLine(key), ms, underway.begin());
    },
    gauge(key, value) {
      if (!isOpen || !Number.isFinite(value)) return;
      // The sign of a negative value means "less by" to statsd, so that it has to start from zero.
      if (value < 0) client.gauge(onOneLine(key), 0, underway.begin());
      client.gauge(onOneLine(key), value, underway.begin());
    },
    watch: listener => underway.watch(listener),
    async close() {
      if (!isOpen) return;
      isOpen = false;
      await underway.ended(closeMsMax);
      await new Promise<void>(resolve => client.socket.once('close', resolve).close());
    },
  };
}

/** Packets whose host is still being looked up: closing the socket would throw them away. */
class Underway {
  readonly #place: string;
  #count = 0;
  #whenNone: (() => void) | null = null;
  #trouble: string | null = null;
  #listener: ((trouble: string | null) => void) | null = null;

  constructor(place: string) {
    this.#place = place;
  }

  watch(listener: (trouble: string | null) => void): void {
    this.#listener = listener;
    listener(this.#trouble);
  }

  /** The answer is to be called once the packet is sent, or cannot be. */
  begin(): (error?: Error | null) => void {
    this.#count += 1;
    return error => {
      this.#count -= 1;
      this.#note(error ? `${this.#place}: ${troubleWords(error)}` : null);
      if (this.#count === 0) this.#whenNone?.();
    };
  }

  #note(trouble: string | null): void {
    if (trouble === this.#trouble) return;
    this.#trouble = trouble;
    this.#listener?.(trouble);
  }

  async ended(msMax: number): Promise<void> {
    if (this.#count === 0) return;
    await new Promise<void>(resolve => {
      const timer = setTimeout(resolve, msMax);
      this.#whenNone = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Keys are sent as they are, dots and slashes too; what statsd reads as the end of a key cannot be in one. */
function onOneLine(key: string): string {
  return key.replace(/[:|\r\n]/g, '_');
}
