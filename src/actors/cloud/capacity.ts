/** What a cloud has room for: its quota, and what it has shown not to give. Told to the pool, which shares it out. */
import { launchFailed, launchWorked } from '../../domain/cloud-breaker.js';
import { Fault, named, withNext } from '../../domain/fault.js';
import {
  leftByQuota,
  limitsOf,
  nothing,
  unlimited,
  type Amount,
  type CandidateQuota,
  type Share,
} from '../../domain/quota.js';
import { everyZone, nextEnd, plentiful, short, shortOf, type ShortOf } from '../../domain/shortage.js';
import { isTagOf, tagKey } from '../../domain/tag.js';
import type { Provider } from '../../domain/pool-config.js';
import type { Server } from '../../ports/cloud.js';
import { poolAddress } from '../addresses.js';
import type { CloudMessage } from '../cloud.js';
import { imagesOf } from '../settings.js';
import { enqueue, inTurn, tellPool } from './calls.js';
import { wait } from './lists.js';
import { flavorOf, offerTroubles, withOffer } from './offer.js';
import type { ServerList } from './server-list.js';
import type { CloudReply } from './server-waiters.js';
import type { CloudContext, CloudState } from './state.js';

/** What the pool learns of a provider's room. */
export interface Capacity {
  readonly byQuota: Share;
  /** By name of the image. */
  readonly sizes: ReadonlyMap<string, { readonly cores: number; readonly ramMb: number }>;
  readonly shortages: readonly ImageShortage[];
}

export interface ImageShortage {
  readonly image: string;
  /** Null: where the cloud puts it. */
  readonly az: string | null;
  readonly reason: string;
  /** When it is tried again, epoch milliseconds; null: once the cloud offers it. */
  readonly until: number | null;
}

/** Quotas change by hand, and what others use of them by the minute. */
const quotaEveryMs = 60_000;
const listPatienceMs = 120_000;

export function readQuota(state: CloudState, ctx: CloudContext): void {
  const provider = state.settings.provider(state.provider);
  ctx.timer('quota-due', quotaEveryMs, { type: 'quota-due' });
  if (!state.access.port || !provider || provider.maxServers <= 0) return;
  withOffer(state, ctx, () => tellCapacity(state, ctx));
  if (provider.ignoreProviderQuota || state.isReadingQuota) return;
  state.isReadingQuota = true;
  enqueue(
    {
      name: 'quota',
      place: inTurn('quota'),
      isWrite: false,
      isOptional: true,
      run: (port, deadlineMs, signal) => port.quota({ deadlineMs, signal }),
      settled(outcome, askedAt) {
        state.isReadingQuota = false;
        // A cloud that does not tell its quota shows it by refusing.
        if (outcome.ok) withServers(outcome.value as CandidateQuota, askedAt, state, ctx);
      },
    },
    state,
    ctx,
  );
}

/** How many of the servers that the cloud counts are ours only a list of the same time says. */
function withServers(quota: CandidateQuota, askedAt: number, state: CloudState, ctx: CloudContext): void {
  const reply = (outcome: CloudReply<ServerList>): void => {
    if (!outcome.ok) return;
    state.byQuota = leftByQuota(quota, ours(outcome.value, state));
    tellCapacity(state, ctx);
  };
  const since = askedAt - state.settings.timings.serverList;
  wait({ kind: 'list', since, until: ctx.now() + listPatienceMs, replyTo: { reply } }, state, ctx);
}

function ours(list: ServerList, state: CloudState): Amount & { readonly addresses: number | null } {
  let { servers, cores, ramMb } = nothing;
  for (const server of list.byId.values()) {
    if (!isOurs(server, state)) continue;
    const size = sizeOf(imageNameOf(server), state);
    servers += 1;
    cores += size?.cores ?? 0;
    ramMb += size?.ramMb ?? 0;
  }
  return { servers, cores, ramMb, addresses: state.needsAddresses ? servers : null };
}

/** Servers that images are built on are not among those that max-servers counts: they take room as others' do. */
function isOurs(server: Server, { installation }: CloudState): boolean {
  const mark = server.metadata[tagKey];
  const isMarked = mark !== undefined && installation !== null && isTagOf(installation, mark);
  return isMarked && !('snapshot_image_id' in saidOf(server));
}

function imageNameOf(server: Server): string {
  const name = saidOf(server)['image_name'];
  return typeof name === 'string' ? name : '';
}

/** As whoever creates it writes it (reference 22.4). */
function saidOf(server: Server): Readonly<Record<string, unknown>> {
  try {
    const said: unknown = JSON.parse(server.metadata['nodepool'] ?? 'null');
    return typeof said === 'object' && said !== null ? { ...said } : {};
  } catch {
    return {};
  }
}

