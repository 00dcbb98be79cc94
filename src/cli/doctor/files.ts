/** The files that the configuration names: keys that are missing or that others can read, scripts that are not there. */
import { access, constants, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { faultKinds, named, type FaultKind } from '../../domain/fault.js';
import type { PoolConfig } from '../../domain/pool-config.js';
import { fine, finding, type Check } from './check.js';

/** Others than the owner. */
const othersMask = 0o077;

export async function checkFiles(config: PoolConfig): Promise<readonly Check[]> {
  const keys = new Set(
    config.providers.flatMap(({ images, cloudImages }) =>
      [...images, ...cloudImages].map(({ privateKeyFile }) => privateKeyFile),
    ),
  );
  const tokens = [config.control.writeTokenFile, config.control.readTokenFile].filter(file => file !== null);
  const checks = await Promise.all([
    ...[...keys].map(async file => keyFault(await checkSecret(file, 'private key', faultKinds['ssh.key'].next))),
    ...tokens.map(file => checkSecret(file, 'token', 'write a token into it, or take the key out of control')),
    ...scriptsOf(config).map(checkScript),
  ]);
  return checks;
}

/** By the name that the log of a launch gives it. */
function keyFault(check: Check): Check {
  if (check.ok) return check;
  const kind: FaultKind = check.next === faultKinds['ssh.key'].next ? 'ssh.key' : 'ssh.key-exposed';
  return { ...check, message: named({ kind, message: check.message }) };
}

async function checkSecret(file: string, what: string, next: string): Promise<Check> {
  const trouble = await unreadable(file);
  if (trouble !== null) return finding('files', file, `the ${what} cannot be read: ${trouble}`, next);
  const { mode } = await stat(file);
  if ((mode & othersMask) === 0) return fine('files', file, `a ${what} that only its owner reads`);
  const shown = (mode & 0o777).toString(8);
  return finding('files', file, `others can read the ${what} (mode ${shown})`, `chmod 600 ${file}`);
}

/** Setup scripts and ready scripts, each below the script-dir. */
function scriptsOf({ providers, labels, scriptDir }: PoolConfig): string[] {
  const setups = providers.flatMap(({ images }) => images.flatMap(({ setup }) => setup ?? []));
  const ready = labels.flatMap(({ readyScript }) => readyScript ?? []);
  if (scriptDir === null) return [];
  // A setup may be a command with arguments.
  return [...new Set([...setups, ...ready].map(script => join(scriptDir, script.split(' ')[0] ?? script)))];
}

async function checkScript(file: string): Promise<Check> {
  const trouble = await unreadable(file);
  if (trouble === null) return fine('files', file, 'a script that is there');
  return finding('files', file, `the script cannot be read: ${trouble}`, 'put it into script-dir, or correct its name');
}

async function unreadable(file: string): Promise<string | null> {
  try {
    await access(file, constants.R_OK);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
