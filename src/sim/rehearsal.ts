/**
 * A rehearsal: some jobs on a staged pool, with a named fault in their middle, and what came of it in figures. The world
 * and the waits of the configuration run `speed` times as fast; the report is in the time of the pool.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { quantile } from '../domain/history.js';
import type { PoolConfig, Timings } from '../domain/pool-config.js';
import { findLeaks, type NamedRow } from './audit.js';
import { watchLateness } from './lateness.js';
import type { FaultName } from './rehearsal-faults.js';
import { rehearsalFaults } from './rehearsal-faults.js';
import type { Stage } from './stage.js';
import type { WorldTuning } from './world-for.js';

export interface RehearsalReport {
  readonly speed: number;
  readonly fault: FaultName | null;
  readonly jobs: number;
  /** From its submission to its start on a node. Null: none started. */
  readonly jobWaitP50Seconds: number | null;
  readonly jobWaitP99Seconds: number | null;
  /** Hours that nodes were ready and had no job, all together. */
  readonly idleNodeHours: number;
  readonly nodesLaunched: number;
  readonly nodesDeleted: number;
  readonly launchFailures: number;
  /** Of the daemon, each followed by a new life. */
  readonly kills: number;
  readonly peakServers: Readonly<Record<string, number>>;
  /** Database connections lent at once. */
  readonly peakConnections: number;
  readonly leakedServers: number;
  readonly leakedSlaves: number;
  readonly secondJobs: number;
  /** So late, of the pool's time, came what was due in this process (99 %): waits cannot be told any closer. */
  readonly lateP99Seconds: number;
  readonly seconds: number;
  readonly isFinished: boolean;
}

/** How it went, in the time of the pool. */
export interface Course {
  readonly samples: readonly Sample[];
  /** Seconds that each job waited that has started. */
  readonly waits: readonly number[];
  /** Seconds from the start. */
  readonly fault: { readonly name: FaultName; readonly from: number; readonly until: number } | null;
}

export interface Sample {
  /** Seconds from the start. */
  readonly at: number;
  /** By state. */
  readonly nodes: Readonly<Record<string, number>>;
  /** By provider. */
  readonly servers: Readonly<Record<string, number>>;
  readonly waiting: number;
  readonly running: number;
  readonly finished: number;
  readonly connections: number;
}

