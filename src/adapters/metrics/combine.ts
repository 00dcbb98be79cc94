import type { StatsPort } from '../../ports/stats.js';

/** Both get every measurement. */
export function combineStats(first: StatsPort, second: StatsPort): StatsPort {
  return {
    count(key, by, of) {
      first.count(key, by, of);
      second.count(key, by, of);
    },
    timing(key, ms, of) {
      first.timing(key, ms, of);
      second.timing(key, ms, of);
    },
    gauge(key, value, of) {
      first.gauge(key, value, of);
      second.gauge(key, value, of);
    },
    watch(listener) {
      first.watch(listener);
      second.watch(listener);
    },
    async close() {
      await Promise.all([first.close(), second.close()]);
    },
  };
}
