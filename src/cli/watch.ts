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
          const again = (failures: number): Promise<boolean> => comeBack(session, failures);
          for await (const event of daemon.resumedEvents(session.signal, again))
            printEvent(session, options.output, event);
        });
        if (session.signal.aborted) return;
        throw new CliFailure(exitCodes.unreachable, 'the stream broke, and no daemon came back', {
          next: 'see whether nodepoold runs',
        });
      });
  },
};

/** A daemon that is started again answers within seconds; nobody waits for one that was stopped for good. */
async function comeBack({ err, sleep }: CliContext, failures: number): Promise<boolean> {
  if (failures === 0) err.write('nodepool: the stream broke; coming back to it\n');
  if (failures >= triesMax) return false;
  await sleep(tryEveryMs);
  return true;
}

const tryEveryMs = 1_000;
const triesMax = 60;

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
