/**
 * Owns    the stock: what there is of each label, what is wanted, and which nodes are granted to which provider.
 * Hears   node, node-gone (node actors), living (their supervisors), demand, image, provider, leaked, target, events
 *         (those who know), build-room (snapshots), plan, usage (control).
 * Tells   each provider's nodes the rows that were granted to it; builds that there is room for them; its health to
 *         stats; how things stand to history; what came of each round to the ledger.
 * Stores  the rows of a round, in one transaction, before anybody acts on them.
 * If it dies: it reads the table once; what it was told of images, providers, targets and events it still knows.
 *
 * Every change marks the pool dirty; one round follows soon, and never two within the same short time. A round is
 * decided purely, by `domain/round`, on one snapshot of what is known here.
 */
import type { Obstacle } from '../domain/cloud-room.js';
import { factSheet } from '../domain/fact-sheet.js';
import { Fault } from '../domain/fault.js';
import { grouped } from '../domain/grouped.js';
import type { BuildRoom } from '../domain/build-room.js';
import type { Installation, NodeId, SnapshotId } from '../domain/ids.js';
import type { NewNode, NodeRow } from '../domain/node-row.js';
import type { PoolConfig, Provider } from '../domain/pool-config.js';
import { limitsOf, unlimited, type Limits } from '../domain/quota.js';
import { readDemand, type QueueFunction } from '../domain/demand.js';
import { planRound, waitingAfter, type Refusal, type Round } from '../domain/round.js';
import { everyZone } from '../domain/shortage.js';
import { Stock, type NodeFactSheet } from '../domain/stock.js';
import { newTag } from '../domain/tag.js';
import type { Outside } from '../ports/outside.js';
import type { Actor, Context, ReplyTo } from '../runtime/actor.js';
import type { Capacity } from './cloud/capacity.js';
import { historyAddress, ledgerAddress, nodesAddress, poolAddress, statsAddress, storeAddress } from './addresses.js';
import { serverName } from './demand.js';
import { endpointName } from './events.js';
import { grantBuildRoom, type BuildRooms, type BuildWish } from './pool/build-room.js';
import { imageKey } from './pool/image-key.js';
import { afterwards, planOf, type PoolPlan } from './pool/plan.js';
import { imagesOf, type Settings } from './settings.js';
import type { StoreNotice } from './store.js';

export type PoolMessage =
  | { readonly type: 'node'; readonly fact: NodeFactSheet }
  | { readonly type: 'node-gone'; readonly id: NodeId }
  /** The nodes of a provider that have actors (its nodes' supervisor): of those up to this id there are no others. */
  | {
      readonly type: 'living';
      readonly provider: string;
      readonly nodes: ReadonlySet<NodeId>;
      readonly highestId: number;
    }
  | {
      readonly type: 'demand';
      readonly server: string;
      readonly functions: readonly QueueFunction[];
      readonly askedAt: number;
    }
  | {
      readonly type: 'image';
      readonly provider: string;
      readonly image: string;
      readonly isUsable: boolean;
      readonly trouble: string | null;
      /** That its builds take, or are about to take. */
      readonly buildServers: number;
    }
  /** A build is about to begin, once there is room for its server. */
  | ({ readonly type: 'build-room'; readonly id: SnapshotId } & Omit<BuildWish, 'since'>)
  /** `closed`: why nothing is to be launched there. */
  | { readonly type: 'provider'; readonly name: string; readonly closed: Obstacle | null }
  /** What a cloud has room for, and what it is short of. */
  | { readonly type: 'capacity'; readonly provider: string; readonly capacity: Capacity }
  /** Servers in its cloud that no row counts. */
  | { readonly type: 'leaked'; readonly provider: string; readonly servers: number }
  | { readonly type: 'target'; readonly name: string; readonly isOnline: boolean; readonly trouble: string | null }
  | { readonly type: 'events'; readonly endpoint: string; readonly isConnected: boolean }
  | {
      readonly type: 'plan';
      readonly demand: Readonly<Record<string, number>>;
      /** The configuration that is to come; null: it stays. */
      readonly next: PoolConfig | null;
      readonly replyTo: ReplyTo<PoolPlan>;
    }
  | { readonly type: 'usage'; readonly replyTo: ReplyTo<readonly ProviderUsage[]> }
  | { readonly type: 'reconfigured' }
  | { readonly type: 'round' }
  | { readonly type: 'pass' }
  | StoreNotice;

