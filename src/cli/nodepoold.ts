/**
 * `nodepoold` as a process: options, log, pid file, signals, detaching. What runs inside comes from `startDaemon`.
 *
 *     starting ─→ running ─→ stopping ─→ exit 0
 *         └──────────┴──────────┴─→ exit 1: the start failed, the tree gave up, a second signal, out of time
 *
 * Starting ends when the socket answers. The first SIGTERM, SIGINT or SIGUSR1 begins the stop, also while starting; the
 * second one cuts it short. Nothing is lost by that: what was under way goes on from its rows at the next start.
 */
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { Command } from 'commander';
import { CONFIG_FILE } from '../config/usual-file.js';
import { problemText } from '../config/problem.js';
import type { PoolConfig } from '../domain/pool-config.js';
import { ControlClient } from '../http/client.js';
import type { TreeView } from '../ports/control.js';
import type { Log } from '../ports/log.js';
import type { ConfigReader } from './configuration.js';
import type { TextSink } from './context.js';
import { defaultSocket } from './daemon.js';
import { exitCodes } from './exit-codes.js';
import { CliFailure, InvalidConfiguration, reportFailure } from './failure.js';
import { openLog, type OpenLog } from './logging/log.js';
import { takePidFile } from './pid-file.js';
import type { ServiceManager } from './service-manager.js';
import { drawTree } from './tree-drawing.js';
import { productVersion } from './version.js';

export type StartDaemon = (options: {
  readonly config: PoolConfig;
  readonly socket: string;
  readonly configFile: string;
  /** Undefined: the usual place, where it need not be. */
  readonly secureFile: string | undefined;
  readonly log: Log;
}) => Promise<RunningDaemon>;

export interface RunningDaemon {
  /** Graceful: launches stay BUILDING and resume at the next start. */
  stop(): Promise<void>;
  /** Ends what would hold the process; waits for nothing. */
  forced(): void;
  tree(): Promise<TreeView>;
  reload(): Promise<void>;
  /** Whether its actors still take their turns. */
  isAlive(): Promise<boolean>;
  /** Resolves if the tree gives up. */
  readonly failed: Promise<Error>;
}

export const daemonSignals = ['SIGTERM', 'SIGINT', 'SIGUSR1', 'SIGHUP', 'SIGUSR2'] as const;
export type DaemonSignal = (typeof daemonSignals)[number];

export interface DaemonContext {
  readonly startDaemon: StartDaemon;
  readonly loadConfig: ConfigReader;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: TextSink;
  readonly err: TextSink;
  /** Whether `err` is a terminal. */
  readonly isTerminal: boolean;
  readonly pid: number;
  readonly runtimeDir: string;
  /** Calls the listener for every signal until the returned function is called. */
  readonly onSignal: (listener: (signal: DaemonSignal) => void) => () => void;
  readonly isRunning: (pid: number) => boolean;
  readonly sleep: (ms: number) => Promise<void>;
  readonly serviceManager: ServiceManager;
  /** Starts this program again on its own, its output appended to the file. */
  readonly spawn: (argv: readonly string[], logFile: string) => DetachedDaemon;
}

export interface DetachedDaemon {
  /** Its exit code, if it ends while we look. */
  readonly exited: Promise<number>;
  /** What it has written so far. */
  output(): string;
  /** Lets it live on without us. */
  release(): void;
  stop(): void;
}

interface DaemonOptions {
  readonly config: string;
  readonly secure?: string;
  readonly log?: string;
  readonly foreground?: boolean;
  readonly pidFile?: string;
}

/** Runs one command line, without the program's name; answers the exit code. */
export async function runDaemon(argv: readonly string[], context: DaemonContext): Promise<number> {
  const program = makeProgram(context);
  try {
    program.parse(argv, { from: 'user' });
    const options = program.opts<DaemonOptions>();
    return options.foreground === true ? await stay(options, context) : await detach(argv, options, context);
  } catch (error) {
    const report = reportFailure(error, false, 'nodepoold');
    context.err.write(report.text);
    return report.code;
  }
}

