import type { Command } from 'commander';
import { expectDone, type CliCommand } from './command.js';
import { withDaemon } from './daemon.js';
import { globalOptions } from './options.js';
import { plainText } from './plain-text.js';

export const imagePauseCommand = pauseCommand('image-pause', {
  description: 'build no more of an image, until image-resume',
  isPaused: true,
  done: 'paused',
});

export const imageResumeCommand = pauseCommand('image-resume', {
  description: 'build an image again that was paused',
  isPaused: false,
  done: 'resumed',
});

function pauseCommand(name: string, what: { description: string; isPaused: boolean; done: string }): CliCommand {
  return {
    name,
    register(program, session) {
      program
        .command(name)
        .description(what.description)
        .argument('<provider>', 'the provider, as the configuration names it')
        .argument('<image>', 'its image')
        .action(async (provider: string, image: string, _options, command: Command) => {
          const ask = withDaemon(session, globalOptions(command), daemon =>
            daemon.pauseImage({ provider, image }, what.isPaused),
          );
          expectDone(await ask);
          session.err.write(`${what.done}: ${plainText(image)} of ${plainText(provider)}\n`);
        });
    },
  };
}
