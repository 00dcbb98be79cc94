/** What came of a soak: its figures, and what should never have happened. */
import type { BuildsSeen } from './builds.js';
import type { EventLosses } from './events.js';
import type { Sample } from './measure.js';
import type { SoakWish } from './wish.js';

export interface Lives {
  readonly kills: number;
  readonly databaseRestarts: number;
  /** From the start of each daemon until it said that it is ready. */
  readonly startsMs: readonly number[];
  /** Daemons that ended by themselves. */
  readonly deaths: readonly string[];
  /** What actors failed with, each once. */
  readonly failures: readonly string[];
}

/** What was in the world when everything had come to rest. */
export interface Rest {
  /** Null: it did not come to rest. */
  readonly afterSeconds: number | null;
  /** What kept it from that. */
  readonly unrest: string;
  readonly rows: number;
  readonly subnodeRows: number;
  readonly servers: number;
  readonly slaves: number;
  readonly imageRows: number;
  readonly images: number;
  /** Servers, slaves, images, addresses and key pairs without a row, and rows without a server, slave or image. */
  readonly strays: readonly string[];
}

export interface Tally {
  readonly finishedJobs: number;
  readonly secondJobs: number;
  /** Of each job whose machine went, what the log says of its node. */
  readonly lostJobs: readonly string[];
  readonly created: number;
  readonly calls: number;
  readonly events: EventLosses;
  readonly builds: BuildsSeen;
  /** By provider, and what it may have. */
  readonly peaks: readonly { readonly provider: string; readonly servers: number; readonly max: number }[];
}

export interface SoakReport {
  readonly wish: SoakWish;
  readonly lives: Lives;
  readonly rest: Rest;
  readonly tally: Tally;
  readonly samples: readonly Sample[];
}

/** Of a life that is too short for it nothing can be said of its memory. */
const samplesMin = 60;
/** A heap that is swept when it likes, and the history that grows for six hours. */
const growthMax = 1.3;
const growthMb = 24;

const settledMs = 5_000;

/** What should never have happened; empty: all is well. */
export function broken({ wish, lives, rest, tally, samples }: SoakReport): string[] {
  const { heap, resident } = memory(samples);
  // Until then the server may still be closing those of the daemon that was killed.
  const settled = samples.filter(({ ageMs }) => ageMs >= settledMs);
  const connections = most(settled.map(each => each.connections));
  return [
    ...lives.deaths.map(death => `a daemon ended by itself: ${death}`),
    ...lives.failures.map(failure => `an actor failed: ${failure}`),
    ...(tally.secondJobs > 0 ? [`${tally.secondJobs} machines had a second job`] : []),
    ...tally.lostJobs.map(story => `a job lost its machine: ${story}`),
    ...tally.peaks
      .filter(({ servers, max }) => servers > max)
      .map(({ provider, servers, max }) => `${provider} had ${servers} servers, ${max} are allowed`),
    ...(tally.builds.ready === 0 ? ['no image was ever ready'] : []),
    ...(rest.afterSeconds === null ? [`it did not come to rest: ${rest.unrest}`] : []),
    ...rest.strays,
    ...(connections > wish.connections
      ? [`${connections} connections were open, ${wish.connections} are allowed`]
      : []),
    ...(grew(heap) ? [`the heap grows: ${heap?.map(round).join(' to ')} MB in one life`] : []),
    ...(grew(resident) ? [`resident memory grows: ${resident?.map(round).join(' to ')} MB in one life`] : []),
  ];
}

function grew(pair: Pair | null): boolean {
  return pair !== null && pair[1] > Math.max(growthMax * pair[0], pair[0] + growthMb);
}

type Pair = readonly [number, number];

