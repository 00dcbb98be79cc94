/**
 * `npm run bench:runtime`: the actor runtime against a bare baseline and against the actor libraries of npm.
 *
 *   --rounds N       so many samples of each, interleaved (5)
 *   --only A,B       only these workloads, or only these systems (with ring-micro, the measure)
 *   --quick          one round with a fifth of the messages: to see whether something has changed
 *   --profile NAME   no table, but where the time of ours goes in this workload
 *
 * A whole run writes its table into docs/benchmarks.md; one that leaves something out only prints it.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { catalogue, systems, type Measured, type SystemName } from './catalogue.js';
import { sharesOf } from './profile.js';
import { runSample, type Outcome } from './run.js';
import { writeBetween } from '../tables.js';
import { render, type Samples } from './table.js';

const folder = import.meta.dirname;
const root = join(folder, '../../..');
const quickShare = 0.2;
const profiledFunctions = 25;

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    profile: { type: 'string' },
  },
});
const chosen = choose(flags.only);

install();
compile();
if (flags.profile === undefined) await measure();
else await profile(flags.profile);

async function measure(): Promise<void> {
  const rounds = flags.quick ? 1 : Number(flags.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${flags.rounds} is not a number of rounds`);
  const samples: Samples = new Map();
  const loadBefore = loadavg()[0] ?? 0;
  for (let round = 1; round <= rounds; round++) {
    for (const measured of chosen.workloads) {
      for (const system of chosen.systems) {
        const outcome = runSample(folder, system, measured.workload, flags.quick ? quickShare : 1);
        note(samples, measured, system, outcome);
        console.error(`${round}/${rounds} ${measured.workload} ${system}: ${JSON.stringify(outcome)}`);
      }
    }
  }
  const table = render(chosen.workloads, chosen.systems, samples, conditions(rounds, loadBefore));
  console.log(table);
  const isWhole = !flags.quick && flags.only === undefined;
  if (isWhole) writeBetween(join(root, 'docs/benchmarks.md'), 'npm run bench:runtime', table);
  if (failuresOfOurs(samples) > 0) process.exitCode = 1;
}

function note(samples: Samples, measured: Measured, system: SystemName, outcome: Outcome): void {
  const key = `${measured.workload} ${system}` as const;
  const outcomes = samples.get(key) ?? [];
  outcomes.push(outcome);
  samples.set(key, outcomes);
}

function failuresOfOurs(samples: Samples): number {
  let failures = 0;
  for (const [key, outcomes] of samples) {
    if (key.endsWith(' ours')) failures += outcomes.filter(outcome => 'failed' in outcome).length;
  }
  return failures;
}

async function profile(workload: string): Promise<void> {
  const into = await mkdtemp(join(tmpdir(), 'bench-runtime-'));
  try {
    const outcome = runSample(folder, 'ours', workload, 1, [
      '--cpu-prof',
      '--cpu-prof-interval=200',
      `--cpu-prof-dir=${into}`,
    ]);
    console.log(JSON.stringify(outcome));
    const [file] = await readdir(into);
    if (file === undefined) throw new Error('no profile was written');
    for (const { name, percent } of sharesOf(join(into, file)).slice(0, profiledFunctions)) {
      console.log(`${percent.toFixed(1).padStart(5)} %  ${name}`);
    }
  } finally {
    await rm(into, { recursive: true });
  }
}

function choose(only: string | undefined): { workloads: readonly Measured[]; systems: readonly SystemName[] } {
  const names = only?.split(',') ?? [];
  const workloads = catalogue.filter(each => names.includes(each.workload));
  const known = systems.filter(each => names.includes(each));
  if (workloads.length + known.length < names.length) {
    const all = [...catalogue.map(each => each.workload), ...systems];
    throw new Error(`--only knows ${all.join(', ')}; not all of ${names.join(', ')} are among them`);
  }
  return {
    workloads: workloads.length > 0 ? workloads : catalogue,
    systems: known.length > 0 ? systems.filter(each => each === 'ring-micro' || known.includes(each)) : systems,
  };
}

/** The others are dependencies of this folder alone, installed when a run needs them. */
function install(): void {
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const isInstalled = ([name, version]: [string, string]): boolean => {
    const file = join(folder, 'node_modules', name, 'package.json');
    return existsSync(file) && (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version === version;
  };
  const needed = Object.entries(dependencies).filter(([name]) => chosen.systems.some(each => each === name));
  if (flags.profile !== undefined || needed.every(isInstalled)) return;
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: folder, stdio: 'inherit' });
}

/** To JavaScript as it ships: what runs TypeScript directly names each closure when it is made, which costs. */
function compile(): void {
  execFileSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', folder], { stdio: 'inherit' });
}

function conditions(rounds: number, loadBefore: number): string {
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const processor = cpus()[0]?.model.trim() ?? 'unknown processor';
  const versions = Object.entries(dependencies).map(([name, version]) => `${name} ${version}`);
  return [
    `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${processor}, ${cpus().length} cores,`,
    `${Math.round(totalmem() / 2 ** 30)} GiB, load ${loadBefore.toFixed(1)} before and ${(loadavg()[0] ?? 0).toFixed(1)} after;`,
    `${versions.join(', ')}. Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}; ratios are medians of the rounds' own.`,
  ].join(' ');
}
