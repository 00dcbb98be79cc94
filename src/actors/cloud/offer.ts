/** What a cloud offers: flavors, images, networks. Remembered for a while, and forgotten when the cloud contradicts (lesson 25). */
import { Fault, named } from '../../domain/fault.js';
import { pickFlavor, type FlavorWish } from '../../domain/flavor.js';
import { namesSaid } from '../../domain/names.js';
import { isNamed, networksOf } from '../../domain/network.js';
import type { Provider } from '../../domain/pool-config.js';
import { everyZone } from '../../domain/shortage.js';
import { tagKey } from '../../domain/tag.js';
import type { CloudImage, CloudNetwork, Flavor } from '../../ports/cloud.js';
import type { CloudMessage } from '../cloud.js';
import { imagesOf } from '../settings.js';
import { enqueue, inTurn } from './calls.js';
import type { CloudContext, CloudState, Settled } from './state.js';

export interface Offer {
  readonly flavors: readonly Flavor[];
  readonly images: readonly CloudImage[];
  /** Empty where the configuration names none. */
  readonly networks: readonly CloudNetwork[];
  readonly at: number;
}

/** An operator who replaces an image or a flavor sees it used after this time. */
const offerAgeMs = 600_000;

/** What the cloud offers, from memory while that is fresh; all who ask meanwhile share one question. */
export function withOffer(state: CloudState, ctx: CloudContext, use: (offer: Settled<Offer>) => void): void {
  if (state.offer && ctx.now() - state.offer.at < offerAgeMs) {
    use({ ok: true, value: state.offer });
    return;
  }
  state.offerWaiters.push(use);
  if (state.offerWaiters.length > 1) return;
  enqueue(
    {
      name: 'listFlavors+listImages',
      place: inTurn('offer'),
      isWrite: false,
      run: async (port, deadlineMs, signal): Promise<Omit<Offer, 'at'>> => ({
        flavors: await port.listFlavors({ deadlineMs, signal }),
        images: await port.listImages({ deadlineMs, signal }),
        networks: namesNetworks(state) ? await port.listNetworks({ deadlineMs, signal }) : [],
      }),
      settled(outcome, askedAt) {
        const waiters = state.offerWaiters.splice(0);
        let offer = outcome as Settled<Offer>;
        if (outcome.ok) {
          state.offer = { ...(outcome.value as Omit<Offer, 'at'>), at: askedAt };
          offer = { ok: true, value: state.offer };
        }
        for (const waiter of waiters) waiter(offer);
      },
    },
    state,
    ctx,
  );
}

function namesNetworks({ settings, provider }: CloudState): boolean {
  return (settings.provider(provider)?.networks ?? []).some(isNamed);
}

/** What the configuration wants and the cloud does not have, before any launch finds it out. */
export function offerTroubles(
  provider: Provider,
  { offer }: CloudState,
): { readonly image: string; readonly az: string; readonly reason: string; readonly until: null }[] {
  if (!offer) return [];
  const networks = networksOf(offer.networks, provider);
  return imagesOf(provider).flatMap(image => {
    const flavor = flavorOf(offer, image, provider.name);
    const fault = flavor instanceof Fault ? flavor : networks instanceof Fault ? networks : null;
    return fault ? [{ image: image.name, az: everyZone, reason: named(fault), until: null }] : [];
  });
}

export function flavorOf(offer: Offer, wish: FlavorWish, provider: string): Flavor | Fault {
  const flavor = pickFlavor(offer.flavors, wish);
  if (flavor) return flavor;
  const names = namesSaid(offer.flavors.map(({ name, ramMb }) => `${name} (${ramMb} MB)`));
  return new Fault('cloud.no-flavor', `${provider} has no flavor with ${describeFlavor(wish)}; it has ${names}`);
}

function describeFlavor({ minRamMb, nameFilter, flavorName }: FlavorWish): string {
  const named = flavorName === null ? '' : ` named ${flavorName}`;
  const filtered = nameFilter === null ? '' : ` with “${nameFilter}” in its name`;
  return `${minRamMb} MB or more${named}${filtered}`;
}

export function resolveImage(
  { image, replyTo }: Extract<CloudMessage, { type: 'resolve-image' }>,
  state: CloudState,
  ctx: CloudContext,
): void {
  withOffer(state, ctx, offer => {
    if (!offer.ok) {
      replyTo.reply({ ok: false, fault: offer.fault, wasSent: false });
      return;
    }
    const usable = offer.value.images.filter(
      each => (image.id === null ? each.name === image.name : each.id === image.id) && each.status === 'active',
    );
    const [found, second] = usable;
    const named = image.id ?? image.name ?? '';
    if (found && !second) {
      replyTo.reply({ ok: true, value: found.id });
      return;
    }
    const message = found
      ? `${state.provider} has ${usable.length} active images named ${named}; name one by its id`
      : `${state.provider} has no active image ${named}; it has ${namesSaid(activeNames(offer.value.images))}`;
    replyTo.reply({ ok: false, fault: new Fault('cloud.no-image', message), wasSent: true });
  });
}

function activeNames(images: Offer['images']): readonly string[] {
  return images.filter(({ status }) => status === 'active').map(({ name }) => name);
}

/** Not from memory: what came of a call just now is asked. A snapshot of somebody else's may have inherited the mark. */
export function findImage(
  { tag, name, replyTo }: Extract<CloudMessage, { type: 'find-image' }>,
  state: CloudState,
  ctx: CloudContext,
): void {
  enqueue(
    {
      name: 'listImages',
      place: inTurn('images'),
      isWrite: false,
      run: (port, deadlineMs, signal) => port.listImages({ deadlineMs, signal }),
      settled(outcome) {
        if (!outcome.ok) {
          replyTo.reply({ ...outcome, wasSent: true });
          return;
        }
        const images = outcome.value as readonly CloudImage[];
        const found = images.find(image => image.metadata[tagKey] === tag && image.name === name);
        replyTo.reply({ ok: true, value: found ?? null });
      },
    },
    state,
    ctx,
  );
}
