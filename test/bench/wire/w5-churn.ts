/**
 * W5: OpenStack's own configuration of June 2014 at 10,000 jobs an hour, in real time. `--minutes M`. The daemon is a process
 * of its own; the simulated world is in this one, of a lower priority, because in truth it is elsewhere.
 *
 * Until the images are made and the stock is there, the clouds are quick; then they are as slow as clouds were, and jobs
 * come evenly, each label as often as it has nodes in stock; but those that one cloud alone has not more often than
 * leaves a fifth of its servers free, because the queue of a cloud that is full grows for as long as one looks at it.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { readFileSync } from 'node:fs';
import { getPriority, setPriority, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { loadConfig } from '../../../src/config/load.js';
import type { TreeView } from '../../../src/ports/control.js';
import { rehearsed, tuningAt } from '../../../src/sim/rehearsal.js';
import { openStage } from '../../../src/sim/stage.js';
import { until } from '../../support/until.js';
import { percentile, report } from '../pool/figures.js';
import { instantCloud } from './pool.js';
import { cpuOf } from './process-cpu.js';

const { values } = parseArgs({
  options: { minutes: { type: 'string', default: '3' }, 'jobs-an-hour': { type: 'string', default: '10000' } },
});
const minutes = Number(values.minutes);
const jobsAnHour = Number(values['jobs-an-hour']);
const everyMs = 3_600_000 / jobsAnHour;
/** So that what is used and what is launched come to rest within the time of a short run. */
const jobMs = [30_000, 90_000] as const;
const treeEveryMs = 10_000;

const file = join(import.meta.dirname, '../../fixtures/openstack-2014-06.yaml');
const loaded = loadConfig({ file, secureFile: null, env: {}, needsDatabase: false });
if (loaded.kind === 'refused') throw new Error(JSON.stringify(loaded.problems));
const dir = await mkdtemp(join(tmpdir(), 'nodepool-churn-'));
const quiet = (): void => undefined;
const log = { debug: quiet, info: quiet, warn: quiet, error: quiet };
const real = tuningAt(1);
const stage = await openStage({
  config: await rehearsed(loaded.config, 1, dir),
  stateDir: null,
  tuning: { ...real, cloud: { ...instantCloud, snapshotMs: [100, 200] }, master: { connectMs: [100, 200] } },
  log,
  isKillable: true,
});
const { world, client, config } = stage;
const pid = daemonOf(process.pid);

const labels = config.labels.filter(({ minReady }) => minReady > 0);
const stock = labels.reduce((sum, { minReady }) => sum + minReady, 0);
await until(async () => (await client.nodes()).filter(({ state }) => state === 'ready').length >= stock, {
  withinMs: 600_000,
  everyMs: 1_000,
});
// In truth it is elsewhere.
setPriority(Math.min(19, getPriority() + 10));
for (const { settings } of world.clouds.values()) Object.assign(settings, real.cloud);
for (const { settings } of world.masters.values()) Object.assign(settings, real.master);

const cloudSeconds = (mean(real.cloud?.bootMs) + mean(real.cloud?.sshDelayMs)) / 1_000;
const mostOf = new Map(labels.map(({ name }) => [name, mostAnHour(name)]));
const waits: number[] = [];
const waitsOf = new Map<string, number[]>();
const submittedAt = new Map<string, number[]>();
world.jobs.onStarted(({ label }) => {
  const at = submittedAt.get(label)?.shift();
  if (at === undefined) return;
  waits.push(performance.now() - at);
  waitsOf.set(label, [...(waitsOf.get(label) ?? []), performance.now() - at]);
});
// What was late until here is forgotten.
await client.metrics();
const before = cpuOf(pid);
const beganAt = performance.now();
const endMs = 60_000 * minutes;
let submitted = 0;
const counts = new Map<string, number>();
let mailbox = 0;
let highWater = 0;
let peakNodes = 0;
let nextTreeAt = treeEveryMs;
for (let now = 0; now < endMs; now = performance.now() - beganAt) {
  for (; submitted * everyMs <= now; submitted++) submit(submitted);
  if (now >= nextTreeAt) {
    nextTreeAt += treeEveryMs;
    const views = flat(await client.tree('/'));
    mailbox = Math.max(mailbox, ...views.map(view => view.mailbox));
    highWater = Math.max(highWater, ...views.map(view => view.highWater));
    peakNodes = Math.max(peakNodes, views.filter(({ kind }) => kind === 'node').length);
  }
  await delay(Math.max(1, submitted * everyMs - (performance.now() - beganAt)));
}
const seconds = (performance.now() - beganAt) / 1_000;
const cpu = cpuOf(pid);
const metrics = await client.metrics();
// Who still waits has waited at least so long.
const waiting = [...submittedAt.values()].flat().map(at => performance.now() - at);
const { secondJobs, killedJobs } = world.judge();
const p99 = percentile([...waits, ...waiting], 99);

