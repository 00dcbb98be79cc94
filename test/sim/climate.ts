/**
 * What a simulated world is like: drawn from the seed before anything happens. Most kinds of trouble are absent from most
 * worlds, because a world with all of them at once shows little of any.
 */
import type { Target } from '../../src/domain/pool-config.js';
import type { PoolWish } from '../support/pool.js';
import { snapshotImage } from '../support/pool-config.js';
import type { Dice } from './dice.js';

/** Shares of calls, unless a unit says otherwise. */
export interface Climate {
  readonly cloudFails: number;
  readonly cloudLosesReply: number;
  readonly cloudIsSlow: number;
  readonly cloudHangs: number;
  /** How old a list of servers is. */
  readonly listLagMs: number;
  readonly isPaged: boolean;
  /** Whether servers need floating addresses to be reached. */
  readonly isPrivate: boolean;
  /** Servers that go to ERROR while they boot, per step. */
  readonly serverFails: number;
  readonly ciFails: number;
  readonly ciLosesReply: number;
  readonly ciIsSlow: number;
  readonly demandFails: number;
  readonly sshFails: number;
  readonly storeFails: number;
  readonly storeLosesReply: number;
  readonly storeStalls: number;
  /** Of events. */
  readonly eventLost: number;
  readonly eventDoubled: number;
  readonly eventDelayed: number;
  /** A whole party is away for some time, per step. */
  readonly outage: number;
  /** Commands of an operator, per step. */
  readonly command: number;
  /** An actor is restarted by hand, per step. */
  readonly actorRestart: number;
  /** The daemon is stopped in good order, per step. */
  readonly gracefulStop: number;
  /** Mean count of points between two crashes; null: none. */
  readonly pointsPerCrash: number | null;
  /** Mean time between two steps. */
  readonly stepMs: number;
  /** Servers that are gone though nobody here deleted them, per step. */
  readonly serverVanishes: number;
  /** Of what runs on machines over SSH. */
  readonly scriptFails: number;
  /** Snapshots that the cloud drops, per step. */
  readonly snapshotFails: number;
  /** Commands of an operator about images, per step. */
  readonly imageCommand: number;
  /** Another configuration file, per step. */
  readonly reload: number;
  /** The database loses what it has committed last, per step. */
  readonly failover: number;
}

export function drawClimate(dice: Dice): Climate {
  const climate = drawTroubles(dice);
  // What a database has lost is known to the actors alone: where others make them anew from the rows it is lost for good.
  return climate.actorRestart + climate.storeFails > 0 ? { ...climate, failover: 0 } : climate;
}

function drawTroubles(dice: Dice): Climate {
  const share = (most: number): number => (dice.chance(0.4) ? round(most * dice.next()) : 0);
  return {
    cloudFails: share(0.3),
    cloudLosesReply: share(0.3),
    cloudIsSlow: share(0.3),
    cloudHangs: share(0.1),
    listLagMs: dice.chance(0.4) ? dice.int(0, 4_000) : 0,
    isPaged: dice.chance(0.4),
    serverFails: share(0.2),
    ciFails: share(0.3),
    ciLosesReply: share(0.3),
    ciIsSlow: share(0.3),
    demandFails: share(0.5),
    sshFails: share(0.3),
    storeFails: share(0.02),
    storeLosesReply: share(0.1),
    storeStalls: share(0.1),
    eventLost: share(0.3),
    eventDoubled: share(0.3),
    eventDelayed: share(0.3),
    outage: share(0.1),
    command: share(0.2),
    actorRestart: share(0.2),
    gracefulStop: share(0.03),
    pointsPerCrash: dice.chance(0.6) ? dice.int(50, 2_000) : null,
    stepMs: dice.pick([500, 2_000, 8_000]),
    isPrivate: dice.chance(0.3),
    serverVanishes: share(0.05),
    scriptFails: share(0.3),
    snapshotFails: share(0.2),
    imageCommand: share(0.1),
    reload: share(0.05),
    failover: share(0.05),
  };
}

function round(share: number): number {
  return Math.round(share * 1_000) / 1_000;
}

/** The kinds of trouble that there are in it, for people. */
export function describeClimate(climate: Climate): string {
  return Object.entries(climate)
    .filter(([, value]) => value !== 0 && value !== null && value !== false)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

/** The times of the configuration file, made shorter where days would pass otherwise. */
const timings = { pass: 30_000, nodeCleanup: 1_200_000, api: 60_000, serverList: 5_000, deleteDelay: 30_000 };

/** What a new node has to pass in the worlds that have such a job. */
export const testJob = 'test';

function jenkins(name: string, job: string | null): Target['jenkins'] {
  const url = `https://${name}/`;
  return { url, user: 'nodepool', apikey: 'secret', credentialsId: 'credentials', testJob: job };
}

/** A pool of one or two clouds, masters and labels, with room for what is held besides its stock; some have groups or images. */
export function drawPool(dice: Dice): PoolWish {
  const labels = ['bare', 'large'].slice(0, dice.int(1, 2)).map(name => ({ name, minReady: dice.int(1, 3) }));
  const targets = ['jenkins01', 'jenkins02'].slice(0, dice.int(1, 2)).map(name => ({ name }));
  const providers = ['alpha', 'beta'].slice(0, dice.int(1, 2)).map(name => ({
    name,
    maxServers: dice.int(10, 14),
    rateMs: dice.pick([1, 100, 1_000]),
    concurrency: {
      workers: 1,
      calls: dice.int(1, 8),
      launches: dice.int(2, 10),
      deletes: dice.int(1, 10),
      imageBuilds: 2,
    },
  }));
  const maxConnections = dice.chance(0.5) ? 5 + dice.int(1, 4) : null;
  const launchTimeoutMs = dice.pick([90_000, 600_000, 3_600_000]);
  const isTested = dice.chance(0.3);
  const subnodes = dice.chance(0.3) ? dice.int(1, 2) : 0;
  const images = dice.chance(0.3)
    ? [snapshotImage({ canaries: dice.int(0, 1), replaceOldNodes: dice.chance(0.3) })]
    : [];
  return {
    labels: labels.map((label, at) => ({
      ...label,
      ...(at === 0 && subnodes > 0 ? { subnodes, minReady: 1 } : {}),
      ...(images[0] ? { image: images[0].name } : {}),
    })),
    targets: targets.map(({ name }) => ({ name, jenkins: jenkins(name, isTested ? testJob : null) })),
    providers: providers.map(({ maxServers, ...provider }) => ({
      ...provider,
      launchTimeoutMs,
      images,
      // What is held takes more, in groups; and an image is built on one.
      maxServers: maxServers + 6 * subnodes + images.length,
    })),
    timings,
    ...(maxConnections === null ? {} : { maxConnections }),
  };
}
