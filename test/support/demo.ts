/** The demo as a process, for as long as a test looks at it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { checkout } from './daemon.js';
import { until } from './until.js';

export interface Demo {
  /** The live page, with changes allowed. */
  readonly page: string;
  readonly socket: string;
  stop(): Promise<void>;
}

export async function startDemo(): Promise<Demo> {
  const child = spawn(process.execPath, [join(checkout, 'bin', 'nodepool'), 'demo'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  const atExit = (): void => void child.kill('SIGKILL');
  process.once('exit', atExit);
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const stop = async (): Promise<void> => {
    process.removeListener('exit', atExit);
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    await ended;
  };
  const told = (pattern: RegExp): string | null => pattern.exec(said)?.[1] ?? null;
  try {
    const page = await until(() => told(/^live page: +(\S+)$/m), { withinMs: 120_000 });
    const socket = await until(() => told(/export NODEPOOLD_SOCKET=(\S+)/), { withinMs: 60_000 });
    return { page, socket, stop };
  } catch (error) {
    await stop();
    throw new Error(`the demo does not start: ${said.slice(-4_000)}`, { cause: error });
  }
}