export interface RehearsalWish {
  readonly labels: readonly string[];
  readonly jobs: number;
  readonly speed: number;
  readonly fault: FaultName | null;
  /** Of real time. */
  readonly timeoutMs: number;
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** Of the pool's time: boots and jobs take ten times as long and more. */
const lateMaxSeconds = 5;

/** The speed that this machine can follow better; null: it followed. */
export function betterSpeed({ speed, lateP99Seconds }: RehearsalReport): number | null {
  if (lateP99Seconds <= lateMaxSeconds) return null;
  const better = (speed * lateMaxSeconds) / lateP99Seconds;
  return better >= 2 ? Math.floor(better) : Math.max(0.1, Math.floor(better * 10) / 10);
}

const lookMs = 250;
/** A chart has no more places. */
const samplesMax = 2_000;
/** Of the pool's time: a job of two to ten minutes. */
const jobMs = [120_000, 600_000] as const;

/** A cloud and a master as production has them, so many times as fast. */
export function tuningAt(speed: number): WorldTuning {
  const range = (least: number, most: number): [number, number] => [
    Math.round(least / speed),
    Math.round(most / speed),
  ];
  return {
    cloud: {
      bootMs: range(30_000, 90_000),
      sshDelayMs: range(5_000, 20_000),
      deleteMs: range(5_000, 30_000),
      snapshotMs: range(60_000, 180_000),
      callMs: range(100, 500),
    },
    master: { connectMs: range(2_000, 10_000), callMs: range(50, 300) },
    // Whom a build tries first: nobody waits for logins that fail, which take as long at any speed.
    usernames: ['root'],
  };
}

/** Timings that follow the world; deadlines of calls stay as they are, because this machine is no faster. */
const scaledTimings = [
  'pass',
  'deleteDelay',
  'nodeCleanup',
  'testCleanup',
  'imageCleanup',
  'serverList',
  'poll',
] as const satisfies readonly (keyof Timings)[];

/** The same pool, its waits so many times as short, its scripts stand-ins, its disk images made in the cloud. */
export async function rehearsed(config: PoolConfig, speed: number, dir: string): Promise<PoolConfig> {
  const scriptDir = join(dir, 'scripts');
  await mkdir(scriptDir, { recursive: true });
  const setups = config.providers.flatMap(({ images }) => images.flatMap(({ setup }) => setup ?? []));
  const scripts = [...setups, ...config.labels.flatMap(({ readyScript }) => readyScript ?? [])];
  for (const script of new Set(scripts.map(each => each.split(' ')[0] ?? each))) {
    const file = join(scriptDir, script.replaceAll('..', ''));
    await mkdir(join(file, '..'), { recursive: true });
    await writeFile(file, '#!/bin/sh\n', { mode: 0o755 });
  }
  return {
    ...config,
    scriptDir,
    diskimages: [],
    timings: { ...config.timings, ...Object.fromEntries(scaledTimings.map(key => [key, config.timings[key] / speed])) },
    providers: config.providers.map(provider => ({
      ...provider,
      rateMs: provider.rateMs / speed,
      images: provider.images.map(image => ({
        ...image,
        diskimage: null,
        baseImage: image.baseImage ?? `base of ${image.name}`,
      })),
    })),
    targets: config.targets.map(target => ({ ...target, rateMs: target.rateMs / speed })),
  };
}

export async function rehearse(
  stage: Stage,
  wish: RehearsalWish,
): Promise<{ readonly report: RehearsalReport; readonly course: Course }> {
  const { world, client, config } = stage;
  const { speed, now, labels } = wish;
  const startedAt = now();
  const lateness = watchLateness();
  const counts = { 'node.ready': 0, 'node.deleted': 0, 'node.launch-failed': 0 };
  const following = new AbortController();
  const follow = (async () => {
    const again = (): Promise<boolean> => wish.sleep(lookMs).then(() => true);
    for await (const { type } of client.resumedEvents(following.signal, again))
      if (type in counts) counts[type as keyof typeof counts]++;
  })();
  const peaks = new Map(config.providers.map(({ name }) => [name, 0]));
  let peakConnections = 0;
  let idleMs = 0;
  let lookedAt = startedAt;
  const samples: Sample[] = [];
  const look = async (): Promise<void> => {
    const sample = await sampleOf(stage, poolSeconds(now() - startedAt, speed) ?? 0);
    for (const [name, count] of Object.entries(sample.servers)) peaks.set(name, Math.max(peaks.get(name) ?? 0, count));
    peakConnections = Math.max(peakConnections, sample.connections);
    // A machine that is busy looks less often.
    idleMs += (now() - lookedAt) * (sample.nodes['ready'] ?? 0);
    lookedAt = now();
    samples.push(sample);
    // Every other one says the same more coarsely.
    if (samples.length > samplesMax)
      samples.splice(0, samples.length, ...samples.filter((_, index) => index % 2 === 0));
  };
  const waits = submitJobs(stage, wish);
  const fault = wish.fault === null ? null : rehearsalFaults[wish.fault];
  let undo: (() => Promise<void>) | null = null;
  const faultMs = { from: 0, until: 0 };
  let isFaultOver = fault === null;
  const deadline = startedAt + wish.timeoutMs;
  while (world.jobs.finished() < wish.jobs || !isFaultOver) {
    if (wish.signal.aborted || now() > deadline) break;
    const done = world.jobs.finished() / wish.jobs;
    if (fault !== null && undo === null && done >= 0.25) {
      wish.say(`fault: ${fault.description}`);
      faultMs.from = now() - startedAt;
      undo = await fault.begin(stage);
      faultMs.until = now() - startedAt;
    }
    // Where nothing goes on with the fault, it ends all the same.
    if (
      undo !== null &&
      !isFaultOver &&
      now() - startedAt > Math.min(wish.timeoutMs / 2, (fault?.lastsMs ?? 0) / speed)
    ) {
      isFaultOver = true;
      await undo();
      faultMs.until = now() - startedAt;
      wish.say('the fault is over');
    }
    await look();
    await wish.sleep(lookMs);
  }
  if (undo !== null && !isFaultOver) await undo();
  await look();
  const lateMs = lateness.stop();
  const leaks = await findLeaks(world, () => rowsOf(client));
  following.abort();
  await follow;
  const waited = [...waits].sort((a, b) => a - b);
  const seconds = (ms: number): number => poolSeconds(ms, speed) ?? 0;
  const course: Course = {
    samples,
    waits: waited.map(seconds),
    fault:
      wish.fault === null || undo === null
        ? null
        : { name: wish.fault, from: seconds(faultMs.from), until: seconds(faultMs.until) },
  };
  const report: RehearsalReport = {
    speed,
    fault: wish.fault,
    jobs: world.jobs.finished(),
    jobWaitP50Seconds: poolSeconds(quantile(waited, 0.5), speed),
    jobWaitP99Seconds: poolSeconds(quantile(waited, 0.99), speed),
    idleNodeHours: Math.round((idleMs * speed) / 36_000) / 100,
    nodesLaunched: counts['node.ready'],
    nodesDeleted: counts['node.deleted'],
    launchFailures: counts['node.launch-failed'],
    kills: stage.kills(),
    peakServers: Object.fromEntries(peaks),
    peakConnections,
    leakedServers: leaks.servers.length,
    leakedSlaves: leaks.slaves.length,
    secondJobs: world.judge().secondJobs,
    lateP99Seconds: seconds(lateMs),
    seconds: Math.round((now() - startedAt) / 100) / 10,
    isFinished: world.jobs.finished() >= wish.jobs && labels.length > 0,
  };
  return { report, course };
}

/** Servers belong to nodes, to their subnodes, and to images that are built. */
async function rowsOf(client: Stage['client']): Promise<readonly NamedRow[]> {
  const [nodes, images] = await Promise.all([client.nodes(), client.images()]);
  return [...nodes, ...nodes.flatMap(({ subnodes }) => subnodes), ...images];
}

async function sampleOf({ world, client }: Stage, at: number): Promise<Sample> {
  const store = await client.tree('/store');
  const nodes: Record<string, number> = {};
  for (const { state } of await client.nodes()) nodes[state] = (nodes[state] ?? 0) + 1;
  return {
    at,
    nodes,
    servers: Object.fromEntries([...world.clouds].map(([name, cloud]) => [name, cloud.servers().length])),
    waiting: world.jobs.queued(),
    running: world.jobs.running(),
    finished: world.jobs.finished(),
    connections: Number(/(\d+) lent/.exec(store?.state ?? '')?.[1] ?? 0),
  };
}

/** All at once, each label in its turn; how long each waited for its node, in real milliseconds. */
function submitJobs({ world }: Stage, { labels, jobs, speed, now }: RehearsalWish): readonly number[] {
  const [least, most] = jobMs;
  const submittedAt = now();
  const waits: number[] = [];
  world.jobs.onStarted(() => void waits.push(now() - submittedAt));
  for (let n = 0; n < jobs; n++) {
    const label = labels[n % labels.length];
    // Spread, and the same each time: a rehearsal is to be compared with the next one.
    const durationMs = Math.round((least + ((n * 37_987) % (most - least))) / speed);
    if (label !== undefined) world.jobs.submit({ job: 'demo-job', label, durationMs });
  }
  return waits;
}

function poolSeconds(ms: number | null, speed: number): number | null {
  return ms === null ? null : Math.round((ms * speed) / 100) / 10;
}
