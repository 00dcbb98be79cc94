import type { Command } from 'commander';
import { printImageOutcome, type CliCommand } from './command.js';
import { withDaemon } from './daemon.js';
import { globalOptions, parseImageId } from './options.js';

export const imageDeleteCommand: CliCommand = {
  name: 'image-delete',
  register(program, session) {
    program
      .command('image-delete')
      .description('delete a snapshot image; the one before it is current then')
      .argument('<id>', 'the image, as image-list shows it', parseImageId)
      .action(async (id: number, _options, command: Command) => {
        const options = globalOptions(command);
        const outcome = await withDaemon(session, options, daemon => daemon.deleteImage(id));
        printImageOutcome(session, options, outcome);
      });
  },
};