/** What one provider is used for, and what it may be used for. */
export interface ProviderUsage {
  readonly provider: string;
  readonly servers: number;
  /** Those of held nodes among them. */
  readonly held: number;
  readonly maxServers: number;
  /** max-servers, or what the cloud's quota leaves of it. */
  readonly limit: number;
  /** Why nothing is launched there; null: it may be. */
  readonly closedBecause: string | null;
}

export interface PoolArgs {
  readonly outside: Outside;
  readonly settings: Settings;
  readonly known: Known;
}

/** What others tell at its changes only: it outlives a life of the pool. */
export interface Known {
  readonly samples: Map<string, Sample>;
  readonly images: Set<string>;
  readonly imageTroubles: Map<string, string>;
  readonly closedProviders: Map<string, Obstacle>;
  readonly capacities: Map<string, Capacity>;
  readonly leaked: Map<string, number>;
  readonly buildServers: Map<string, { readonly provider: string; readonly servers: number }>;
  readonly onlineTargets: Set<string>;
  readonly targetTroubles: Map<string, string>;
  readonly events: Map<string, boolean>;
  /** Targets and images of which anything was heard. */
  readonly heardOf: Set<string>;
  /** Nodes whose rows were asked for, with no answer yet: they may be written at any time. */
  readonly unanswered: NewNode[];
}

export const nothingKnown = (): Known => ({
  samples: new Map(),
  images: new Set(),
  imageTroubles: new Map(),
  closedProviders: new Map(),
  capacities: new Map(),
  leaked: new Map(),
  buildServers: new Map(),
  onlineTargets: new Set(),
  targetTroubles: new Map(),
  events: new Map(),
  heardOf: new Set(),
  unanswered: [],
});

interface Sample {
  readonly functions: readonly QueueFunction[];
  readonly askedAt: number;
}

interface PoolState extends Omit<PoolArgs, 'known'>, Known {
  /** Null until the table has been read. */
  stock: Stock | null;
  /** False until the table has been read, and after a write of which nobody knows whether it took effect. */
  isStockSure: boolean;
  /** Told with the database. */
  installation: Installation | null;
  /** Enough is known for a round. */
  isInformed: boolean;
  waitingSince: ReadonlyMap<string, number>;
  readonly buildRooms: BuildRooms;
  refusals: readonly Refusal[];
  rounds: number;
  isRoundDue: boolean;
}

/** Changes come in bursts: one round serves a burst. */
const roundDelayMs = 50;

export const poolActor: Actor<PoolMessage, PoolState, PoolArgs> = {
  kind: 'pool',
  mailbox: { limit: 200_000, overflow: 'refuse-newest' },

  init(ctx, { known, ...args }) {
    ctx.register(poolAddress);
    const state: PoolState = {
      ...args,
      ...known,
      stock: null,
      isStockSure: false,
      installation: null,
      isInformed: false,
      waitingSince: new Map(),
      buildRooms: { wishes: new Map(), leaving: new Map() },
      refusals: [],
      rounds: 0,
      isRoundDue: false,
    };
    tellHealth('the table has not been read yet', ctx);
    beginPass(state, ctx);
    return state;
  },

  async handle(message, state, ctx) {
    switch (message.type) {
      case 'store-ready':
        state.installation = message.installation;
        await readTable(state, ctx);
        return;
      case 'round':
        state.isRoundDue = false;
        await round(state, ctx);
        return;
      case 'pass':
        state.isInformed = true;
        pass(state, ctx);
        return;
      case 'reconfigured':
        forgetUnconfigured(state);
        // Those that are new are to have their say.
        state.isInformed = false;
        soon(state, ctx);
        return;
      case 'plan':
        message.replyTo.reply(plan(message, state, ctx.now()));
        return;
      case 'usage':
        message.replyTo.reply(usage(state));
        return;
      case 'store-away':
        return;
      case 'build-room': {
        const { id, provider, ref } = message;
        const { wishes } = state.buildRooms;
        wishes.set(id, { provider, ref, since: wishes.get(id)?.since ?? ctx.now() });
        soon(state, ctx);
        return;
      }
      default:
        if (note(message, state) || !state.isInformed) soon(state, ctx);
    }
  },

  describe({ stock, rounds, refusals }) {
    if (!stock) return { state: 'waiting for the database' };
    const reasons = [
      ...new Set(
        refusals.map(({ label, reason, provider }) => `${label}${provider ? ` in ${provider}` : ''}: ${reason}`),
      ),
    ];
    return { state: `${stock.size} nodes, ${rounds} rounds${reasons.length > 0 ? `; ${reasons.join(', ')}` : ''}` };
  },
};

