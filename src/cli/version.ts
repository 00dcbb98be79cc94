import type { Command } from 'commander';
import { readFileSync } from 'node:fs';
import { DaemonUnreachable } from '../http/client.js';
import type { CliCommand } from './command.js';
import { withDaemon } from './daemon.js';
import { printData } from './listing.js';
import { globalOptions } from './options.js';
import { plainText } from './plain-text.js';

/** The version of this program, from its package. */
export function productVersion(): string {
  const read: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  if (typeof read === 'object' && read !== null && 'version' in read) return String(read.version);
  throw new Error('package.json has no version');
}

export const versionCommand: CliCommand = {
  name: 'version',
  register(program, session) {
    program
      .command('version')
      .description('show the versions of this program and of the running daemon')
      .action(async (_options, command: Command) => {
        const options = globalOptions(command);
        const version = productVersion();
        const daemon = await withDaemon(session, options, async client => (await client.health()).version).catch(
          (error: unknown) => {
            if (error instanceof DaemonUnreachable) return null;
            throw error;
          },
        );
        if (options.output === 'json' || options.output === 'yaml') {
          return printData(session, options.output, { version, daemon });
        }
        session.out.write(`nodepool ${version}\n`);
        if (daemon === null) session.err.write('no daemon answers\n');
        else session.out.write(`nodepoold ${plainText(daemon)}\n`);
      });
  },
};