const longest = Math.max(...[...waitsOf.values()].map(own => percentile(own, 99) ?? 0));

report(
  'W5',
  { 'jobs an hour': jobsAnHour, minutes },
  {
    'jobs submitted': submitted,
    'jobs started': waits.length,
    'job wait p50 s': (percentile([...waits, ...waiting], 50) ?? NaN) / 1_000,
    'job wait p99 s': (p99 ?? NaN) / 1_000,
    '… of the label that waits longest': longest / 1_000,
    'job wait p99 in boot times of the cloud': (p99 ?? NaN) / 1_000 / cloudSeconds,
    'most in a mailbox': mailbox,
    '… ever, images and stock included': highWater,
    'event loop p99 ms': 1_000 * metric(metrics, 'nodejs_eventloop_lag_p99_seconds'),
    'event loop worst ms': 1_000 * metric(metrics, 'nodejs_eventloop_lag_max_seconds'),
    'percent of a core, main thread': (cpu.mainMs - before.mainMs) / (10 * seconds),
    'percent of a core, workers': (cpu.otherMs - before.otherMs) / (10 * seconds),
    'nodes at most': peakNodes,
    'second jobs': secondJobs,
    'killed jobs': killedJobs,
  },
);
await stage.close();
await rm(dir, { recursive: true });

/** Weighted by the stock, and the same each time. */
function submit(n: number): void {
  let label = labelAt(n);
  for (let next = n + 1; isFull(label, n); next++) label = labelAt(next);
  counts.set(label, (counts.get(label) ?? 0) + 1);
  submittedAt.set(label, [...(submittedAt.get(label) ?? []), performance.now()]);
  const [least, most] = jobMs;
  world.jobs.submit({ job: 'demo-job', label, durationMs: least + ((n * 37_987) % (most - least)) });
}

function labelAt(n: number): string {
  let place = (n * 37) % stock;
  return labels.find(({ minReady }) => (place -= minReady) < 0)?.name ?? '';
}

function isFull(label: string, n: number): boolean {
  return (counts.get(label) ?? 0) >= (((n + 1) * everyMs) / 3_600_000) * (mostOf.get(label) ?? Infinity);
}

/** Labels of one cloud alone share four fifths of what it can carry, by their stock. */
function mostAnHour(name: string): number {
  const own = labels.find(label => label.name === name)?.providers ?? [];
  const [only] = own;
  if (only === undefined || own.length > 1) return Infinity;
  const servers = config.providers.find(provider => provider.name === only)?.maxServers ?? 0;
  const sharing = labels.filter(({ providers }) => providers.length === 1 && providers[0] === only);
  const share = sharing.reduce((sum, { minReady, subnodes }) => sum + minReady * (1 + subnodes), 0);
  const nodeSeconds = cloudSeconds + (mean(jobMs) + config.timings.deleteDelay + mean(real.cloud?.deleteMs)) / 1_000;
  const weight = labels.find(label => label.name === name)?.minReady ?? 0;
  return (0.8 * servers * weight * 3_600) / (share * nodeSeconds);
}

function flat(view: TreeView | null): readonly TreeView[] {
  return view === null ? [] : [view, ...view.children.flatMap(flat)];
}

function mean(range: readonly [number, number] | undefined): number {
  return range === undefined ? 0 : (range[0] + range[1]) / 2;
}

function metric(text: string, name: string): number {
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? NaN);
}

/** The stage starts it as a child of this process, and keeps it to itself. */
function daemonOf(parent: number): number {
  const children = readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ').map(Number);
  const daemon = children.find(child => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('staged-daemon'));
  if (daemon === undefined) throw new Error('no daemon was started');
  return daemon;
}