// ── What is known ────────────────────────────────────────────────────────────────────────────────────────────────

/** True where something changed that a round depends on. */
function note(message: PoolMessage, state: PoolState): boolean {
  switch (message.type) {
    case 'node':
      return noteNode(message.fact, state);
    case 'node-gone':
      return forgetNode(message.id, state);
    case 'living':
      return forgetOthers(message, state);
    case 'demand':
      // The last answer of a server that has gone from the configuration may come after it.
      if (!state.settings.config.gearmanServers.some(each => serverName(each) === message.server)) return false;
      state.samples.set(message.server, message);
      return true;
    case 'image': {
      const { provider, image, buildServers: servers } = message;
      const key = imageKey(provider, image);
      state.heardOf.add(key);
      setTrouble(state.imageTroubles, key, message.trouble);
      const before = state.buildServers.get(key)?.servers ?? 0;
      state.buildServers.set(key, { provider, servers });
      return setMember(state.images, key, message.isUsable) || before !== servers;
    }
    case 'target':
      state.heardOf.add(message.name);
      setTrouble(state.targetTroubles, message.name, message.trouble);
      return setMember(state.onlineTargets, message.name, message.isOnline);
    case 'provider': {
      const wasOpen = !state.closedProviders.has(message.name);
      if (message.closed === null) state.closedProviders.delete(message.name);
      else state.closedProviders.set(message.name, message.closed);
      return wasOpen !== (message.closed === null);
    }
    case 'capacity':
      state.capacities.set(message.provider, message.capacity);
      return true;
    case 'leaked': {
      const before = state.leaked.get(message.provider) ?? 0;
      state.leaked.set(message.provider, message.servers);
      return before !== message.servers;
    }
    case 'events': {
      const before = state.events.get(message.endpoint);
      state.events.set(message.endpoint, message.isConnected);
      return before !== message.isConnected;
    }
    default:
      return false;
  }
}

function noteNode(fact: NodeFactSheet, { stock }: PoolState): boolean {
  const known = stock?.get(fact.id);
  if (!stock || (known && known.revision > fact.revision)) return false;
  stock.note(fact);
  return !known || known.state !== fact.state || known.servers !== fact.servers || known.jobEnded !== fact.jobEnded;
}

/**
 * A node that ended its job after the last sample still counts against that sample: the job is in it. Its fact stays,
 * without servers, until the next one.
 */
function forgetNode(id: NodeId, state: PoolState): boolean {
  const { stock } = state;
  const fact = stock?.get(id);
  if (!stock || !fact) return false;
  const sampledAt = oldestSample(state);
  if (fact.jobEndedAt !== null && sampledAt !== null && fact.jobEndedAt > sampledAt) {
    stock.note({ ...fact, state: 'delete', servers: 0, revision: Infinity });
  } else {
    stock.forget(id);
  }
  return true;
}

/** A row that the database lost before its node's actor was told of it. Ids grow, and what was just granted comes later. */
function forgetOthers(
  { provider, nodes, highestId }: Extract<PoolMessage, { type: 'living' }>,
  { stock }: PoolState,
): boolean {
  let areAny = false;
  for (const { id, revision } of [...(stock?.nodesIn(provider) ?? [])]) {
    if (nodes.has(id) || id > highestId || revision === Infinity) continue;
    stock?.forget(id);
    areAny = true;
  }
  return areAny;
}

function forgetGhosts(state: PoolState): void {
  const sampledAt = oldestSample(state);
  for (const { id, revision, jobEndedAt } of [...(state.stock?.ended() ?? [])]) {
    const isGhost = revision === Infinity;
    if (isGhost && (sampledAt === null || (jobEndedAt ?? 0) <= sampledAt)) state.stock?.forget(id);
  }
}

