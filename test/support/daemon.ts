/** The two programs as processes: a daemon that stays in the foreground, and command lines that run to their end. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './until.js';

export const checkout = fileURLToPath(new URL('../..', import.meta.url));

export interface Run {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Another built checkout than this one. */
  readonly root?: string;
  readonly cwd?: string;
  /** Runs as this user and group. */
  readonly uid?: number;
  /** For it, this folder is a disk of its own, which is full: `fill` takes all of it. */
  readonly fullDisk?: string;
}

export interface NodepooldProcess {
  readonly pid: number;
  /** What it has said so far. */
  stderr(): string;
  /** It has ended, whoever ended it. */
  isOver(): boolean;
  /** SIGTERM; the exit code. */
  stop(): Promise<number | null>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

export interface DaemonOptions extends RunOptions {
  readonly config: string;
  readonly stateDir: string;
  /** More of the command line. */
  readonly args?: readonly string[];
  readonly withinMs?: number;
}

/** Resolves when the daemon says that it is ready. It does not outlive the tests. */
export async function startNodepoold(options: DaemonOptions): Promise<NodepooldProcess> {
  const { config, stateDir, args = [], withinMs = 90_000 } = options;
  const child = start('nodepoold', ['-d', '-c', config, ...args], {
    ...options,
    env: { NODEPOOLD_STATE_DIR: stateDir, ...options.env },
  });
  const said = collect(child.stderr);
  const ended = once(child, 'close');
  const atExit = (): void => void child.kill('SIGKILL');
  process.once('exit', atExit);
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    process.removeListener('exit', atExit);
    if (!isOver()) child.kill(signal);
    await ended;
  };
  try {
    await until(() => isOver() || /^nodepoold ready$/m.test(said()), { withinMs });
    if (isOver()) throw new Error(`it ended with ${String(child.exitCode ?? child.signalCode)}`);
  } catch (error) {
    await end('SIGKILL');
    throw new Error(`nodepoold is not ready: ${said().slice(-4_000)}`, { cause: error });
  }
  return {
    pid: child.pid ?? 0,
    stderr: said,
    isOver,
    stop: async () => {
      await end('SIGTERM');
      return child.exitCode;
    },
    kill: () => end('SIGKILL'),
  };
}

/** Starts a daemon that is going to kill itself; resolves with its end, and with what it said. */
export async function nodepooldUntilItsEnd(
  options: DaemonOptions,
): Promise<{ readonly signal: string | null; readonly stderr: string }> {
  const { config, stateDir, withinMs = 90_000 } = options;
  const child = start('nodepoold', ['-d', '-c', config], {
    ...options,
    env: { NODEPOOLD_STATE_DIR: stateDir, ...options.env },
  });
  const said = collect(child.stderr);
  const atExit = (): void => void child.kill('SIGKILL');
  process.once('exit', atExit);
  const late = setTimeout(() => child.kill('SIGABRT'), withinMs);
  const [, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(late);
  process.removeListener('exit', atExit);
  return { signal, stderr: said() };
}

/** Runs `nodepool` to its end. */
export function nodepool(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  return runToEnd('nodepool', args, options);
}

/** Runs `nodepoold` to its end: a start that is refused, or one that detaches. */
export function nodepoold(args: readonly string[], options: RunOptions = {}): Promise<Run> {
  return runToEnd('nodepoold', args, options);
}

async function runToEnd(program: string, args: readonly string[], options: RunOptions): Promise<Run> {
  const child = start(program, args, options);
  const stdout = collect(child.stdout);
  const stderr = collect(child.stderr);
  const atExit = (): void => void child.kill('SIGKILL');
  process.once('exit', atExit);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  process.removeListener('exit', atExit);
  if (code === null) throw new Error(`${program} ${args.join(' ')} was ended by ${String(signal)}: ${stderr()}`);
  return { code, stdout: stdout(), stderr: stderr() };
}

/** With nothing of this process's environment that could tell the program where a daemon is. */
function start(program: string, args: readonly string[], options: RunOptions): ChildProcess {
  const { root = checkout, cwd, uid, env, fullDisk } = options;
  const who: SpawnOptions = uid === undefined ? {} : { uid, gid: uid };
  const [command, ...before] =
    fullDisk === undefined ? [process.execPath] : [...onFullDisk(fullDisk), process.execPath];
  return spawn(command, [...before, join(root, 'bin', program), ...args], {
    ...who,
    ...(cwd === undefined ? {} : { cwd }),
    env: { PATH: process.env['PATH'] ?? '', HOME: '/nonexistent', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

const diskKib = 256;

/** In a mount namespace of its own, which needs no rights. */
function onFullDisk(folder: string): readonly [string, ...string[]] {
  const fill = `head -c ${2 * diskKib}k /dev/zero > "$0/fill" 2> /dev/null`;
  const script = `mount -t tmpfs -o size=${diskKib}k tmpfs "$0" && { ${fill}; exec "$@"; }`;
  return ['unshare', '--map-root-user', '--mount', 'sh', '-c', script, folder];
}

function collect(stream: ChildProcess['stderr']): () => string {
  const chunks: Buffer[] = [];
  stream?.on('data', (chunk: Buffer) => chunks.push(chunk));
  return () => Buffer.concat(chunks).toString('utf8');
}
