import type { Command } from 'commander';
import { expectDone, type CliCommand } from './command.js';
import { withDaemon } from './daemon.js';
import { globalOptions } from './options.js';
import { plainText } from './plain-text.js';

export const restartCommand: CliCommand = {
  name: 'restart',
  register(program, session) {
    program
      .command('restart')
      .description('begin a new life of an actor, a parked one too')
      .argument('<path>', 'the actor, as tree shows it')
      .action(async (path: string, _options, command: Command) => {
        expectDone(await withDaemon(session, globalOptions(command), daemon => daemon.restart(path)));
        session.err.write(`restarted ${plainText(path)}\n`);
      });
  },
};