/** What was told by those that have gone from the configuration: nobody would take it back. */
function forgetUnconfigured({
  settings,
  samples,
  events,
  images,
  imageTroubles,
  closedProviders,
  capacities,
  leaked,
  buildServers,
  onlineTargets,
  targetTroubles,
  heardOf,
}: PoolState): void {
  const { config } = settings;
  keepOnly(samples, config.gearmanServers.map(serverName));
  keepOnly(events, config.zmqPublishers.map(endpointName));
  keepOnly(onlineTargets, config.targets.map(nameOf));
  keepOnly(targetTroubles, config.targets.map(nameOf));
  keepOnly(closedProviders, config.providers.map(nameOf));
  keepOnly(capacities, config.providers.map(nameOf));
  keepOnly(leaked, config.providers.map(nameOf));
  const known = config.providers.flatMap(each => imagesOf(each).map(image => imageKey(each.name, image.name)));
  keepOnly(images, known);
  keepOnly(imageTroubles, known);
  keepOnly(buildServers, known);
  keepOnly(heardOf, [...known, ...config.targets.map(nameOf)]);
}

const nameOf = ({ name }: { readonly name: string }): string => name;

function keepOnly(told: Set<string> | Map<string, unknown>, names: readonly string[]): void {
  const kept = new Set(names);
  for (const name of told.keys()) if (!kept.has(name)) told.delete(name);
}

function setMember(set: Set<string>, member: string, isIn: boolean): boolean {
  if (set.has(member) === isIn) return false;
  if (isIn) set.add(member);
  else set.delete(member);
  return true;
}

function setTrouble(troubles: Map<string, string>, name: string, trouble: string | null): void {
  if (trouble === null) troubles.delete(name);
  else troubles.set(name, trouble);
}

function oldestSample({ samples }: PoolState): number | null {
  let oldest: number | null = null;
  for (const { askedAt } of samples.values()) oldest = Math.min(oldest ?? askedAt, askedAt);
  return oldest;
}

/** A sample is believed for a while; with none left the demand is unknown, never zero (lesson 53). */
function dropOldSamples({ samples, settings }: PoolState, now: number): void {
  for (const [server, { askedAt }] of samples) {
    if (now - askedAt > settings.timings.demandAge) samples.delete(server);
  }
}

async function readTable(state: PoolState, ctx: Context<PoolMessage>): Promise<void> {
  if (state.isStockSure) return;
  try {
    const rows = await state.outside.store.shared.nodes();
    // What the database may have lost of them their actors know.
    state.stock ??= new Stock();
    for (const row of rows) noteNode(factSheet(row), state);
    state.isStockSure = true;
    soon(state, ctx);
  } catch (error) {
    storeFailed(error, state, ctx);
  }
}

// ── Rounds ───────────────────────────────────────────────────────────────────────────────────────────────────────

function soon(state: PoolState, ctx: Context<PoolMessage>): void {
  if (state.isRoundDue || !state.isStockSure || !isInformed(state)) return;
  state.isRoundDue = true;
  ctx.timer('round', roundDelayMs, { type: 'round' });
}

/**
 * A round before all had their say would give everything to those that answer first, and would miss the stock of a
 * master that has not answered yet. Nobody is waited for longer than one pass.
 */
function isInformed(state: PoolState): boolean {
  if (state.isInformed) return true;
  const { settings, heardOf } = state;
  const { targets, labels } = settings.config;
  const images = labels.flatMap(({ image, minReady, providers }) =>
    minReady < 0 ? [] : providers.filter(name => settings.image(name, image)).map(name => imageKey(name, image)),
  );
  state.isInformed = [...targets.map(({ name }) => name), ...images].every(each => heardOf.has(each));
  return state.isInformed;
}

/** The fallback, for whatever nobody told of. */
function pass(state: PoolState, ctx: Context<PoolMessage>): void {
  dropOldSamples(state, ctx.now());
  forgetGhosts(state);
  soon(state, ctx);
  beginPass(state, ctx);
}

