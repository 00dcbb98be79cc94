import type { Command } from 'commander';
import { printOutcome, type CliCommand } from './command.js';
import { withDaemon } from './daemon.js';
import { parseDuration } from './duration.js';
import { holdOffline } from './offline.js';
import { globalOptions, parseNodeId } from './options.js';

export const holdCommand: CliCommand = {
  name: 'hold',
  register(program, session) {
    program
      .command('hold')
      .description('keep a node whatever happens, until it is released or deleted')
      .argument('<id>', 'the node', parseNodeId)
      .option('--reason <text>', 'why, for others to read')
      .option('--for <time>', 'how long, for example 2h or 3d', parseDuration)
      .action(async (id: number, given: { reason?: string; for?: number }, command: Command) => {
        const options = globalOptions(command);
        const hold = { reason: given.reason ?? null, forMs: given.for ?? null };
        const outcome = await withDaemon(
          session,
          options,
          daemon => daemon.hold(id, hold),
          () => holdOffline(session, options, { id, ...hold }),
        );
        printOutcome(session, options, outcome);
      });
  },
};