function sizeOf(image: string, state: CloudState): { readonly cores: number; readonly ramMb: number } | null {
  const configured = state.settings.image(state.provider, image);
  if (!configured || !state.offer) return null;
  const flavor = flavorOf(state.offer, configured, state.provider);
  return flavor instanceof Fault ? null : flavor;
}

function flavorNameOf(image: string, state: CloudState): string | null {
  const configured = state.settings.image(state.provider, image);
  if (!configured || !state.offer) return null;
  const flavor = flavorOf(state.offer, configured, state.provider);
  return flavor instanceof Fault ? null : flavor.name;
}

// ── What launches show ───────────────────────────────────────────────────────────────────────────────────────────

/** A launch that failed for want of room, or because of its image, says nothing of launches elsewhere. */
export function launchSettled(
  { image, az, fault }: Extract<CloudMessage, { type: 'launch-settled' }>,
  state: CloudState,
  ctx: CloudContext,
): void {
  const now = ctx.now();
  const zones = state.settings.provider(state.provider)?.availabilityZones ?? [];
  // Once it runs, a server that was left to the cloud has a zone, too.
  const launch = { image, az: zones.length === 0 ? null : az, flavor: flavorNameOf(image, state) };
  const missing = fault && shortOf(fault, launch);
  if (!fault) {
    state.breaker = launchWorked(state.breaker);
    state.shortages = plentiful(state.shortages, launch);
  } else if (missing) {
    state.shortages = short(state.shortages, missing, { reason: named(fault), now, chance: ctx.random() });
  } else {
    state.breaker = launchFailed(state.breaker, fault, now, ctx.random());
  }
  tellPool(state, ctx);
  tellCapacity(state, ctx);
}

/** The pool is told when something of it has changed. */
export function tellCapacity(state: CloudState, ctx: CloudContext): void {
  const provider = state.settings.provider(state.provider);
  if (!provider) return;
  const now = ctx.now();
  const next = nextEnd(state.shortages, now);
  if (next !== null) ctx.timer('shortage-over', next - now, { type: 'shortage-over' });
  const capacity = capacityOf(provider, state, now);
  const print = JSON.stringify([capacity.byQuota, [...capacity.sizes], capacity.shortages]);
  if (print === state.toldCapacity) return;
  state.toldCapacity = print;
  ctx.tell(poolAddress, { type: 'capacity', provider: provider.name, capacity });
  tellPool(state, ctx);
}

/** What the configuration wants and the cloud does not have: it is for the operator to mend. Null: all of it is there. */
export function misfitOf(state: CloudState, now: number): string | null {
  const provider = state.settings.provider(state.provider);
  if (!provider) return null;
  for (const { image, reason } of offerTroubles(provider, state)) return `no ${image}: ${reason}`;
  for (const { of, reason, until } of state.shortages.values()) {
    if (until > now && of.kind === 'image' && !reason.startsWith('cloud.no-capacity'))
      return `no ${of.name}: ${reason}`;
  }
  return null;
}

function capacityOf(provider: Provider, state: CloudState, now: number): Capacity {
  const sizes = new Map<string, { cores: number; ramMb: number }>();
  for (const { name } of imagesOf(provider)) {
    const size = sizeOf(name, state);
    if (size) sizes.set(name, { cores: size.cores, ramMb: size.ramMb });
  }
  const shortages: ImageShortage[] = offerTroubles(provider, state);
  for (const { of, reason, until } of state.shortages.values()) {
    if (until <= now) continue;
    for (const { name } of imagesOf(provider)) {
      if (isOf(of, name, state)) shortages.push({ image: name, az: of.az, reason, until });
    }
  }
  return { byQuota: state.byQuota, sizes, shortages };
}

function isOf(of: ShortOf, image: string, state: CloudState): boolean {
  return of.kind === 'image' ? of.name === image : of.name === flavorNameOf(image, state);
}

/** For people; nothing where nothing is short or limited. */
export function describeCapacity(state: CloudState, now: number): string[] {
  const provider = state.settings.provider(state.provider);
  if (!provider) return [];
  const parts: string[] = [];
  for (const { of, reason, until } of state.shortages.values()) {
    if (until <= now) continue;
    const where = of.az === everyZone || of.az === null ? '' : ` in ${of.az}`;
    parts.push(`no ${of.name}${where}: ${withNext(reason)} (tried again in ${Math.ceil((until - now) / 1000)} s)`);
  }
  for (const { image, reason } of offerTroubles(provider, state)) parts.push(`no ${image}: ${withNext(reason)}`);
  const limits = limitsOf(provider, state.byQuota);
  const configured = limitsOf(provider, unlimited);
  if (limits.servers < configured.servers) {
    parts.push(`the quota leaves ${limits.servers} of ${configured.servers} servers`);
  }
  if (limits.cores !== configured.cores) parts.push(`${limits.cores} cores`);
  if (limits.ramMb !== configured.ramMb) parts.push(`${limits.ramMb} MB of memory`);
  return parts;
}