function beginPass({ settings }: PoolState, ctx: Context<PoolMessage>): void {
  ctx.tell(storeAddress, { type: 'subscribe', path: ctx.path, listener: ctx.self });
  ctx.timer('pass', settings.timings.pass, { type: 'pass' });
}

function decideRound(state: PoolState, demand: RoundDemand): Round {
  const { config } = state.settings;
  const limits = new Map(config.providers.map(provider => [provider.name, limitsIn(provider, state)]));
  return planRound({
    config,
    stock: state.stock ?? new Stock(),
    usableImages: (provider, image) => state.images.has(imageKey(provider, image)),
    imageTrouble: (provider, image) => state.imageTroubles.get(imageKey(provider, image)) ?? null,
    onlineTargets: state.onlineTargets,
    targetTrouble: target => state.targetTroubles.get(target) ?? null,
    ...demand,
    eventsAlive: [...state.events.values()].some(Boolean),
    providerLimit: provider => limits.get(provider)?.servers ?? 0,
    launchesAtOnce: provider => state.settings.lastKnown.provider(provider)?.concurrency.launches ?? Infinity,
    leakedServers: provider => state.leaked.get(provider) ?? 0,
    buildServers: provider => buildServersIn(provider, state),
    clouds: {
      limits: provider => limits.get(provider) ?? { cores: null, ramMb: null },
      size: (provider, image) => state.capacities.get(provider)?.sizes.get(image) ?? null,
      shortage: (provider, image) => shortageOf(provider, image, state),
    },
    providerClosed: provider => state.closedProviders.get(provider) ?? null,
    waitingSince: state.waitingSince,
  });
}

function limitsIn(provider: Provider, { capacities }: PoolState): Limits {
  return limitsOf(provider, capacities.get(provider.name)?.byQuota ?? unlimited);
}

function buildServersIn(provider: string, { buildServers }: PoolState): number {
  let sum = 0;
  for (const each of buildServers.values()) if (each.provider === provider) sum += each.servers;
  return sum;
}

function roomIn(name: string, state: PoolState): Omit<BuildRoom, 'waiting'> {
  const provider = state.settings.provider(name);
  return {
    limit: provider ? limitsIn(provider, state).servers : 0,
    servers: state.stock?.inProvider(name).servers ?? 0,
    leaked: state.leaked.get(name) ?? 0,
    builds: buildServersIn(name, state),
  };
}

/** Why nothing of this image can be launched in any zone; null: it can in one of them. */
function shortageOf(provider: string, image: string, state: PoolState): Obstacle | null {
  if ((state.capacities.get(provider)?.shortages.length ?? 0) === 0) return null;
  if (zonesFor(provider, image, state).length > 0) return null;
  const shortages = state.capacities.get(provider)?.shortages ?? [];
  return shortages.find(each => each.image === image) ?? { reason: 'nothing can be launched there now', until: null };
}

/** The zones that have room for it; null among them: wherever the cloud puts it. */
function zonesFor(provider: string, image: string, { settings, capacities }: PoolState): readonly (string | null)[] {
  const configured = settings.provider(provider)?.availabilityZones ?? [];
  const shortages = (capacities.get(provider)?.shortages ?? []).filter(each => each.image === image);
  const zones: readonly (string | null)[] = configured.length > 0 ? configured : [null];
  return zones.filter(zone => !shortages.some(({ az }) => az === everyZone || az === zone));
}

interface RoundDemand {
  readonly demand: ReturnType<typeof readDemand>['byLabel'] | null;
  readonly sampledAt: number | null;
}

function demandOf(state: PoolState): RoundDemand {
  if (state.samples.size === 0) return { demand: null, sampledAt: null };
  const functions = [...state.samples.values()].flatMap(sample => sample.functions);
  return { demand: readDemand(functions).byLabel, sampledAt: oldestSample(state) };
}

