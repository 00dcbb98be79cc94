/**
 * Owns    the subtree of each provider: its cloud, its images, its nodes.
 * Hears   reconfigured (config), in-use (janitor): which providers rows name.
 * Tells   cloud, images and nodes of a provider that the configuration says something else of it.
 * Stores  nothing.
 * If it dies: the providers of the configuration are started anew; the others at the janitor's next round.
 *
 * A provider that has gone from the configuration keeps its subtree as long as rows name it: nothing is launched, what
 * is under way finishes, and what is there is deleted with the credentials last known.
 */
import type { SnapshotId } from '../domain/ids.js';
import type { Outside } from '../ports/outside.js';
import { cloudAddress, imageAddress, imagesAddress, nodesAddress, providersAddress } from './addresses.js';
import { cloudActor } from './cloud.js';
import { imageActor } from './image.js';
import { nodesActor, noNodesSeen, type NodesSeen } from './nodes.js';
import { Permits, type BuildPermitMessage } from './permits.js';
import { imagesOf, type Settings } from './settings.js';
import { followingSupervisor, supervisor } from './supervisors.js';

export interface ProvidersArgs {
  readonly outside: Outside;
  readonly settings: Settings;
  /** By provider. */
  readonly nodesSeen: Map<string, NodesSeen>;
}

type ProviderArgs = ProvidersArgs & { readonly provider: string };

export const providersActor = followingSupervisor<ProvidersArgs>({
  kind: 'providers',
  address: () => providersAddress,
  names: ({ settings }) => settings.config.providers.map(({ name }) => name),
  start: (name, as, ctx, args) => ctx.spawn(providerActor, as, { ...args, provider: name }),
  tell(name, ctx, { settings }) {
    ctx.tell(cloudAddress(name), { type: 'reconfigured' });
    ctx.tell(nodesAddress(name), { type: 'reconfigured' });
    ctx.tell(imagesAddress(name), { type: 'reconfigured', changed: imagesOf(settings.provider(name)).map(nameOf) });
  },
  outlivesConfiguration: true,
});

/** The cloud comes first and goes last: images and nodes ask it. */
const providerActor = supervisor<ProviderArgs>('provider', (ctx, args) => {
  ctx.spawn(cloudActor, 'cloud', args);
  ctx.spawn(imagesActor, 'images', args);
  const seen = args.nodesSeen.get(args.provider) ?? noNodesSeen();
  args.nodesSeen.set(args.provider, seen);
  ctx.spawn(nodesActor, 'nodes', { ...args, seen });
});

/** Also holds the permits to build: images that are built at once share what the provider allows. */
const imagesActor = followingSupervisor<ProviderArgs, BuildPermitMessage, BuildPermits>({
  kind: 'images',
  address: ({ provider }) => imagesAddress(provider),
  names: ({ settings, provider }) => imagesOf(settings.provider(provider)).map(nameOf),
  start: (name, as, ctx, args) => ctx.spawn(imageActor, as, { ...args, image: name }),
  tell: (name, ctx, { provider }) => ctx.tell(imageAddress(provider, name), { type: 'reconfigured' }),
  // What was built is to be seen, and deleted.
  outlivesConfiguration: true,
  more: {
    own: () => new Permits({ type: 'permit-granted' }),
    describe: ({ held, waiting }) => `building ${held} (${waiting} wait)`,
    handle(message, permits, ctx, { settings, provider }) {
      const limit = settings.lastKnown.provider(provider)?.concurrency.imageBuilds ?? 0;
      switch (message.type) {
        case 'permit-wanted':
          if (message.isUnderWay) permits.holdFromStart(message.id);
          permits.ask(message.id, message.ref, limit);
          ctx.watch(message.ref, () => ({ type: 'permit-returned', id: message.id }));
          return;
        case 'permit-returned':
          permits.giveBack(message.id, limit);
          return;
        default:
          permits.grant(limit);
      }
    },
  },
});

type BuildPermits = Permits<SnapshotId, { readonly type: 'permit-granted' }>;

const nameOf = ({ name }: { readonly name: string }): string => name;
