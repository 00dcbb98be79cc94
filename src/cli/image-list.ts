import type { Command } from 'commander';
import type { CliCommand } from './command.js';
import { withDaemon } from './daemon.js';
import { printList } from './listing.js';
import { drawnImageListing, imageListing } from './node-listing.js';
import { readImages } from './offline.js';
import { globalOptions } from './options.js';

export const imageListCommand: CliCommand = {
  name: 'image-list',
  register(program, session) {
    program
      .command('image-list')
      .description('list the snapshot images')
      .action(async (_options, command: Command) => {
        const options = globalOptions(command);
        const images = await withDaemon(
          session,
          options,
          daemon => daemon.images(),
          () => readImages(session, options),
        );
        printList(session, options.output, session.isTerminal ? drawnImageListing : imageListing, images);
      });
  },
};