/** Early and late in the longest life: the least heap, that of after a collection, and the median of what is resident. */
export function memory(samples: readonly Sample[]): { readonly heap: Pair | null; readonly resident: Pair | null } {
  const lives = Array.from({ length: samples.at(-1)?.life ?? 0 }, (_, index) =>
    samples.filter(each => each.life === index + 1),
  );
  const [longest = []] = lives.sort((a, b) => b.length - a.length);
  if (longest.length < samplesMin) return { heap: null, resident: null };
  const quarter = Math.floor(longest.length / 4);
  const early = longest.slice(quarter, 2 * quarter);
  const late = longest.slice(3 * quarter);
  const least = (part: readonly Sample[]): number => Math.min(...part.map(each => each.heapMb ?? Infinity));
  const median = (part: readonly Sample[]): number =>
    percentile(
      part.map(each => each.residentMb),
      50,
    );
  return { heap: [least(early), least(late)], resident: [median(early), median(late)] };
}

function percentile(values: readonly (number | null)[], percent: number): number {
  const sorted = values.filter(value => value !== null).toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((percent / 100) * sorted.length))] ?? NaN;
}

function most(values: readonly (number | null)[]): number {
  return values.reduce<number>((max, value) => Math.max(max, value ?? 0), 0);
}

function round(value: number): string {
  return value.toFixed(value < 10 ? 1 : 0);
}

/** Aligned lines for people. */
export function tableOf(report: SoakReport): string {
  const { wish, lives, rest, tally, samples } = report;
  const { heap, resident } = memory(samples);
  const pair = (each: Pair | null): string => (each === null ? 'too short a life to say' : each.map(round).join(' → '));
  const lag = samples.map(each => each.lagMs);
  const rows: readonly (readonly [string, string])[] = [
    ['pool', `${wish.nodes} machines, ${wish.providers} providers, ${wish.masters} masters, ${wish.engine}`],
    ['busy', `${wish.seconds} s, ${wish.failRate * 100} % of ${tally.calls} calls failing`],
    ['trouble', `${lives.kills} times kill -9, ${lives.databaseRestarts} restarts of the database`],
    [
      'events',
      `${tally.events.lost} lost, ${tally.events.repeated} came twice; ${tally.events.silences} times a silent publisher`,
    ],
    [
      'image builds',
      `${tally.builds.begun} begun, ${tally.builds.ready} seen ready; ${tally.builds.killed} kills in the middle of one`,
    ],
    ['starts', `${round(percentile(lives.startsMs, 50))} ms in the median, ${round(most(lives.startsMs))} at most`],
    ['jobs', `${tally.finishedJobs} finished, ${tally.secondJobs} second, ${tally.lostJobs.length} killed`],
    [
      'servers',
      `${tally.created} created; ${tally.peaks.map(each => `${each.servers} of ${each.max}`).join(', ')} at most`,
    ],
    ['at rest', rest.afterSeconds === null ? 'never' : `after ${round(rest.afterSeconds)} s`],
    ['', `${rest.servers} servers, ${rest.rows} rows and ${rest.subnodeRows} of subnodes, ${rest.slaves} slaves`],
    ['', `${rest.images} images, ${rest.imageRows} rows of images`],
    ['heap, MB', pair(heap)],
    ['resident, MB', `${pair(resident)}; ${round(most(samples.map(each => each.residentMb)))} at most`],
    ['descriptors', `${most(samples.map(each => each.descriptors))} at most`],
    ['connections', `${most(samples.map(each => each.connections))} at most, ${wish.connections} allowed`],
    [
      'event loop, ms',
      `late by ${round(percentile(lag, 50))} in the median second, ${round(percentile(lag, 99))} in the worst of a hundred ` +
        `(99th percentiles); ${round(most(samples.map(each => each.lagMaxMs)))} at most`,
    ],
  ];
  const faults = broken(report);
  const verdict = faults.length === 0 ? 'every invariant holds' : faults.map(each => `BROKEN: ${each}`).join('\n');
  return `${rows.map(([name, value]) => `${name.padEnd(16)}${value}\n`).join('')}${verdict}\n`;
}
