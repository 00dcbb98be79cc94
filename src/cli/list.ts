import type { Command } from 'commander';
import type { CliCommand } from './command.js';
import { withDaemon } from './daemon.js';
import { printList } from './listing.js';
import { nodeListing } from './node-listing.js';
import { readNodes } from './offline.js';
import { globalOptions } from './options.js';

export const listCommand: CliCommand = {
  name: 'list',
  register(program, session) {
    program
      .command('list')
      .description('list the nodes')
      .action(async (_options, command: Command) => {
        const options = globalOptions(command);
        const nodes = await withDaemon(
          session,
          options,
          daemon => daemon.nodes(),
          () => readNodes(session, options),
        );
        printList(session, options.output, nodeListing, nodes);
      });
  },
};
