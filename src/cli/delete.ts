import type { Command } from 'commander';
import { printOutcome, type CliCommand } from './command.js';
import { withDaemon } from './daemon.js';
import { deleteOffline } from './offline.js';
import { globalOptions, parseNodeId } from './options.js';

export const deleteCommand: CliCommand = {
  name: 'delete',
  register(program, session) {
    program
      .command('delete')
      .description('delete a node, its servers and its slave')
      .argument('<id>', 'the node', parseNodeId)
      .option('--now', "do not wait for other deletions of the node's provider")
      .action(async (id: number, given: { now?: boolean }, command: Command) => {
        const options = globalOptions(command);
        const outcome = await withDaemon(
          session,
          options,
          daemon => daemon.delete(id, { now: given.now ?? false }),
          () => deleteOffline(session, options, id),
        );
        printOutcome(session, options, outcome);
      });
  },
};
