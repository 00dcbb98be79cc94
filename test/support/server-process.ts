/** A server program started for tests: it says when it is ready, is stopped by its pid, and never outlives the tests. */
import { spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { until } from './until.js';

export interface ServerProcess {
  readonly pid: number;
  stop(signal?: NodeJS.Signals): Promise<void>;
}

export async function startServer(options: {
  readonly program: string;
  readonly flags: readonly string[];
  readonly spawn?: SpawnOptions;
  readonly isReady: () => Promise<boolean>;
  readonly withinMs?: number;
}): Promise<ServerProcess> {
  const { program, flags, isReady, withinMs = 90_000 } = options;
  const child = spawn(program, flags, { ...options.spawn, stdio: ['ignore', 'pipe', 'pipe'] });
  const said: Buffer[] = [];
  child.stdout?.on('data', (chunk: Buffer) => said.push(chunk));
  child.stderr?.on('data', (chunk: Buffer) => said.push(chunk));
  child.on('error', error => said.push(Buffer.from(error.message)));
  const atExit = () => child.kill('SIGKILL');
  process.once('exit', atExit);
  const words = () => Buffer.concat(said).toString('utf8').slice(-2000);
  try {
    await until(async () => isOver(child) || (await isReady()), { withinMs });
  } catch (error) {
    child.kill('SIGKILL');
    throw new Error(`${program} is not ready: ${words()}`, { cause: error });
  }
  if (isOver(child)) throw new Error(`${program} ended: ${words()}`);
  return {
    pid: child.pid ?? 0,
    stop: async (signal = 'SIGTERM') => {
      process.removeListener('exit', atExit);
      if (isOver(child)) return;
      const closed = once(child, 'close');
      child.kill(signal);
      await closed;
    },
  };
}

function isOver(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}
