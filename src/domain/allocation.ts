/**
 * Shares the room in the providers among the labels (reference 7). Each label's deficit is spread over its providers in
 * proportion to their room; then each provider in turn grants: first to labels that came away with nothing before, the
 * longest waiting first, then to the most restricted labels, in proportion to what they ask.
 *
 * Where the original over-allocates or starves, this does not: room is never negative, a group is granted whole or not
 * at all, and the label that waits longest gets something wherever one of its providers has room for a group.
 * All order is the order of the configuration, so that the same input always gives the same grants.
 */
import assert from 'node:assert/strict';

export interface AllocationInput {
  /** Servers that each provider has room for, in configuration order. */
  readonly providers: readonly { readonly name: string; readonly available: number }[];
  /** In configuration order. */
  readonly labels: readonly AllocationLabel[];
  /** The online targets, in configuration order. */
  readonly targets: readonly string[];
  /** Existing nodes of a label for a target, in any state. */
  readonly current: (label: string, target: string) => number;
}

export interface AllocationLabel {
  readonly name: string;
  /** Groups to launch. */
  readonly deficit: number;
  /** Servers of a node with its subnodes. */
  readonly groupSize: number;
  /** Usable providers only. */
  readonly providers: readonly string[];
  /** Since when the label asks and gets nothing; null if it got something last time. */
  readonly waitingSince: number | null;
}

/** `count` groups of the label, to be launched in the provider for the target. */
export interface Grant {
  readonly label: string;
  readonly provider: string;
  readonly target: string;
  readonly count: number;
}

/** Grants by provider, then in the order granted, then by target. */
export function allocate(input: AllocationInput): Grant[] {
  if (input.targets.length === 0) return [];
  const providers = input.providers.map(({ name, available }): ProviderShare => {
    const room = Math.max(0, Math.floor(available));
    return { name, room, available: room, claims: [] };
  });
  const byName = new Map(providers.map(provider => [provider.name, provider]));
  for (const label of input.labels) {
    if (label.deficit > 0) openRequest(label, byName, input);
  }
  const grants: Grant[] = [];
  for (const provider of providers) grantAll(provider, grants);
  assertWithinRoom(grants, input, byName);
  return grants;
}

interface ProviderShare {
  readonly name: string;
  readonly room: number;
  /** What is left of the room. */
  available: number;
  /** In label order. */
  readonly claims: Claim[];
}

/** What a label still asks. */
interface LabelRequest {
  readonly label: AllocationLabel;
  /** Groups. */
  amount: number;
  /** Claims that have not been granted yet, and the groups that their providers have room for together. */
  claims: number;
  groups: number;
  readonly targets: readonly { readonly name: string; current: number }[];
}

/** A label's claim on one provider. */
interface Claim {
  readonly request: LabelRequest;
  readonly provider: ProviderShare;
  /** Whole groups that the provider had room for before anything was granted there. */
  readonly groups: number;
}

function openRequest(
  label: AllocationLabel,
  providers: ReadonlyMap<string, ProviderShare>,
  { targets, current }: AllocationInput,
): void {
  const request: LabelRequest = {
    label,
    amount: label.deficit,
    claims: 0,
    groups: 0,
    targets: targets.map(name => ({ name, current: current(label.name, name) })),
  };
  for (const name of new Set(label.providers)) {
    const provider = providers.get(name);
    if (provider === undefined) continue;
    const groups = Math.floor(provider.room / label.groupSize);
    provider.claims.push({ request, provider, groups });
    request.claims += 1;
    request.groups += groups;
  }
}

/** Its share of what the label still asks, in proportion to the room of the claims that are left. */
function amountOf({ request, groups }: Claim): number {
  return request.groups === 0 ? 0 : (groups / request.groups) * request.amount;
}

