import type { Command } from 'commander';
import type { PoolEvent } from '../ports/control.js';
import type { CliCommand } from './command.js';
import type { CliContext } from './context.js';
import { withDaemon } from './daemon.js';
import { exitCodes } from './exit-codes.js';
import { CliFailure } from './failure.js';
import { printData } from './listing.js';
import { globalOptions, type Output } from './options.js';
import { plainText } from './plain-text.js';

export const watchCommand: CliCommand = {
  name: 'watch',
  register(program, session) {
    program
      .command('watch')
      .description('follow what happens until interrupted; with -o json one object on each line')
      .action(async (_options, command: Command) => {
        const options = globalOptions(command);
        await withDaemon(session, options, async daemon => {
          for await (const event of daemon.events(session.signal)) printEvent(session, options.output, event);
        });
        if (session.signal.aborted) return;
        throw new CliFailure(exitCodes.unreachable, 'the daemon ended the stream', { next: 'it stops or was overrun' });
      });
  },
};

function printEvent(context: CliContext, output: Output, event: PoolEvent): void {
  switch (output) {
    case 'json':
      context.out.write(`${JSON.stringify(event)}\n`);
      return;
    case 'yaml':
      context.out.write('---\n');
      return printData(context, output, event);
    case 'name':
      context.out.write(`${plainText(event.type)}\n`);
      return;
    case 'table':
    case 'wide':
      context.out.write(
        `${new Date(event.at).toISOString()}  ${plainText(event.type).padEnd(20)}  ${plainText(event.message)}\n`,
      );
  }
}
