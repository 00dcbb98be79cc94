/**
 * `nodepool rehearse -c FILE`: any configuration on a simulated world that speaks the real protocols. Endpoints and the
 * database are replaced, everything else is the file's; some jobs are run, and what came of them is told in figures.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { Option, type Command } from 'commander';
import { faultNames, type FaultName } from '../sim/rehearsal-faults.js';
import type { RehearsalReport } from '../sim/rehearsal.js';
import type { Stage } from '../sim/stage.js';
import type { CliCommand } from './command.js';
import { readConfig } from './configuration.js';
import type { CliSession } from './context.js';
import { positive } from './demo.js';
import { exitCodes } from './exit-codes.js';
import { CliFailure } from './failure.js';
import { printData } from './listing.js';
import { openLog } from './logging/log.js';
import { globalOptions, type GlobalOptions } from './options.js';
import { plainText } from './plain-text.js';

interface RehearseOptions {
  readonly jobs: number;
  readonly speed: number;
  readonly fault?: FaultName;
  readonly html?: string;
  readonly timeout: number;
}

const settleMs = 500;

export const rehearseCommand: CliCommand = {
  name: 'rehearse',
  register(program, session) {
    program
      .command('rehearse')
      .description(
        'run the configuration (-c FILE) on a simulated world, with jobs and a fault, and report what came of it',
      )
      .addOption(new Option('--jobs <n>', 'so many jobs, spread over the labels').argParser(positive).default(50))
      .addOption(
        new Option('--speed <n>', 'the world and all waits so many times as fast').argParser(positive).default(10),
      )
      .addOption(new Option('--fault <name>', 'what goes wrong in the middle').choices(faultNames))
      .addOption(new Option('--timeout <seconds>', 'give up after this time').argParser(positive).default(600))
      .option('--html <file>', 'write the report as one page with charts, too')
      .option('--exit', 'end when the jobs are done, as it does anyway; for scripts that were written for demo')
      .action(async (given: RehearseOptions, command: Command) => {
        await runRehearsal(session, given, globalOptions(command));
      });
  },
};

async function runRehearsal(session: CliSession, given: RehearseOptions, options: GlobalOptions): Promise<void> {
  const say = (line: string): void => void session.err.write(`${plainText(line)}\n`);
  const config = readConfig(session, options, false);
  const scripts = await mkdtemp(join(tmpdir(), 'nodepool-rehearsal-'));
  const log = openLog({ file: null, err: { write: () => undefined }, isTerminal: false });
  say(
    `starting: ${config.providers.length} simulated clouds, ${config.targets.length} masters, a database, the daemon …`,
  );
  // Loaded when needed: it is all of the program.
  const [{ openStage }, { betterSpeed, rehearse, rehearsed, tuningAt }, { isWell, reportPage }] = await Promise.all([
    import('../sim/stage.js'),
    import('../sim/rehearsal.js'),
    import('../sim/rehearsal-page.js'),
  ]);
  const { speed } = given;
  const staged = await rehearsed(config, speed, scripts);
  const isKillable = given.fault === 'kill-9';
  const stage = await openStage({ config: staged, stateDir: null, tuning: tuningAt(speed), log: log.log, isKillable });
  try {
    say(`live page:  ${stage.page}`);
    const labels = await launchable(stage, session, say);
    const { report, course } = await rehearse(stage, {
      ...given,
      labels,
      fault: given.fault ?? null,
      timeoutMs: given.timeout * 1000,
      now: session.now,
      sleep: session.sleep,
      signal: session.signal,
      say,
    });
    const { output } = options;
    const figures = figuresOf(report, betterSpeed(report));
    if (output === 'json' || output === 'yaml') printData(session, output, report);
    else session.out.write(reportText(figures));
    if (given.html !== undefined) {
      const title = `Rehearsal of ${basename(options.config)}`;
      await writeFile(given.html, reportPage(report, course, { title, figures }));
      say(`the page is in ${given.html}`);
    }
    if (!report.isFinished)
      throw new CliFailure(exitCodes.failed, `only ${report.jobs} of ${given.jobs} jobs are done`);
    if (!isWell(report)) session.exit(exitCodes.failed);
  } finally {
    say('stopping …');
    await stage.close();
    log.close();
    await rm(scripts, { recursive: true, force: true });
  }
}

/** Labels that jobs can wait for: not disabled, and not refused for what they are. */
async function launchable(
  { client, config }: Stage,
  { sleep }: CliSession,
  say: (line: string) => void,
): Promise<string[]> {
  let view = await client.explain({});
  while (view?.roundAt === null) {
    await sleep(settleMs);
    view = await client.explain({});
  }
  const never = new Map(
    (view?.labels ?? []).flatMap(({ label, refusals }) => {
      const found = refusals.find(({ reason }) => reason === 'disabled');
      return found === undefined ? [] : [[label, found.detail] as const];
    }),
  );
  for (const [label, why] of never) say(`no jobs for ${label}: ${why}`);
  const labels = config.labels.map(({ name }) => name).filter(name => !never.has(name));
  if (labels.length > 0) return labels;
  throw new CliFailure(exitCodes.failed, 'no label of the configuration launches nodes', {
    next: 'set min-ready of a label to 0 or more',
  });
}

type Figure = readonly [name: string, value: string];

function reportText(figures: readonly Figure[]): string {
  return figures.map(([name, value]) => `${name.padEnd(14)}${plainText(value)}\n`).join('');
}

function figuresOf(report: RehearsalReport, slower: number | null): readonly Figure[] {
  const known = (seconds: number | null): string => (seconds === null ? 'unknown' : `${seconds} s`);
  return [
    ['jobs done', `${report.jobs}, in ${report.seconds} s at ${report.speed} times the speed`],
    [
      'fault',
      report.fault === null
        ? 'none'
        : `${report.fault}${report.kills === 0 ? '' : `, the daemon killed ${report.kills} times`}`,
    ],
    [
      'job wait',
      `${known(report.jobWaitP50Seconds)} in the median, ${known(report.jobWaitP99Seconds)} at the 99th percentile`,
    ],
    ['idle nodes', `${report.idleNodeHours} node hours`],
    ['launches', `${report.nodesLaunched}, ${report.launchFailures} failed; ${report.nodesDeleted} deleted`],
    [
      'peak servers',
      Object.entries(report.peakServers)
        .map(([name, count]) => `${name} ${count}`)
        .join(', '),
    ],
    ['connections', `${report.peakConnections} at most`],
    [
      'this machine',
      slower === null
        ? `kept up: 99 % of what was due came no later than ${report.lateP99Seconds} s of the pool's time`
        : `was too slow for speed ${report.speed}: what was due came up to ${report.lateP99Seconds} s of the pool's time late (99 %), so jobs waited longer than they would; try --speed ${slower}`,
    ],
    ['leaks', `${report.leakedServers} servers, ${report.leakedSlaves} slaves, ${report.secondJobs} second jobs`],
  ];
}
