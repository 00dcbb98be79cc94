/**
 * One allocation round: from the nodes that exist and the jobs that wait to the nodes to launch, and to the reasons why
 * others are not. The pool actor runs it on what it knows, `nodepool plan` on what it is told.
 */
import type { Grant } from './allocation.js';
import { allocateInTurns } from './allocation-turns.js';
import { CloudRooms, nothingKnownOfClouds, type CloudView, type Obstacle } from './cloud-room.js';
import type { LabelQueue } from './demand.js';
import { deficitOf, labelDemand } from './demand.js';
import type { Label as ConfiguredLabel, Provider, Target } from './pool-config.js';
import { Stock } from './stock.js';

/** The part of a `PoolConfig` that a round looks at. */
export interface RoundConfig {
  readonly labels: readonly Label[];
  readonly providers: readonly Pick<Provider, 'name' | 'maxServers'>[];
  readonly targets: readonly Pick<Target, 'name'>[];
}

type Label = Pick<ConfiguredLabel, 'name' | 'image' | 'minReady' | 'subnodes' | 'providers'>;

export interface RoundInput {
  readonly config: RoundConfig;
  /** The nodes there are. */
  readonly stock: Stock;
  /** Whether the provider has an image that nodes can be launched from. */
  readonly usableImages: (provider: string, image: string) => boolean;
  /** Why it has none, where that is known. */
  readonly imageTrouble?: (provider: string, image: string) => string | null;
  readonly onlineTargets: ReadonlySet<string>;
  /** Why a target is not online, where that is known. */
  readonly targetTrouble?: (target: string) => string | null;
  /** By label; null: unknown. */
  readonly demand: ReadonlyMap<string, LabelQueue> | null;
  /** When the demand was sampled, epoch milliseconds. */
  readonly sampledAt: number | null;
  readonly eventsAlive: boolean;
  /** max-servers, possibly cut by the quota. */
  readonly providerLimit: (provider: string) => number;
  /** Nodes that a provider launches at once; by default any number. What is granted beyond that waits for its turn. */
  readonly launchesAtOnce?: (provider: string) => number;
  /** Servers of ours that no row counts, until they are deleted; by default there are none. */
  readonly leakedServers?: (provider: string) => number;
  /** Servers on which images are built, and those that a build is about to ask for; by default there are none. */
  readonly buildServers?: (provider: string) => number;
  /** While its breaker or back-off forbids launches; null: it is open for them. */
  readonly providerClosed: (provider: string) => Obstacle | null;
  /** What the clouds say of cores, memory and shortages; by default nothing is known of them. */
  readonly clouds?: CloudView;
  /** Since when a label asks and gets nothing. */
  readonly waitingSince: ReadonlyMap<string, number>;
}

export type RefusalReason =
  | 'disabled'
  | 'no-online-target'
  | 'not-configured'
  | 'provider-closed'
  | 'no-image'
  | 'max-servers'
  /** The cloud's quota leaves less than max-servers, and that is used up. */
  | 'quota'
  /** Cores or memory, of the configuration or of the cloud's quota. */
  | 'max-cores-or-ram'
  /** The cloud has shown not to give such a machine at the moment. */
  | 'no-capacity'
  /** Jobs wait and room is short, so the stock of min-ready is not filled up. */
  | 'reserve-gives-way'
  /** The room went to other labels this time. */
  | 'shared-out'
  /** The provider saves its room until the group of the label that waits longest fits in. */
  | 'saved-for-group';

export interface Refusal {
  readonly label: string;
  readonly reason: RefusalReason;
  /** Null where the reason is no provider's. */
  readonly provider: string | null;
  readonly detail: string;
  /** When it may be otherwise, epoch milliseconds; null: nobody knows. */
  readonly until: number | null;
}

/** What came of one label in a round. */
export interface LabelOutcome {
  readonly label: string;
  readonly minReady: number;
  /** Jobs that wait. */
  readonly waiting: number;
  /** Nodes ready or on their way, of online targets. */
  readonly stock: number;
  /** Nodes wanted, room or not. */
  readonly wanted: number;
  /** Nodes asked for: what is wanted, cut where room is short. */
  readonly deficit: number;
  readonly granted: number;
}

/** The room in one provider before a round gave it away, in servers. */
export interface ProviderRoom {
  readonly provider: string;
  readonly servers: number;
  readonly held: number;
  /** Without a row, beside `servers`. */
  readonly leaked: number;
  readonly limit: number;
  readonly maxServers: number;
}

export interface Round {
  readonly grants: readonly Grant[];
  /** Groups asked for, by label; zero where nothing is. */
  readonly deficits: ReadonlyMap<string, number>;
  /** Jobs that wait for a node, by label. */
  readonly waiting: ReadonlyMap<string, number>;
  readonly refusals: readonly Refusal[];
  /** Labels that asked for something and got nothing. */
  readonly stillWaiting: readonly string[];
  /** In the order of the configuration. */
  readonly labels: readonly LabelOutcome[];
  readonly providers: readonly ProviderRoom[];
}

