/** The workloads' counts, the figures that come of them, and what is asked of ours. */

export interface Figure {
  readonly key: string;
  readonly title: string;
  readonly unit: string;
  /** `ring-micro`: the ratio to it counts, and more is better. `more`, `less`: the figure itself counts. */
  readonly by: 'ring-micro' | 'more' | 'less';
  readonly must: number;
  readonly great: number;
}

export interface Measured {
  readonly workload: string;
  readonly count: number;
  readonly slowCount: number;
  /** Counts are rounded to a multiple of this: whole batches, whole rounds. */
  readonly multipleOf: number;
  /** Runs of a sample, the median of which counts; only one where a worst delay is looked for. */
  readonly runs: number;
  readonly figures: readonly Figure[];
}

const rate = (title: string, must: number, great: number): Figure => ({
  key: 'rate',
  title,
  unit: '/s',
  by: 'ring-micro',
  must,
  great,
});

const delay = (key: string, title: string, must: number, great: number): Figure => ({
  key,
  title,
  unit: ' ms',
  by: 'less',
  must,
  great,
});

export const catalogue: readonly Measured[] = [
  {
    workload: 'stream',
    count: 1_000_000,
    slowCount: 100_000,
    multipleOf: 100,
    runs: 5,
    figures: [rate('stream', 0.45, 0.7)],
  },
  {
    workload: 'tell',
    count: 1_000_000,
    slowCount: 100_000,
    multipleOf: 1,
    runs: 5,
    figures: [rate('tell, 1e6 deep', 0.65, 0.8)],
  },
  {
    workload: 'ping-pong',
    count: 200_000,
    slowCount: 50_000,
    multipleOf: 1,
    runs: 5,
    figures: [rate('ping-pong, trips', 0.35, 0.6)],
  },
  {
    workload: 'ring',
    count: 100_000,
    slowCount: 100_000,
    multipleOf: 1_000,
    runs: 5,
    figures: [rate('ring of 1,000, hops', 0.8, 1.2)],
  },
  {
    workload: 'ask',
    count: 100_000,
    slowCount: 20_000,
    multipleOf: 1,
    runs: 5,
    figures: [rate('ask, one by one, with timeout', 0.3, 0.5)],
  },
  {
    workload: 'ask-many',
    count: 10_000,
    slowCount: 10_000,
    multipleOf: 10_000,
    runs: 5,
    figures: [rate('ask, 1e4 at once', 0.5, 0.7)],
  },
  {
    workload: 'spawn',
    count: 100_000,
    slowCount: 10_000,
    multipleOf: 1,
    runs: 5,
    figures: [rate('spawn 100k', 0.4, 0.55)],
  },
  {
    workload: 'heap',
    count: 100_000,
    slowCount: 10_000,
    multipleOf: 1,
    runs: 1,
    figures: [{ key: 'bytes', title: 'heap of an idle actor', unit: ' B', by: 'less', must: 320, great: 200 }],
  },
  {
    workload: 'stop',
    count: 100_000,
    slowCount: 2_000,
    multipleOf: 1,
    runs: 5,
    figures: [{ key: 'rate', title: 'stop 100k, watched', unit: '/s', by: 'more', must: 1_000_000, great: 4_000_000 }],
  },
  {
    workload: 'crash',
    count: 20_000,
    slowCount: 5_000,
    multipleOf: 100,
    runs: 5,
    figures: [{ key: 'rate', title: 'crash and restart', unit: '/s', by: 'more', must: 40_000, great: 100_000 }],
  },
  {
    workload: 'flood',
    count: 1_000_000,
    slowCount: 100_000,
    multipleOf: 10_000,
    runs: 1,
    figures: [
      rate('flood', 0.4, 0.6),
      delay('timerMs', 'flood: worst delay of a 1 ms timer', 12, 6),
      delay('otherMs', 'flood: worst delay of another actor', 10, 4),
    ],
  },
  {
    workload: 'ask-loop',
    count: 200_000,
    slowCount: 20_000,
    multipleOf: 1,
    runs: 1,
    figures: [rate('ask loop under a timer', 0.25, 0.5), delay('timerMs', 'ask loop: worst delay of the timer', 8, 4)],
  },
  {
    workload: 'parent',
    count: 1_000_000,
    slowCount: 20_000,
    multipleOf: 100,
    runs: 1,
    figures: [
      { key: 'ratio', title: 'parent of 1,000 against childless', unit: ' ×', by: 'more', must: 0.9, great: 0.98 },
    ],
  },
];

export const systems = ['ring-micro', 'ours', 'nact', 'xstate', 'comedy'] as const;
export type SystemName = (typeof systems)[number];
