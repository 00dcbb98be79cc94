import { InvalidArgumentError, type Command } from 'commander';
import { tunableKeys } from '../domain/tuning.js';
import { expectDone, type CliCommand } from './command.js';
import { withDaemon } from './daemon.js';
import { globalOptions } from './options.js';
import { plainText } from './plain-text.js';

interface Wish {
  readonly key: string;
  readonly value: number;
}

export const tuneCommand: CliCommand = {
  name: 'tune',
  register(program, session) {
    program
      .command('tune')
      .description(`change a provider until the next reload: ${tunableKeys.join(', ')}`)
      .argument('<provider>', 'the provider')
      .argument('<key=value...>', 'what to change, such as launches=10', addWish)
      .action(async (provider: string, wishes: readonly Wish[], _options, command: Command) => {
        await withDaemon(session, globalOptions(command), async daemon => {
          for (const wish of wishes) {
            expectDone(await daemon.tune(provider, wish));
            session.err.write(`tuned ${plainText(provider)} ${wish.key}=${wish.value} until the next reload\n`);
          }
        });
      });
  },
};

function addWish(text: string, earlier: readonly Wish[] | undefined): readonly Wish[] {
  const [, key, value] = /^([a-z.-]+)=(-?\d+(?:\.\d+)?)$/.exec(text) ?? [];
  if (key === undefined || value === undefined) throw new InvalidArgumentError(`"${text}" is not KEY=NUMBER.`);
  if (!tunableKeys.some(each => each === key.replace(/^concurrency\./, ''))) {
    throw new InvalidArgumentError(`${key} cannot be tuned; these can: ${tunableKeys.join(', ')}.`);
  }
  return [...(earlier ?? []), { key, value: Number(value) }];
}
