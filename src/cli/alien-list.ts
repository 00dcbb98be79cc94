/** `alien-list`, `alien-image-list`: what the clouds have and no row names. */
import type { Command } from 'commander';
import { whereListed } from '../domain/where-listed.js';
import type { ControlClient } from '../http/client.js';
import type { AlienImageView, AlienServerView, AliensView } from '../ports/control.js';
import type { CliCommand } from './command.js';
import type { CliSession } from './context.js';
import { withDaemon } from './daemon.js';
import { exitCodes } from './exit-codes.js';
import { CliFailure } from './failure.js';
import { printList, type Listing } from './listing.js';
import { readAlienImages, readAlienServers } from './offline-clouds.js';
import { globalOptions, type GlobalOptions } from './options.js';
import { plainText } from './plain-text.js';

const serverListing: Listing<AlienServerView> = {
  columns: [
    { header: 'Provider', value: server => server.provider },
    { header: 'Hostname', value: server => server.hostname },
    { header: 'Server ID', value: server => server.serverId },
    { header: 'IP', value: server => server.ip },
    { header: 'Status', value: server => server.status, isWide: true },
    { header: 'Mark', value: server => server.mark, isWide: true },
  ],
  name: server => `server/${server.serverId}`,
};

const imageListing: Listing<AlienImageView> = {
  columns: [
    { header: 'Provider', value: image => image.provider },
    { header: 'Name', value: image => image.name },
    { header: 'Image ID', value: image => image.imageId },
    { header: 'Status', value: image => image.status, isWide: true },
    { header: 'Mark', value: image => image.mark, isWide: true },
  ],
  name: image => `image/${image.imageId}`,
};

export const alienListCommand = alienCommand({
  name: 'alien-list',
  description: 'list servers in the clouds that no row names',
  listing: serverListing,
  ask: (daemon, provider) => daemon.alienServers(provider),
  read: readAlienServers,
});

export const alienImageListCommand = alienCommand({
  name: 'alien-image-list',
  description: 'list snapshots in the clouds that no row names',
  listing: imageListing,
  ask: (daemon, provider) => daemon.alienImages(provider),
  read: readAlienImages,
});

interface AlienCommand<View> {
  readonly name: string;
  readonly description: string;
  readonly listing: Listing<View>;
  readonly ask: (daemon: ControlClient, provider: string | null) => Promise<AliensView<View> | null>;
  /** While no daemon runs. */
  readonly read: (
    session: CliSession,
    options: GlobalOptions,
    provider: string | null,
  ) => Promise<AliensView<View> | null>;
}

function alienCommand<View>({ name, description, listing, ask, read }: AlienCommand<View>): CliCommand {
  return {
    name,
    register(program, session) {
      program
        .command(name)
        .description(description)
        .argument('[provider]', 'only of this provider')
        .action(async (provider: string | undefined, _options, command: Command) => {
          const options = globalOptions(command);
          const only = provider ?? null;
          const view = await withDaemon(
            session,
            options,
            daemon => ask(daemon, only),
            () => read(session, options, only),
          );
          print(session, options, listing, expectProvider(only, view));
        });
    },
  };
}

function expectProvider<View>(name: string | null, view: View | null): View {
  if (view !== null) return view;
  throw new CliFailure(exitCodes.notFound, `there is no provider ${plainText(name ?? '')}`, {
    next: whereListed.provider,
  });
}

/** The others are listed all the same, and a script learns that the list is not whole. */
function print<View>(
  session: CliSession,
  { output }: GlobalOptions,
  listing: Listing<View>,
  { aliens, troubles }: AliensView<View>,
): void {
  printList(session, output, listing, aliens);
  for (const { provider, reason, next } of troubles) {
    session.err.write(`nodepool: ${plainText(provider)} could not be asked: ${plainText(reason)}; ${next}\n`);
  }
  if (troubles.length > 0) session.exit(exitCodes.failed);
}