async function round(state: PoolState, ctx: Context<PoolMessage>): Promise<void> {
  if (!state.stock || !state.isStockSure) return;
  dropOldSamples(state, ctx.now());
  const known = demandOf(state);
  const decided = decideRound(state, known);
  state.waitingSince = waitingAfter(decided, state.waitingSince, ctx.now());
  const { unanswered } = state;
  const isRepeat = unanswered.length > 0;
  // By their tags they are written once, however often they are asked for: new ones would come beside them.
  if (!isRepeat) unanswered.push(...newNodes(decided, state, ctx));
  state.refusals = decided.refusals;
  state.rounds++;
  if (unanswered.length > 0) {
    try {
      grant(await state.outside.store.shared.insertNodes([...unanswered]), state, ctx);
    } catch (error) {
      storeFailed(error, state, ctx);
      return;
    }
    unanswered.length = 0;
    if (isRepeat) soon(state, ctx);
  }
  grantBuildRoom(state.buildRooms, state.stock, provider => roomIn(provider, state), ctx);
  ctx.tell(ledgerAddress, { type: 'round', round: decided, sampledAt: known.sampledAt });
  const waiting = known.demand === null ? null : decided.waiting;
  ctx.tell(historyAddress, { type: 'stock', nodes: state.stock.states, waiting });
  tellHealth(null, ctx);
}

/** Whether the rows were written is not known: what is there is read again before the next round. */
function storeFailed(error: unknown, state: PoolState, ctx: Context<PoolMessage>): void {
  if (!(error instanceof Fault)) throw error;
  state.isStockSure = false;
  state.outside.log.warn(`no round: ${error.message}`, { actor: ctx.path, fault: error.kind, next: error.next });
  ctx.tell(storeAddress, { type: 'away-seen', reason: error.message });
  tellHealth(error.message, ctx);
}

function tellHealth(reason: string | null, ctx: Context<PoolMessage>): void {
  ctx.tell(statsAddress, { type: 'dependency', name: 'pool', reason, isVital: true });
}

function newNodes({ grants }: Round, state: PoolState, ctx: Context<PoolMessage>): NewNode[] {
  const { settings, installation } = state;
  const nodes: NewNode[] = [];
  for (const { label: name, provider, target, count } of grants) {
    const label = settings.label(name);
    if (!label || installation === null) continue;
    const zones = zonesFor(provider, label.image, state);
    for (let n = 0; n < count; n++) {
      const az = zones[Math.floor(ctx.random() * zones.length)] ?? null;
      nodes.push({
        provider,
        label: name,
        target,
        az,
        groupSize: 1 + label.subnodes,
        tag: newTag(installation, () => ctx.random()),
      });
    }
  }
  return nodes;
}

function grant(rows: readonly NodeRow[], state: PoolState, ctx: Context<PoolMessage>): void {
  for (const row of rows) state.stock?.note(factSheet(row));
  for (const [provider, own] of grouped(rows, row => row.provider)) {
    ctx.tell(nodesAddress(provider), { type: 'adopt', rows: own });
    ctx.tell(statsAddress, {
      type: 'happened',
      event: { type: 'pool.granted', message: `${provider} launches ${summary(own)}`, provider },
    });
  }
}

function summary(rows: readonly NodeRow[]): string {
  const counts = new Map<string, number>();
  for (const { label } of rows) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].map(([label, count]) => `${count} ${label}`).join(', ');
}

function usage(state: PoolState): readonly ProviderUsage[] {
  return state.settings.config.providers.map(provider => ({
    provider: provider.name,
    servers: state.stock?.inProvider(provider.name).servers ?? 0,
    held: state.stock?.inProvider(provider.name).held ?? 0,
    maxServers: provider.maxServers,
    limit: limitsIn(provider, state).servers,
    closedBecause: state.closedProviders.get(provider.name)?.reason ?? null,
  }));
}

/** What another round would come to, now and under the configuration that comes. */
function plan(
  { demand, next }: Pick<Extract<PoolMessage, { type: 'plan' }>, 'demand' | 'next'>,
  state: PoolState,
  now: number,
): PoolPlan {
  const known = demandOf(state);
  const asked = new Map([...(known.demand ?? [])]);
  for (const [label, total] of Object.entries(demand)) asked.set(label, { total, running: 0 });
  const given = { demand: asked, sampledAt: known.sampledAt ?? now };
  const decided = decideRound(state, given);
  const later = next === null ? decided : decideRound({ ...state, ...afterwards(next, state) }, given);
  return planOf({ decided, later, next, settings: state.settings, stock: state.stock ?? new Stock() });
}
