import type { Command } from 'commander';
import { printOutcome, type CliCommand } from './command.js';
import { withDaemon } from './daemon.js';
import { globalOptions, parseNodeId } from './options.js';

export const releaseCommand: CliCommand = {
  name: 'release',
  register(program, session) {
    program
      .command('release')
      .description('end a hold: back to ready if the node ran no job, else delete')
      .argument('<id>', 'the node', parseNodeId)
      .action(async (id: number, _options, command: Command) => {
        const options = globalOptions(command);
        printOutcome(session, options, await withDaemon(session, options, daemon => daemon.release(id)));
      });
  },
};