export function planRound(input: RoundInput): Round {
  const { stock } = input;
  const clouds = cloudRooms(input);
  const ended = endedSinceSample(input);
  const rooms = new Map<string, Room>();
  for (const { name, maxServers } of input.config.providers) {
    const limit = Math.max(0, Math.floor(input.providerLimit(name)));
    const { servers, held } = stock.inProvider(name);
    const leaked = input.leakedServers?.(name) ?? 0;
    const builds = input.buildServers?.(name) ?? 0;
    const free = Math.max(0, limit - servers - leaked - builds);
    rooms.set(name, { limit, maxServers, servers, free, held, leaked, builds });
  }
  const wishes = input.config.labels.map(label => wishOf(label, { input, ended, rooms, clouds }));
  const saving = savingFor(wishes, input, rooms);
  const request = {
    providers: input.config.providers.map(({ name }) => ({
      name,
      available: name === saving?.provider ? 0 : (rooms.get(name)?.free ?? 0),
    })),
    labels: wishes.map(wish => ({
      name: wish.label.name,
      deficit: wish.deficit,
      groupSize: groupSizeOf(wish.label),
      providers: wish.usable,
      waitingSince: input.waitingSince.get(wish.label.name) ?? null,
    })),
    targets: input.config.targets.flatMap(({ name }) => (input.onlineTargets.has(name) ? [name] : [])),
    current: (label: string, target: string) => stock.ofLabel(label).get(target)?.total ?? 0,
  };
  const allocated = allocateInTurns(request, busyProviders(input));
  const grants = withinClouds(allocated, wishes, clouds);
  const granted = settle(grants, wishes, rooms);
  return {
    grants,
    deficits: new Map(wishes.map(wish => [wish.label.name, wish.deficit])),
    waiting: new Map(wishes.map(wish => [wish.label.name, wish.waiting])),
    refusals: wishes.flatMap(wish => refusalsOf(wish, granted.get(wish.label.name) ?? 0, { input, rooms, saving })),
    stillWaiting: wishes.flatMap(({ label, deficit }) => (deficit > 0 && !granted.has(label.name) ? [label.name] : [])),
    labels: wishes.map(({ label: { name, minReady }, waiting, stock: has, wanted, deficit }) => ({
      label: name,
      minReady,
      waiting,
      stock: has,
      wanted,
      deficit,
      granted: granted.get(name) ?? 0,
    })),
    providers: [...rooms].map(([provider, { servers, held, leaked, limit, maxServers }]) => ({
      provider,
      servers,
      held,
      leaked,
      limit,
      maxServers,
    })),
  };
}

function busyProviders({ config, stock, launchesAtOnce = () => Infinity }: RoundInput): ReadonlySet<string> {
  const names = config.providers.map(({ name }) => name);
  return new Set(names.filter(name => stock.inProvider(name).launching >= launchesAtOnce(name)));
}

/** What the next round's `waitingSince` is after this one. */
export function waitingAfter(
  round: Round,
  before: ReadonlyMap<string, number>,
  now: number,
): ReadonlyMap<string, number> {
  return new Map(round.stillWaiting.map(label => [label, before.get(label) ?? now]));
}

/** `plan --empty`: no rows, every image usable, every target online, so many jobs waiting. */
export function emptyRound(config: RoundConfig, demand: ReadonlyMap<string, number>): Round {
  const limits = new Map(config.providers.map(provider => [provider.name, provider.maxServers]));
  return planRound({
    config,
    stock: new Stock(),
    usableImages: () => true,
    onlineTargets: new Set(config.targets.map(target => target.name)),
    demand: new Map([...demand].map(([label, total]) => [label, { total, running: 0 }])),
    sampledAt: 0,
    eventsAlive: true,
    providerLimit: provider => limits.get(provider) ?? 0,
    providerClosed: () => null,
    waitingSince: new Map(),
  });
}

interface Room {
  readonly limit: number;
  readonly maxServers: number;
  /** Those there were before the round. */
  readonly servers: number;
  /** Servers that may still be launched. */
  free: number;
  /** Servers of held nodes, which nobody knows the end of. */
  readonly held: number;
  readonly leaked: number;
  readonly builds: number;
}

const noRoom: Room = { limit: 0, maxServers: 0, servers: 0, free: 0, held: 0, leaked: 0, builds: 0 };

