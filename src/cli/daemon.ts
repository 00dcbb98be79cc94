/** How the command line finds and asks the daemon (DESIGN 5). */
import { accessSync, constants } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ControlClient, DaemonUnreachable } from '../http/client.js';
import { tryConfig } from './configuration.js';
import type { CliContext } from './context.js';
import { InvalidConfiguration } from './failure.js';
import type { GlobalOptions } from './options.js';

export const socketName = 'nodepoold.sock';

/** Asks the daemon. With `otherwise`, does that when no daemon answers, after saying so. */
export async function withDaemon<Result>(
  context: CliContext,
  options: GlobalOptions,
  ask: (daemon: ControlClient) => Promise<Result>,
  otherwise?: () => Promise<Result>,
): Promise<Result> {
  const daemon = new ControlClient(findSocket(context, options));
  try {
    return await ask(daemon);
  } catch (error) {
    if (otherwise === undefined || !(error instanceof DaemonUnreachable)) throw error;
    context.err.write(`nodepool: ${error.message}; using the database itself\n`);
    return await otherwise();
  } finally {
    await daemon.close();
  }
}

/**
 * Named by `--socket` or `NODEPOOLD_SOCKET` it needs no configuration. Otherwise the configuration may name it; one
 * that cannot be read leaves the places where a daemon listens by itself, unless the user named that very file.
 */
export function findSocket(
  context: Pick<CliContext, 'env' | 'runtimeDir' | 'loadConfig'>,
  options: Omit<GlobalOptions, 'output' | 'debug'>,
): string {
  const named = options.socket ?? (context.env['NODEPOOLD_SOCKET'] || null);
  if (named !== null) return named;
  const loaded = tryConfig(context, options, false);
  if (loaded.kind === 'refused') {
    if (options.isConfigNamed) throw new InvalidConfiguration(loaded.problems);
    return defaultSocket(context.runtimeDir, defaultStateDir(context.env));
  }
  return loaded.config.control.socket ?? defaultSocket(context.runtimeDir, loaded.config.stateDir);
}

/** Where a daemon listens that is not told where: in the folder of the package if there is one. */
export function defaultSocket(runtimeDir: string, stateDir: string): string {
  return join(isThere(runtimeDir) ? runtimeDir : stateDir, socketName);
}

/** As `src/config` finds it for a file that does not say. */
function defaultStateDir(env: CliContext['env']): string {
  const given = env['NODEPOOLD_STATE_DIR'] || env['STATE_DIRECTORY']?.split(':')[0];
  if (given) return given;
  return isWritable(packagedStateDir) ? packagedStateDir : join(env['HOME'] || homedir(), '.local/state/nodepool');
}

const packagedStateDir = '/var/lib/nodepool';

function isThere(path: string): boolean {
  return canAccess(path, constants.F_OK);
}

function isWritable(path: string): boolean {
  return canAccess(path, constants.W_OK);
}

function canAccess(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
