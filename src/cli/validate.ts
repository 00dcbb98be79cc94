import type { Command } from 'commander';
import type { CliCommand } from './command.js';
import { runConfigValidate } from './config-validate.js';
import { exitCodes } from './exit-codes.js';
import { globalOptions } from './options.js';

export const configValidateCommand: CliCommand = {
  name: 'config-validate',
  register(program, session) {
    program
      .command('config-validate')
      .description('check the configuration file: every error at its line, in one run, offline')
      .action((_options, command: Command) => {
        const { config, secure, output } = globalOptions(command);
        const code = runConfigValidate({
          file: config,
          ...(secure === undefined ? {} : { secureFile: secure }),
          output,
          env: session.env,
          out: text => void session.out.write(text),
          err: text => void session.err.write(text),
        });
        session.exit(code === 0 ? exitCodes.done : exitCodes.invalid);
      });
  },
};