/** Cores and memory as the nodes that exist have left them. */
function cloudRooms({ stock, config, clouds = nothingKnownOfClouds }: RoundInput): CloudRooms {
  const rooms = new CloudRooms(clouds);
  const images = new Map(config.labels.map(label => [label.name, label.image]));
  for (const { name } of config.providers) {
    for (const [label, servers] of stock.inProvider(name).byLabel) {
      const image = images.get(label);
      if (image !== undefined) rooms.take(name, { image, servers });
    }
  }
  return rooms;
}

/** By label: those that the sample still has as waiting or running. */
function endedSinceSample({ stock, sampledAt }: RoundInput): ReadonlyMap<string, number> {
  const ended = new Map<string, number>();
  if (sampledAt === null) return ended;
  for (const { label, jobEndedAt } of stock.ended()) {
    if (jobEndedAt !== null && jobEndedAt > sampledAt) ended.set(label, (ended.get(label) ?? 0) + 1);
  }
  return ended;
}

interface Wish {
  readonly label: Label;
  readonly waiting: number;
  readonly stock: number;
  /** Nodes wanted, room or not. */
  readonly wanted: number;
  readonly deficit: number;
  readonly usable: readonly string[];
  /** Providers that take no part, and why. */
  readonly closed: readonly Refusal[];
}

interface Surroundings {
  readonly input: RoundInput;
  readonly ended: ReadonlyMap<string, number>;
  readonly rooms: ReadonlyMap<string, Room>;
  readonly clouds: CloudRooms;
}

/** The allocation shares out servers alone; what has no cores or memory left waits for the next round. */
function withinClouds(grants: readonly Grant[], wishes: readonly Wish[], clouds: CloudRooms): readonly Grant[] {
  const labels = new Map(wishes.map(({ label }) => [label.name, label]));
  const within: Grant[] = [];
  for (const grant of grants) {
    const label = labels.get(grant.label);
    if (label === undefined) continue;
    const { image } = label;
    const servers = groupSizeOf(label);
    const count = Math.min(grant.count, clouds.groups(grant.provider, { image, servers }));
    clouds.take(grant.provider, { image, servers: servers * count });
    if (count > 0) within.push(count === grant.count ? grant : { ...grant, count });
  }
  return within;
}

function wishOf(label: Label, { input, ended, rooms, clouds }: Surroundings): Wish {
  const endedSinceSample = ended.get(label.name) ?? 0;
  let stock = 0;
  let used = 0;
  for (const [target, place] of input.stock.ofLabel(label.name)) {
    if (input.onlineTargets.has(target)) stock += place.stock;
    used += place.used;
  }
  const queue = input.demand?.get(label.name) ?? { total: 0, running: 0 };
  const waiting = labelDemand({ ...queue, used, endedSinceSample, eventsAlive: input.eventsAlive });
  const usable: string[] = [];
  const closed: Refusal[] = [];
  const group = { image: label.image, servers: groupSizeOf(label) };
  const surroundings = { input, rooms, clouds };
  let capacityInGroups = 0;
  for (const provider of label.providers) {
    const refusal = closedFor(label, provider, group, surroundings);
    if (refusal !== null) {
      closed.push(refusal);
      continue;
    }
    usable.push(provider);
    const groups = Math.floor((rooms.get(provider)?.free ?? 0) / group.servers);
    capacityInGroups += Math.min(groups, clouds.groups(provider, group));
  }
  return {
    label,
    waiting,
    stock,
    wanted: label.minReady < 0 ? 0 : Math.max(0, waiting + label.minReady - stock),
    deficit: deficitOf({ waiting, stock, minReady: label.minReady, capacityInGroups }),
    usable,
    closed,
  };
}

function groupSizeOf(label: Label): number {
  return 1 + label.subnodes;
}

function closedFor(
  label: Label,
  provider: string,
  group: { readonly image: string; readonly servers: number },
  { input, rooms, clouds }: Pick<Surroundings, 'input' | 'rooms' | 'clouds'>,
): Refusal | null {
  if (!rooms.has(provider)) {
    return refusal(label, 'not-configured', `${provider} is not in the configuration`, provider);
  }
  const closed = input.providerClosed(provider);
  if (closed !== null) {
    const detail = `${provider} launches nothing for now: ${closed.reason}`;
    return refusal(label, 'provider-closed', detail, provider, closed.until);
  }
  if (!input.usableImages(provider, label.image)) {
    const trouble = input.imageTrouble?.(provider, label.image) ?? null;
    const detail = `${provider} has no usable image ${label.image}${trouble === null ? '' : `: ${trouble}`}`;
    return refusal(label, 'no-image', detail, provider);
  }
  const shortage = input.clouds?.shortage(provider, label.image) ?? null;
  if (shortage !== null) {
    return refusal(label, 'no-capacity', `${provider}: ${shortage.reason}`, provider, shortage.until);
  }
  const obstacle = clouds.obstacle(provider, group);
  return obstacle === null ? null : refusal(label, 'max-cores-or-ram', obstacle, provider);
}

