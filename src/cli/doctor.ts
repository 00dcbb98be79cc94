/**
 * `doctor`: is everything that the pool depends on as it should be? A running daemon is asked what it knows; without
 * one each database, cloud, master, publisher and Gearman server is asked once. Each finding has a next step.
 */
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { problemText } from '../config/problem.js';
import type { PoolConfig } from '../domain/pool-config.js';
import { DaemonUnreachable } from '../http/client.js';
import type { CliCommand } from './command.js';
import { tryConfig, type ConfigLoading } from './configuration.js';
import type { CliContext, CliSession } from './context.js';
import { withDaemon } from './daemon.js';
import { finding, fine, type Check } from './doctor/check.js';
import { checksOf } from './doctor/daemon.js';
import { checkFiles } from './doctor/files.js';
import { checkOutside } from './doctor/outside.js';
import { exitCodes } from './exit-codes.js';
import { InvalidConfiguration } from './failure.js';
import { printData, printNames } from './listing.js';
import { globalOptions, type GlobalOptions } from './options.js';
import { plainText } from './plain-text.js';

export const doctorCommand: CliCommand = {
  name: 'doctor',
  register(program, session) {
    program
      .command('doctor')
      .description(
        'check configuration, keys, database, clouds, images, masters, publishers, Gearman; exit with 6 on findings',
      )
      .action(async (_options, command: Command) => {
        await runDoctor(session, globalOptions(command));
      });
  },
};

async function runDoctor(session: CliSession, options: GlobalOptions): Promise<void> {
  const loaded = tryConfig(session, options, true);
  const config = loaded.kind === 'refused' ? null : loaded.config;
  const known = await askDaemon(session, options);
  const checks = [
    ...checksOfFile(loaded, options, known !== null),
    ...(config === null ? [] : await checkFiles(config)),
    ...(known ?? (await withoutDaemon(session, config))),
  ];
  const { output } = options;
  if (output === 'json' || output === 'yaml') printData(session, output, { checks });
  else if (output === 'name') printNames(session, checks.map(nameOf));
  else session.out.write(checks.map(lineOf).join(''));
  const findings = checks.filter(({ ok }) => !ok).length;
  session.err.write(findings === 0 ? 'no findings\n' : `${findings} ${findings === 1 ? 'finding' : 'findings'}\n`);
  if (findings > 0) session.exit(exitCodes.invalid);
}

/** A daemon that runs has a file of its own, so that the usual place may be empty. */
function checksOfFile(loaded: ConfigLoading, { config, isConfigNamed }: GlobalOptions, hasDaemon: boolean): Check[] {
  const isThere = existsSync(config);
  if (!isThere && !isConfigNamed && hasDaemon) {
    return [fine('configuration', config, 'is not there; with -c FILE the file of the daemon is looked at, too')];
  }
  const next = isThere ? 'correct the file' : 'name the file with -c FILE';
  return [
    ...loaded.problems.map(problem =>
      problem.severity === 'error'
        ? finding('configuration', problem.path || config, problemText(problem), next)
        : fine('configuration', problem.path || config, problemText(problem)),
    ),
    ...(loaded.kind === 'refused' ? [] : [fine('configuration', config, 'can be used')]),
  ];
}

/** Null: none answers. */
async function askDaemon(session: CliSession, options: GlobalOptions): Promise<readonly Check[] | null> {
  try {
    return checksOf(await withDaemon(session, options, daemon => daemon.readiness()));
  } catch (error) {
    // The configuration would say where its socket is; what is wrong with it is a finding already.
    if (error instanceof InvalidConfiguration) return null;
    if (!(error instanceof DaemonUnreachable)) throw error;
    session.err.write(`nodepool: ${error.message}; looking at everything from here\n`);
    return null;
  }
}

async function withoutDaemon(context: CliContext, config: PoolConfig | null): Promise<readonly Check[]> {
  if (config === null) return [];
  const world = await context.openWorld();
  try {
    return await checkOutside(config, world, () => context.openStore(config));
  } finally {
    await world.close();
  }
}

const nameOf = ({ kind, subject }: Check): string => `${kind}/${subject}`;

function lineOf({ kind, subject, ok, message, next }: Check): string {
  const line = `${ok ? 'ok      ' : 'FINDING '} ${kind.padEnd(13)} ${subject}: ${message}`;
  return `${plainText(line)}\n${next === null ? '' : `         -> ${plainText(next)}\n`}`;
}