function makeProgram(context: DaemonContext): Command {
  return new Command('nodepoold')
    .description('Keeps a pool of single-use CI machines')
    .option('-c, --config <file>', 'configuration file', CONFIG_FILE)
    .option('-s, --secure <file>', 'file with secrets (secure.conf)')
    .option('-l, --log <file>', 'logging configuration (INI as in the original, or YAML)')
    .option('-d, --foreground', 'stay in the foreground')
    .option('-p, --pid-file <file>', 'pid file (detached: nodepool.pid beside the socket)')
    .version(productVersion(), '--version', 'show the version')
    .allowExcessArguments(false)
    .configureOutput({
      writeOut: text => void context.out.write(text),
      writeErr: text => void context.err.write(text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .exitOverride();
}

function readConfig(options: DaemonOptions, context: DaemonContext): { config: PoolConfig; warnings: string[] } {
  const { config: file, secure: secureFile } = options;
  const loaded = context.loadConfig({ file, secureFile, env: context.env, needsDatabase: true });
  if (loaded.kind === 'refused') throw new InvalidConfiguration(loaded.problems);
  return { config: loaded.config, warnings: loaded.problems.map(problemText) };
}

/** In the order in which the command line looks for it. */
function socketOf(config: PoolConfig, context: DaemonContext): string {
  const named = context.env['NODEPOOLD_SOCKET'];
  if (named) return named;
  return config.control.socket ?? defaultSocket(context.runtimeDir, config.stateDir);
}

async function stay(options: DaemonOptions, context: DaemonContext): Promise<number> {
  const { config, warnings } = readConfig(options, context);
  const output = openLog({
    file: options.log ?? null,
    out: context.out,
    err: context.err,
    isTerminal: context.isTerminal,
  });
  try {
    for (const warning of warnings) output.log.warn(warning);
    const pidFile = options.pidFile === undefined ? null : takePidFile(options.pidFile, context.pid, context.isRunning);
    try {
      return await live({ config, options, output }, context);
    } finally {
      pidFile?.release();
    }
  } finally {
    output.close();
  }
}

interface Setting {
  readonly config: PoolConfig;
  readonly options: DaemonOptions;
  readonly output: OpenLog;
}

/** What a stop may take beyond `timings.stop`, which the tree keeps itself. */
const stopGraceMs = 5_000;

async function live(setting: Setting, context: DaemonContext): Promise<number> {
  const { config, options, output } = setting;
  const wishes = hearSignals(output, context);
  const outOfTime = wishes.stop
    .then(() => context.sleep(config.timings.stop + stopGraceMs))
    .then(() => 'late' as const);
  const cut = Promise.race([wishes.force.then(() => 'forced' as const), outOfTime]);
  try {
    const daemon = await Promise.race([
      context.startDaemon({
        config,
        socket: socketOf(config, context),
        configFile: options.config,
        secureFile: options.secure,
        log: output.log,
      }),
      cut,
    ]);
    if (typeof daemon === 'string') return exitCodes.failed;
    wishes.attach(daemon);
    context.err.write('nodepoold ready\n');
    context.serviceManager.ready();
    context.serviceManager.watch(() => daemon.isAlive());
    void wishes.stop.then(() => context.serviceManager.stopping());
    return await untilStopped(daemon, { stop: wishes.stop, cut, log: output.log });
  } finally {
    context.serviceManager.close();
    wishes.close();
  }
}

async function untilStopped(
  daemon: RunningDaemon,
  wishes: { readonly stop: Promise<void>; readonly cut: Promise<'forced' | 'late'>; readonly log: Log },
): Promise<number> {
  const failure = await Promise.race([wishes.stop.then(() => null), daemon.failed]);
  if (failure !== null) {
    wishes.log.error(`the daemon gives up: ${failure.message}`, { error: failure });
    daemon.forced();
    return exitCodes.failed;
  }
  wishes.log.info('stopping; a second signal forces it');
  const how = await Promise.race([daemon.stop().then(() => 'stopped' as const), wishes.cut]);
  if (how === 'stopped') return exitCodes.done;
  wishes.log.warn(how === 'forced' ? 'forced to stop' : 'the stop took too long and is cut short');
  daemon.forced();
  return exitCodes.failed;
}

interface Wishes {
  readonly stop: Promise<void>;
  readonly force: Promise<void>;
  attach(daemon: RunningDaemon): void;
  close(): void;
}

function hearSignals(output: OpenLog, context: DaemonContext): Wishes {
  const { log } = output;
  let daemon: RunningDaemon | null = null;
  const stop = promised();
  const force = promised();
  const report = (what: string) => (error: unknown) => log.error(`${what} failed`, { error });
  const unsubscribe = context.onSignal(signal => {
    switch (signal) {
      case 'SIGTERM':
      case 'SIGINT':
      case 'SIGUSR1':
        if (stop.isKept()) force.keep();
        else stop.keep();
        return;
      case 'SIGHUP':
        output.reopen();
        daemon?.reload().catch(report('the reload'));
        return;
      case 'SIGUSR2':
        daemon?.tree().then(tree => dumpTree(tree, log), report('the dump of the tree'));
        return;
    }
  });
  return { stop: stop.promise, force: force.promise, attach: started => (daemon = started), close: unsubscribe };
}

/** One entry for each actor: in a file of JSON lines a drawing in one entry could not be read. */
function dumpTree(tree: TreeView, log: Log): void {
  const fields = { logger: 'nodepool.stack_dump' };
  for (const line of drawTree(tree, dumpStyle)) log.info(line, fields);
}

const dumpStyle = { hasUnicode: false, hasColour: false, isWide: true, columns: null };

function promised(): { readonly promise: Promise<void>; keep(): void; isKept(): boolean } {
  let isKept = false;
  let resolve = (): void => undefined;
  const promise = new Promise<void>(settle => (resolve = settle));
  return {
    promise,
    isKept: () => isKept,
    keep: () => {
      isKept = true;
      resolve();
    },
  };
}

const lookMs = 100;
/** A start that takes longer hangs: migrations of the biggest tables take seconds. */
const startMsMax = 300_000;

/** Starts the daemon as a process of its own, and stays until its socket answers or it has failed. */
async function detach(argv: readonly string[], options: DaemonOptions, context: DaemonContext): Promise<number> {
  const { config, warnings } = readConfig(options, context);
  for (const warning of warnings) context.err.write(`${warning}\n`);
  const socket = socketOf(config, context);
  if (await answers(socket)) {
    throw new CliFailure(exitCodes.failed, `a daemon answers on ${socket} already`, { next: 'stop it first' });
  }
  const logFile = join(config.stateDir, 'nodepoold.log');
  const pidFile = options.pidFile === undefined ? ['-p', defaultPidFile(config, context)] : [];
  const child = context.spawn([...argv, '-d', ...pidFile], logFile);
  const exited = child.exited.then(code => ({ code }));
  for (let waitedMs = 0; waitedMs < startMsMax; waitedMs += lookMs) {
    const end = await Promise.race([exited, context.sleep(lookMs)]);
    if (end) {
      context.err.write(child.output() || silentEnd(end.code, logFile));
      return end.code === exitCodes.invalid ? exitCodes.invalid : exitCodes.failed;
    }
    if (await answers(socket)) {
      child.release();
      return exitCodes.done;
    }
  }
  child.stop();
  throw new CliFailure(exitCodes.failed, `the daemon did not answer within ${startMsMax / 1_000} s`, {
    next: `see ${logFile}`,
  });
}

function silentEnd(code: number, logFile: string): string {
  return `nodepoold: the daemon ended with ${code} and could say nothing in ${logFile}; is that disk full? With -d it says why here\n`;
}

function defaultPidFile(config: PoolConfig, context: DaemonContext): string {
  return join(existsSync(context.runtimeDir) ? context.runtimeDir : config.stateDir, 'nodepool.pid');
}

async function answers(socket: string): Promise<boolean> {
  const client = new ControlClient(socket);
  try {
    await client.health();
    return true;
  } catch {
    return false;
  } finally {
    await client.close();
  }
}
