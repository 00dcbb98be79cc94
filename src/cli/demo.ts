/**
 * `nodepool demo`: everything at once on this machine, nothing to install. A simulated world of clouds, a Jenkins
 * master and a Gearman server, a database of its own, and the daemon, all on free ports, with jobs that come and go.
 */
import { fileURLToPath } from 'node:url';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { loadConfig } from '../config/load.js';
import { problemText } from '../config/problem.js';
import type { PoolConfig } from '../domain/pool-config.js';
import type { PoolEvent } from '../ports/control.js';
import { findLeaks } from '../sim/audit.js';
import type { Stage } from '../sim/stage.js';
import type { WorldTuning } from '../sim/world-for.js';
import type { CliCommand } from './command.js';
import type { CliSession } from './context.js';
import { exitCodes } from './exit-codes.js';
import { CliFailure } from './failure.js';
import { openLog } from './logging/log.js';
import { globalOptions, type Output } from './options.js';

interface DemoOptions {
  readonly jobs?: number;
  readonly exit?: boolean;
  readonly state?: string;
  readonly timeout: number;
}

/** One line at the end of `--exit`. */
interface DemoReport {
  readonly jobs: number;
  readonly nodesLaunched: number;
  readonly nodesDeleted: number;
  readonly launchFailures: number;
  readonly leakedServers: number;
  readonly leakedSlaves: number;
  readonly secondJobs: number;
  readonly seconds: number;
}

const defaultTimeoutSeconds = 300;
const pollMs = 100;
const jobMs = [400, 1_600] as const;
/** Without a number of jobs, one comes about so often until somebody stops the demo. */
const jobEveryMs = 2_500;
/** A world in which minutes take seconds. */
const tuning: WorldTuning = {
  cloud: { bootMs: [300, 1_200], sshDelayMs: [50, 300], deleteMs: [100, 500], callMs: [5, 30] },
  master: { connectMs: [50, 200], callMs: [2, 20] },
};

export const demoCommand: CliCommand = {
  name: 'demo',
  register(program, session) {
    program
      .command('demo')
      .description('show everything at once on this machine, with a simulated world; nothing to install')
      .option('--jobs <n>', 'submit so many jobs at once, instead of one now and then', positive)
      .option('--exit', 'end when those jobs are done and their nodes are gone, with a report as JSON')
      .option('--state <dir>', 'keep the database there, and go on with it next time')
      .addOption(
        new Option('--timeout <seconds>', 'give up waiting for --exit after this time')
          .argParser(positive)
          .default(defaultTimeoutSeconds),
      )
      .action(async (_options, command: Command) => {
        const options = command.opts<DemoOptions>();
        if (options.exit && options.jobs === undefined) {
          throw new CliFailure(exitCodes.usage, '--exit needs --jobs: it ends when those are done');
        }
        await runDemo(options, globalOptions(command), session);
      });
  },
};

export function positive(text: string): number {
  if (!/^[1-9]\d{0,6}$/.test(text)) throw new InvalidArgumentError(`"${text}" is no number from 1 up.`);
  return Number(text);
}

async function runDemo(
  options: DemoOptions,
  { output, debug }: { output: Output; debug: boolean },
  session: CliSession,
): Promise<void> {
  const say = (line: string): void => void session.err.write(`${line}\n`);
  const startedAt = session.now();
  const logging = openLog({ file: null, err: quietUnless(debug, session), isTerminal: false });
  say('starting: a simulated world, a database, the daemon …');
  // Loaded when needed: it is all of the program, and takes longer to load than other commands run.
  const { openStage } = await import('../sim/stage.js');
  const stage = await openStage({ config: demoConfig(), stateDir: options.state ?? null, tuning, log: logging.log });
  const counts = new Counts();
  const following = new AbortController();
  const follow = followEvents(stage, following.signal, event => {
    counts.note(event);
    if (!(output === 'json' && options.exit)) say(lineOf(event, startedAt));
  });
  try {
    greet(stage, say);
    if (options.exit)
      await untilDone(stage, { ...options, jobs: options.jobs ?? 0 }, counts, { session, startedAt, say });
    else await untilInterrupted(stage, options.jobs, session);
  } finally {
    following.abort();
    await follow;
    say('stopping …');
    await stage.close();
    logging.close();
  }
}

/** Warnings and errors of a demo are worth seeing; its every line is not, unless asked for. */
function quietUnless(debug: boolean, session: CliSession): CliSession['err'] {
  return {
    write: text => {
      if (debug || /"level":"(error|fatal)"/.test(text)) session.err.write(text);
    },
  };
}

function demoConfig(): PoolConfig {
  const file = fileURLToPath(new URL('../../config/demo.yaml', import.meta.url));
  const loaded = loadConfig({ file, secureFile: null, env: {}, needsDatabase: false });
  if (loaded.kind === 'refused') throw new Error(loaded.problems.map(problemText).join('\n'));
  return loaded.config;
}

