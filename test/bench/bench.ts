/**
 * `npm run bench`: what the pool costs, workload by workload, each sample a process of its own with a database of its
 * own. Over a world that takes no time: all that is measured is ours, and the database's. The samples of `wire` have the
 * daemon as a process, over the simulated world.
 *
 *   --rounds N       so many samples of each, interleaved (3)
 *   --only W1,W2     only these workloads
 *   --engine E       only on postgresql, or on mariadb
 *   --large          also the sizes that take minutes
 *
 * A whole run writes its tables into docs/benchmarks.md; one that leaves something out only prints them.
 */
import { spawnSync } from 'node:child_process';
import { cpus, loadavg, totalmem } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Finding } from './pool/figures.js';
import { goals, samplesOf, type Sample } from './pool/plan.js';
import { markdown, writeBetween } from './tables.js';

const folder = import.meta.dirname;
const root = join(folder, '../..');
/** W5 takes fifteen minutes, and what comes before them. */
const longestSampleMs = 2_400_000;

const { values: flags } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    only: { type: 'string' },
    engine: { type: 'string' },
    large: { type: 'boolean', default: false },
  },
});
const rounds = Number(flags.rounds);
if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds ${flags.rounds} is not a number of rounds`);
const samples = samplesOf(flags.large).filter(isChosen);
if (samples.length === 0) throw new Error('no workload is so called; there are W1 to W8');

const loadBefore = loadavg()[0] ?? 0;
const found = new Map<string, Finding[]>();
for (let round = 1; round <= rounds; round++) {
  for (const sample of samples) {
    for (const finding of run(sample)) {
      const key = `${finding.workload} ${JSON.stringify(finding.size)}`;
      found.set(key, [...(found.get(key) ?? []), finding]);
      console.error(`${round}/${rounds} ${JSON.stringify(finding)}`);
    }
  }
}
const tables = render();
console.log(tables);
const isWhole = flags.only === undefined && flags.engine === undefined && flags.large;
if (isWhole) writeBetween(join(root, 'docs/benchmarks.md'), 'npm run bench -- --large', tables);

function isChosen({ workload, args }: Sample): boolean {
  const isNamed = flags.only === undefined || flags.only.split(',').includes(workload.split(' ')[0] ?? '');
  return isNamed && (flags.engine === undefined || !args.includes('--engine') || args.includes(flags.engine));
}

function run({ script, args }: Sample): Finding[] {
  const options = { encoding: 'utf8', timeout: longestSampleMs, cwd: root } as const;
  // The engine of the daemon.
  const flagsOfNode = ['--expose-gc', '--require', join(root, 'bin/engine.js'), '--import', 'tsx'];
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [...flagsOfNode, join(folder, 'pool', script), ...args],
    options,
  );
  if (status !== 0)
    throw new Error(`${script} ${args.join(' ')} failed: ${stderr.trim().split('\n').slice(-5).join('\n')}`);
  return stdout
    .split('\n')
    .filter(line => line.startsWith('{'))
    .map(line => JSON.parse(line) as Finding);
}

function render(): string {
  const workloads = [...new Set(samples.map(({ workload }) => workload))];
  return [conditions(), ...workloads.map(tableOf)].join('\n\n');
}

/** One row for each figure, one column for each size. */
function tableOf(workload: string): string {
  const ofIt = [...found.values()].filter(([first]) => first?.workload === workload);
  const figures = [...new Set(ofIt.flatMap(([first]) => Object.keys(first?.figures ?? {})))];
  const head = [
    workload,
    ...ofIt.map(([first]) => Object.values(first?.size ?? {}).join(', ')),
    'must',
    'the original',
  ];
  const rows = figures.map(figure => {
    const goal = goals.find(each => each.workload === workload && each.figure === figure);
    return [figure, ...ofIt.map(findings => medianOf(findings, figure)), goal?.must ?? '', goal?.original ?? ''];
  });
  return markdown(head, rows).join('\n');
}

function medianOf(findings: readonly Finding[], figure: string): string {
  const values = findings.map(({ figures }) => figures[figure] ?? null).filter(value => value !== null);
  values.sort((a, b) => a - b);
  return String(values[values.length >> 1] ?? '-');
}

function conditions(): string {
  const processor = cpus()[0]?.model.trim() ?? 'unknown processor';
  const loads = `load ${loadBefore.toFixed(1)} before and ${(loadavg()[0] ?? 0).toFixed(1)} after`;
  return [
    `${new Date().toISOString().slice(0, 10)}, Node ${process.versions.node}, ${processor}, ${cpus().length} cores,`,
    `${Math.round(totalmem() / 2 ** 30)} GiB, ${loads}. Medians of ${rounds} ${rounds === 1 ? 'round' : 'rounds'}.`,
  ].join(' ');
}
