import type { Command } from 'commander';
import type { CliCommand } from './command.js';
import { withDaemon } from './daemon.js';
import { exitCodes } from './exit-codes.js';
import { CliFailure } from './failure.js';
import { printData } from './listing.js';
import { globalOptions } from './options.js';
import { plainText } from './plain-text.js';

export const reloadCommand: CliCommand = {
  name: 'reload',
  register(program, session) {
    program
      .command('reload')
      .description('have the daemon read its configuration now, and show what that changed')
      .action(async (_options, command: Command) => {
        const options = globalOptions(command);
        const outcome = await withDaemon(session, options, daemon => daemon.reload());
        if (outcome.kind === 'failed') throw new CliFailure(exitCodes.failed, outcome.message);
        const changes = outcome.kind === 'done' ? outcome.changes : [];
        const { problems } = outcome;
        if (outcome.kind === 'refused') session.exit(exitCodes.invalid);
        if (options.output === 'json' || options.output === 'yaml') {
          printData(session, options.output, { changes, problems });
          return;
        }
        for (const change of changes) session.out.write(`${plainText(change)}\n`);
        for (const problem of problems) session.err.write(`${plainText(problem)}\n`);
        if (outcome.kind === 'refused') session.err.write('refused: the old configuration stays in force\n');
        else if (changes.length === 0) session.err.write('nothing changed\n');
      });
  },
};
