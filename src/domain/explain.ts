/** Why nodes of a label are launched or not, in words: from the last round and from what the nodes under way wait for. */
import type { FailedLaunch } from './failed-launches.js';
import { nextOf } from './fault.js';
import type { NotedRound } from './ledger.js';
import type { Disabled, Label } from './pool-config.js';
import type { LabelOutcome, ProviderRoom, Refusal, RefusalReason } from './round.js';
import type { WaitsFor } from './situation.js';

/** A refusal, and what an operator may do about it. */
export interface ExplainedRefusal extends Refusal {
  readonly next: string;
}

/** Nodes under way that wait for the same thing. */
export interface Waiting {
  readonly waitsFor: WaitsFor;
  readonly provider: string;
  readonly step: string | null;
  readonly count: number;
  /** The least time that one of them has been at it, and the longest, in seconds. */
  readonly secondsMax: number;
  readonly detail: string;
  readonly next: string;
}

/** What is wrong with an image from which nodes may be launched all the same. */
export interface ImageTrouble {
  readonly image: string;
  readonly provider: string;
  readonly detail: string;
  readonly next: string;
}

export interface LabelExplanation {
  readonly label: string;
  /** The answer in one sentence. */
  readonly verdict: string;
  /** Null: no round has had it yet. */
  readonly figures: LabelOutcome | null;
  readonly refusals: readonly ExplainedRefusal[];
  /** Of the providers that do not refuse for want of it. */
  readonly images: readonly ImageTrouble[];
  /** Launches that failed, where none has worked since. */
  readonly failures: readonly FailedLaunch[];
  readonly underWay: readonly Waiting[];
}

export interface ProviderExplanation {
  readonly provider: string;
  readonly verdict: string;
  readonly room: ProviderRoom | null;
  readonly refusals: readonly ExplainedRefusal[];
  readonly failures: readonly FailedLaunch[];
  readonly underWay: readonly Waiting[];
}

export interface ExplainedPool {
  readonly last: NotedRound | null;
  readonly disabled: readonly Disabled[];
  /** Why no round is decided; null: they are. */
  readonly trouble: string | null;
  /** What is wrong with an image in a provider; null: nothing. */
  readonly imageTrouble: (provider: string, image: string) => string | null;
  readonly failures: readonly FailedLaunch[];
}

export function explainLabel(
  { name, image, providers }: Pick<Label, 'name' | 'image' | 'providers'>,
  pool: ExplainedPool,
  underWay: readonly Waiting[],
): LabelExplanation {
  const figures = pool.last?.labels.find(({ label }) => label === name) ?? null;
  const refused = (pool.last?.refusals ?? []).filter(({ label }) => label === name);
  const refusals = [...refused, ...brokenPairings(name, pool)].map(withNext);
  const verdict = pool.trouble ?? verdictOf(figures, refusals, { providers, underWay });
  const lacking = refusals.flatMap(({ reason, provider }) => (reason === 'no-image' ? [provider] : []));
  const images = providers.flatMap(provider =>
    lacking.includes(provider) ? [] : imageTroubles(provider, image, pool),
  );
  const failures = pool.failures.filter(({ label }) => label === name);
  return { label: name, verdict, figures, refusals, images, failures, underWay };
}

function imageTroubles(provider: string, image: string, pool: ExplainedPool): ImageTrouble[] {
  const detail = pool.imageTrouble(provider, image);
  if (detail === null) return [];
  const look = `nodepool inspect /providers/${provider}/images/${image}; the log of its build has all that was said`;
  return [{ image, provider, detail, next: nextOf(detail) ?? look }];
}

/** Providers that the file names for the label and cannot have. */
function brokenPairings(label: string, { disabled }: ExplainedPool): Refusal[] {
  return disabled
    .filter(({ kind, name }) => kind === 'pairing' && name.startsWith(`${label}/`))
    .map(({ name, reason }) => ({
      label,
      reason: 'not-configured',
      provider: name.slice(label.length + 1),
      detail: reason,
      until: null,
    }));
}

/** A name that the configuration has, but that is not in force. */
export function explainDisabled(kind: Disabled['kind'], name: string, { disabled }: ExplainedPool): string | null {
  const found = disabled.find(each => each.kind === kind && each.name === name);
  return found === undefined ? null : `it is disabled: ${found.reason}; correct the configuration file`;
}