function refusal(
  label: Label,
  reason: RefusalReason,
  detail: string,
  provider: string | null = null,
  until: number | null = null,
): Refusal {
  return { label: label.name, reason, provider, detail, until };
}

interface Saving {
  readonly label: string;
  readonly provider: string;
  readonly groupSize: number;
}

/**
 * In a full pool servers come free one at a time, and each would go to a label of single nodes before a group ever fits
 * in. So when the label that waits longest has room for its group nowhere, one provider launches nothing until it has:
 * the one that is nearest, and that can have room at all while its held nodes stay.
 */
function savingFor(wishes: readonly Wish[], input: RoundInput, rooms: ReadonlyMap<string, Room>): Saving | null {
  const since = (wish: Wish) => input.waitingSince.get(wish.label.name) ?? Infinity;
  const [longest] = wishes
    .filter(wish => wish.deficit > 0 && since(wish) < Infinity)
    .sort((a, b) => since(a) - since(b));
  if (longest === undefined) return null;
  const groupSize = groupSizeOf(longest.label);
  let nearest: { readonly provider: string; readonly free: number } | null = null;
  for (const provider of longest.usable) {
    const { limit, free, held } = rooms.get(provider) ?? noRoom;
    if (free >= groupSize) return null;
    if (limit - held >= groupSize && (nearest === null || free > nearest.free)) nearest = { provider, free };
  }
  return nearest === null ? null : { label: longest.label.name, provider: nearest.provider, groupSize };
}

/** Takes what was granted out of the rooms; answers the groups granted by label. */
function settle(
  grants: readonly Grant[],
  wishes: readonly Wish[],
  rooms: ReadonlyMap<string, Room>,
): ReadonlyMap<string, number> {
  const sizes = new Map(wishes.map(({ label }) => [label.name, groupSizeOf(label)]));
  const granted = new Map<string, number>();
  for (const grant of grants) {
    granted.set(grant.label, (granted.get(grant.label) ?? 0) + grant.count);
    const room = rooms.get(grant.provider);
    if (room !== undefined) room.free -= grant.count * (sizes.get(grant.label) ?? 1);
  }
  return granted;
}

/** Why a label gets less than it wants; nothing for one that gets all. */
function refusalsOf(
  wish: Wish,
  granted: number,
  { input, rooms, saving }: { input: RoundInput; rooms: ReadonlyMap<string, Room>; saving: Saving | null },
): Refusal[] {
  const { label, wanted, deficit, waiting } = wish;
  if (label.minReady < 0) return [refusal(label, 'disabled', `min-ready is ${label.minReady}; ${waiting} jobs wait`)];
  if (granted >= wanted) return [];
  const { targets } = input.config;
  if (!targets.some(target => input.onlineTargets.has(target.name))) {
    const troubles = targets.flatMap(({ name }) => {
      const trouble = input.targetTrouble?.(name) ?? null;
      return trouble === null ? [] : [`${name}: ${trouble}`];
    });
    return [
      refusal(label, 'no-online-target', [`none of ${targets.length} targets is online`, ...troubles].join('; ')),
    ];
  }
  const size = groupSizeOf(label);
  const full: Refusal[] = [];
  for (const provider of wish.usable) {
    const { limit, maxServers, free, leaked, builds } = rooms.get(provider) ?? noRoom;
    if (provider === saving?.provider && label.name !== saving.label && free > 0) {
      const detail = `${provider} saves its room for ${saving.label}, which waits longest and takes ${saving.groupSize}`;
      full.push(refusal(label, 'saved-for-group', detail, provider));
      continue;
    }
    if (free >= size) continue;
    const without = leaked === 0 ? '' : `; ${leaked} servers without a row are there until a cleanup has deleted them`;
    const building = builds === 0 ? '' : `; images are built on ${builds}`;
    const detail = `${provider} has room for ${free} of ${limit} servers; a node takes ${size}${without}${building}`;
    const cut = `its quota leaves ${limit} of max-servers ${maxServers}`;
    if (limit >= maxServers) full.push(refusal(label, 'max-servers', detail, provider));
    else full.push(refusal(label, 'quota', `${detail}; ${cut}`, provider));
  }
  const rest: Refusal[] = [];
  const hasRoom = full.length < wish.usable.length;
  if (hasRoom && deficit < wanted) {
    rest.push(refusal(label, 'reserve-gives-way', `${wanted} nodes wanted, ${deficit} asked for: room is short`));
  }
  if (hasRoom && granted < deficit) {
    rest.push(refusal(label, 'shared-out', `${deficit} nodes asked for, ${granted} granted: others were served first`));
  }
  return [...wish.closed, ...full, ...rest];
}