function greet({ client, page, config }: Stage, say: (line: string) => void): void {
  const labels = config.labels.map(label => `${label.name} (keep ${label.minReady})`).join(', ');
  say(`live page:  ${page}`);
  say(`command line, in another terminal:  export NODEPOOLD_SOCKET=${client.socket}`);
  say('  then  node bin/nodepool list   or  tree   or  hold 3   or  watch');
  say(`labels:  ${labels};  clouds: ${config.providers.map(({ name }) => name).join(', ')}`);
}

async function followEvents(stage: Stage, signal: AbortSignal, hear: (event: PoolEvent) => void): Promise<void> {
  for await (const event of stage.client.events(signal)) hear(event);
}

function lineOf(event: PoolEvent, startedAt: number): string {
  const seconds = ((event.at - startedAt) / 1000).toFixed(1).padStart(6);
  return `${seconds} s  ${event.type.padEnd(20)} ${event.message}`;
}

class Counts {
  launched = 0;
  deleted = 0;
  failures = 0;

  note({ type }: PoolEvent): void {
    if (type === 'node.ready') this.launched++;
    if (type === 'node.deleted') this.deleted++;
    if (type === 'node.launch-failed') this.failures++;
  }
}

// ── Jobs ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function submit({ world, config }: Stage, count: number): void {
  const [least, most] = jobMs;
  for (let n = 0; n < count; n++) {
    const label = config.labels[n % config.labels.length];
    if (!label) return;
    // Spread, and the same each time: a demo needs no chance.
    const durationMs = least + ((n * 379) % (most - least));
    world.jobs.submit({ job: 'demo-job', label: label.name, durationMs });
  }
}

async function untilInterrupted(stage: Stage, jobs: number | undefined, session: CliSession): Promise<void> {
  if (jobs !== undefined) submit(stage, jobs);
  const failed = stage.failed.then(error => {
    throw error;
  });
  for (let n = 0; !session.signal.aborted; n++) {
    if (jobs === undefined) submitOne(stage, n);
    await Promise.race([session.sleep(jobEveryMs), failed]);
  }
}

function submitOne({ world, config }: Stage, n: number): void {
  const label = config.labels[n % config.labels.length];
  const [least, most] = jobMs;
  if (label) world.jobs.submit({ job: 'demo-job', label: label.name, durationMs: 2 * least + ((n * 997) % most) });
}

async function untilDone(
  stage: Stage,
  options: DemoOptions & { jobs: number },
  counts: Counts,
  { session, startedAt, say }: { session: CliSession; startedAt: number; say: (line: string) => void },
): Promise<void> {
  const { world, client } = stage;
  const usedNodes = new Set<string>();
  world.jobs.onFinished(({ nodeName }) => usedNodes.add(nodeName));
  submit(stage, options.jobs);
  const deadline = startedAt + options.timeout * 1000;
  const readRows = () => client.nodes();
  const isOver = async (): Promise<boolean> => {
    if (world.jobs.finished() < options.jobs) return false;
    const { servers, slaves } = world.judge();
    const names = [...servers.map(({ name }) => name), ...slaves.map(({ name }) => name)];
    const rows = await readRows();
    return ![...names, ...rows.map(({ nodename }) => nodename ?? '')].some(name => usedNodes.has(firstWord(name)));
  };
  let isTimedOut = false;
  while (!(await isOver())) {
    if (session.signal.aborted) throw new CliFailure(exitCodes.failed, 'interrupted');
    isTimedOut = session.now() > deadline;
    if (isTimedOut) break;
    await session.sleep(pollMs);
  }
  const leaks = await findLeaks(world, readRows);
  const report: DemoReport = {
    jobs: world.jobs.finished(),
    nodesLaunched: counts.launched,
    nodesDeleted: counts.deleted,
    launchFailures: counts.failures,
    leakedServers: leaks.servers.length,
    leakedSlaves: leaks.slaves.length,
    secondJobs: world.judge().secondJobs,
    seconds: Math.round((session.now() - startedAt) / 100) / 10,
  };
  session.out.write(`${JSON.stringify(report)}\n`);
  for (const name of leaks.servers) say(`leaked server: ${name}`);
  for (const name of leaks.slaves) say(`leaked slave: ${name}`);
  if (isTimedOut) throw new CliFailure(exitCodes.failed, `not done after ${options.timeout} s`);
  if (report.leakedServers + report.leakedSlaves + report.secondJobs > 0) session.exit(exitCodes.failed);
}

/** A server bears the host name, a slave its first word. */
function firstWord(name: string): string {
  return name.split('.')[0] ?? name;
}
