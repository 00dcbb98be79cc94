/** Faults that a rehearsal may have in its middle, by name. Each begins, lasts for a while, and is undone. */
import type { Stage } from './stage.js';

export interface RehearsalFault {
  readonly description: string;
  /** Of the pool's time, from the start of the rehearsal. */
  readonly lastsMs: number;
  begin(stage: Stage): Promise<() => Promise<void>>;
}

export const faultNames = ['cloud-down', 'slow-cloud', 'jenkins-down', 'lost-events', 'quota-cut', 'kill-9'] as const;
export type FaultName = (typeof faultNames)[number];

const lastsMs = 900_000;

export const rehearsalFaults: Readonly<Record<FaultName, RehearsalFault>> = {
  'cloud-down': {
    description: 'the first cloud does not answer',
    lastsMs,
    async begin({ world }) {
      const [cloud] = world.clouds.values();
      await cloud?.down();
      return async () => void (await cloud?.up());
    },
  },
  'slow-cloud': {
    description: 'every cloud boots five times as slowly',
    lastsMs,
    async begin({ world }) {
      const before = [...world.clouds.values()].map(({ settings }) => [settings, settings.bootMs] as const);
      for (const [settings, range] of before) {
        const [least, most] = typeof range === 'number' ? [range, range] : range;
        settings.bootMs = [5 * least, 5 * most];
      }
      return async () => {
        for (const [settings, bootMs] of before) settings.bootMs = bootMs;
      };
    },
  },
  'jenkins-down': {
    description: 'the first master does not answer, and its publisher is silent',
    lastsMs,
    async begin({ world }) {
      const [master] = world.masters.values();
      await master?.down();
      return async () => void (await master?.up());
    },
  },
  'lost-events': {
    description: 'the first publisher is gone, the master goes on',
    lastsMs,
    async begin({ world }) {
      const [master] = world.masters.values();
      await master?.publisher.stop();
      return async () => void (await master?.publisher.start());
    },
  },
  'quota-cut': {
    description: 'every cloud halves its quota',
    lastsMs,
    async begin({ world }) {
      const before = [...world.clouds.values()].map(({ settings }) => [settings, settings.maxServers] as const);
      for (const [settings, max] of before) settings.maxServers = Math.floor(max / 2);
      return async () => {
        for (const [settings, max] of before) settings.maxServers = max;
      };
    },
  },
  'kill-9': {
    description: 'the daemon is killed, and started again',
    lastsMs: 0,
    async begin({ kill }) {
      await kill?.();
      return () => Promise.resolve();
    },
  },
};
