import type { Command } from 'commander';
import type { ControlClient } from '../http/client.js';
import type { ImageView } from '../ports/control.js';
import { expectDone, type CliCommand } from './command.js';
import type { CliSession } from './context.js';
import { withDaemon } from './daemon.js';
import { exitCodes } from './exit-codes.js';
import { CliFailure } from './failure.js';
import { buildText } from './image-progress.js';
import { printList } from './listing.js';
import { imageListing } from './node-listing.js';
import { globalOptions } from './options.js';
import { plainText } from './plain-text.js';
import { withProgress } from './progress.js';
import { buildFailed } from './wait/image.js';

const pollMs = 1_000;

export const imageUpdateCommand: CliCommand = {
  name: 'image-update',
  register(program, session) {
    program
      .command('image-update')
      .description('build an image, and return when that is over')
      .argument('<provider>', 'the provider, as the configuration names it')
      .argument('<image>', 'its image')
      .option('--no-wait', 'return once the build has begun')
      .action(async (provider: string, image: string, given: { wait: boolean }, command: Command) => {
        const options = globalOptions(command);
        const built = await withDaemon(session, options, async daemon => {
          const begun = expectDone(await daemon.updateImage({ provider, image })).image;
          return begun !== null && given.wait ? follow(begun, daemon, session) : begun;
        });
        printList(session, options.output, imageListing, built === null ? [] : [built]);
      });
  },
};

/** Says each step as it begins, on a terminal as a bar. The build goes on in the daemon, whoever waits for it. */
function follow(begun: ImageView, daemon: ControlClient, session: CliSession): Promise<ImageView> {
  return withProgress(session, async line => {
    let told = '';
    for (;;) {
      const status = await daemon.imageStatus(begun);
      if (status === null) throw new CliFailure(exitCodes.failed, 'the image has gone from the daemon meanwhile');
      const { building, lastBuild, current, candidate } = status;
      const row = building.find(each => each.id === begun.id);
      const isOver = row === undefined && lastBuild?.id === begun.id;
      if (isOver && !lastBuild.isReady) throw buildFailed(lastBuild);
      if (isOver) return [current, candidate].find(each => each?.id === begun.id) ?? begun;
      if (row === undefined) throw buildFailed({ id: begun.id, reason: 'it was deleted' });
      const step = `image ${begun.id}: ${row.step ?? ''}`;
      if (step !== told && session.progressColumns() === null) session.err.write(`${plainText(step)}\n`);
      told = step;
      line.show(buildText(row));
      await session.sleep(pollMs);
    }
  });
}