export function explainProvider(name: string, pool: ExplainedPool, underWay: readonly Waiting[]): ProviderExplanation {
  const room = pool.last?.providers.find(({ provider }) => provider === name) ?? null;
  const refusals = (pool.last?.refusals ?? []).filter(({ provider }) => provider === name).map(withNext);
  const failures = pool.failures.filter(({ provider }) => provider === name);
  return {
    provider: name,
    verdict: pool.trouble ?? providerVerdict(room, refusals),
    room,
    refusals,
    failures,
    underWay,
  };
}

function verdictOf(
  figures: LabelOutcome | null,
  refusals: readonly ExplainedRefusal[],
  { providers, underWay }: { readonly providers: readonly string[]; readonly underWay: readonly Waiting[] },
): string {
  if (figures === null) return 'no allocation round has been decided since the daemon started';
  const { wanted, granted, minReady, stock, waiting } = figures;
  const has = `${stock} ready or on their way, min-ready ${minReady}, ${jobs(waiting)} waiting`;
  const disabled = refusals.find(({ reason }) => reason === 'disabled');
  if (disabled !== undefined) return `nothing is launched, it is disabled: ${disabled.detail}`;
  const idle = underWay.filter(({ waitsFor }) => waitsFor !== 'step' && waitsFor !== 'test-job');
  const stuck = idle.reduce((sum, { count }) => sum + count, 0);
  const wait =
    stuck === 0 ? '' : `; ${stuck} of those on their way wait: ${[...new Set(idle.map(waitWord))].join(', ')}`;
  if (wanted === 0) return `nothing more is wanted: ${has}${wait}`;
  if (granted >= wanted) return `${nodes(granted)} granted in the last round: ${has}${wait}`;
  const missing = `${nodes(wanted - granted)} wanted that are not launched (${has})`;
  const reasons = [...new Set(refusals.map(({ reason }) => reason))];
  const where = refusals.filter(({ provider }) => provider !== null).length;
  const why =
    where === 0 ? reasons.join(', ') : `${where} of ${providers.length} providers refuse: ${reasons.join(', ')}`;
  return `${missing}: ${why}${wait}`;
}

function providerVerdict(room: ProviderRoom | null, refusals: readonly ExplainedRefusal[]): string {
  if (room === null) return 'no allocation round has been decided since the daemon started';
  const { servers, held, leaked, limit, maxServers } = room;
  const quota = limit < Math.max(0, maxServers) ? ` (its quota cuts max-servers ${maxServers})` : '';
  const holding = held === 0 ? '' : `, ${held} of them held`;
  const leaking = leaked === 0 ? '' : `, and ${leaked} that have no row`;
  const use = `${servers} of ${limit} servers in use${quota}${holding}${leaking}`;
  if (maxServers <= 0) return `it drains: max-servers is ${maxServers}; ${use}`;
  const [first] = refusals;
  return first === undefined ? `it is open for launches; ${use}` : `${first.detail}; ${use}`;
}

function jobs(count: number): string {
  return count === 1 ? '1 job' : `${count} jobs`;
}

function nodes(count: number): string {
  return count === 1 ? '1 node' : `${count} nodes`;
}

function waitWord({ waitsFor, provider }: Waiting): string {
  return `${waitsFor} in ${provider}`;
}

function withNext(refusal: Refusal): ExplainedRefusal {
  return { ...refusal, next: nextOf(refusal.detail) ?? nextByReason[refusal.reason](refusal) };
}

/** Where no fault is behind it. */
const nextByReason: Readonly<Record<RefusalReason, (refusal: Refusal) => string>> = {
  disabled: () => 'set min-ready to 0 or more in the configuration file',
  'no-online-target': () => 'see that the Jenkins masters run and answer: nodepool doctor',
  'not-configured': ({ label }) => `add the provider to the configuration, or take it out of label ${label}`,
  'provider-closed': ({ provider }) =>
    `it is tried again by itself; nodepool inspect /providers/${provider ?? ''}/cloud`,
  'no-image': ({ provider }) => `nodepool image-list, nodepool image-update ${provider ?? ''} IMAGE`,
  'max-servers': ({ provider }) => `delete or release nodes there, or nodepool tune ${provider ?? ''} max-servers=N`,
  quota: () => 'ask the cloud for more quota, or delete what else uses it',
  'max-cores-or-ram': () => 'raise max-cores, max-ram or the quota, or choose a smaller flavor',
  'no-capacity': () => 'it is tried again by itself; check flavor, zones and networks of the provider',
  'reserve-gives-way': () => 'nothing: jobs that wait come before min-ready',
  'shared-out': () => 'nothing: the next rounds serve it',
  'saved-for-group': () => 'nothing: the room is kept until the group fits',
};