/** Those of a provider are granted one after another, before those of the next one. */
function grantAll(provider: ProviderShare, grants: Grant[]): void {
  const waiting = provider.claims
    .filter(claim => claim.request.label.waitingSince !== null)
    .sort((a, b) => (a.request.label.waitingSince ?? 0) - (b.request.label.waitingSince ?? 0));
  const others = provider.claims.filter(claim => claim.request.label.waitingSince === null);
  let served = 0;
  for (const claim of waiting) {
    if (provider.available === 0) break;
    served += 1;
    grant(claim, Math.trunc(amountOf(claim)), grants);
  }
  // The order is fixed now, before any of these is granted.
  const rest = [...others, ...waiting.slice(served)]
    .map(claim => ({ claim, amount: amountOf(claim), priority: claim.request.claims }))
    .sort((a, b) => a.priority - b.priority);
  // A grant changes no other label's claim, so that the amounts hold for all of them.
  const totals = totalsToLevelEnd(rest);
  for (const [i, { claim, amount }] of rest.entries()) {
    const total = totals[i] ?? 0;
    const ratio = total === 0 ? 0 : amount / total;
    grant(claim, Math.min(roundHalfAway(amount), roundHalfAway(provider.available * ratio)), grants);
  }
}

/** For each the sum of its amount and of those after it that have the same priority. */
function totalsToLevelEnd(rest: readonly { readonly amount: number; readonly priority: number }[]): Float64Array {
  const totals = new Float64Array(rest.length);
  for (let i = rest.length - 1; i >= 0; i -= 1) {
    const isLast = rest[i + 1]?.priority !== rest[i]?.priority;
    totals[i] = (rest[i]?.amount ?? 0) + (isLast ? 0 : (totals[i + 1] ?? 0));
  }
  return totals;
}

/** Takes the claim out, and gives it what was asked as far as whole groups have room. */
function grant(claim: Claim, asked: number, grants: Grant[]): void {
  const { request, provider, groups } = claim;
  const { groupSize } = request.label;
  const count = Math.max(0, Math.min(asked, Math.floor(provider.available / groupSize)));
  request.claims -= 1;
  request.groups -= groups;
  request.amount -= count;
  provider.available -= count * groupSize;
  if (count > 0) shareOut(count, claim, grants);
}

/** Evens out the targets, counting what each has already; the last one takes what is left. */
function shareOut(count: number, { request, provider }: Claim, grants: Grant[]): void {
  let total = count;
  for (const target of request.targets) total += target.current;
  let left = count;
  let remaining = request.targets.length;
  for (const target of request.targets) {
    const even = roundHalfAway((1 / remaining) * total);
    const given = remaining === 1 ? left : Math.min(Math.max(even - target.current, 0), left);
    left -= given;
    total -= target.current + given;
    remaining -= 1;
    target.current += given;
    if (given > 0)
      grants.push({ label: request.label.name, provider: provider.name, target: target.name, count: given });
  }
}

/** 0.5 becomes 1, as in the original; what is just below 0.5 becomes 0, which adding 0.5 first would get wrong. */
function roundHalfAway(value: number): number {
  const whole = Math.trunc(value);
  return Math.abs(value - whole) >= 0.5 ? whole + Math.sign(value) : whole;
}

/** Whatever is wrong above, a provider is never asked for more than it has room for (lesson 37). */
function assertWithinRoom(
  grants: readonly Grant[],
  input: AllocationInput,
  providers: ReadonlyMap<string, ProviderShare>,
): void {
  const sizes = new Map(input.labels.map(label => [label.name, label.groupSize]));
  const servers = new Map<string, number>();
  for (const { provider, label, count } of grants) {
    assert(Number.isInteger(count) && count > 0, `a grant of ${count} groups`);
    servers.set(provider, (servers.get(provider) ?? 0) + count * (sizes.get(label) ?? 1));
  }
  for (const [name, count] of servers) {
    const room = providers.get(name)?.room ?? 0;
    assert(count <= room, `${count} servers granted in ${name}, which has room for ${room}`);
  }
}
