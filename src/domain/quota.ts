/**
 * How much of a cloud is ours: the least of what the configuration allows and what the cloud's quota leaves. Others may
 * use the same project; what they have is what the cloud counts beyond what is ours.
 */
import type { Provider } from './pool-config.js';

/** As `ports/cloud` has it. */
export interface CandidateQuota {
  readonly servers: Figure | null;
  readonly cores: Figure | null;
  readonly ramMb: Figure | null;
  readonly addresses: Figure | null;
}

export interface Figure {
  readonly used: number;
  /** Null: no limit. */
  readonly max: number | null;
}

/** What our servers may be together. Null: no limit is known. */
export interface Limits {
  readonly servers: number;
  readonly cores: number | null;
  readonly ramMb: number | null;
}

export interface Amount {
  readonly servers: number;
  readonly cores: number;
  readonly ramMb: number;
}

export const nothing: Amount = { servers: 0, cores: 0, ramMb: 0 };

/** What the cloud's quota leaves to us. `ours` is counted in a list of about the same moment as the quota. */
export function leftByQuota(quota: CandidateQuota, ours: Amount & { readonly addresses: number | null }): Share {
  const servers = share(quota.servers, ours.servers);
  // Where each server needs an address of its own, there are no more servers than addresses.
  const addresses = ours.addresses === null ? null : share(quota.addresses, ours.addresses);
  return {
    servers: least(servers, addresses),
    cores: share(quota.cores, ours.cores),
    ramMb: share(quota.ramMb, ours.ramMb),
  };
}

export interface Share {
  readonly servers: number | null;
  readonly cores: number | null;
  readonly ramMb: number | null;
}

export const unlimited: Share = { servers: null, cores: null, ramMb: null };

type ConfiguredLimits = Pick<Provider, 'maxServers' | 'maxCores' | 'maxRamMb' | 'ignoreProviderQuota'>;

/** A provider with `max-servers` of 0 or less drains. */
export function limitsOf(provider: ConfiguredLimits, byQuota: Share): Limits {
  const { servers, cores, ramMb } = provider.ignoreProviderQuota ? unlimited : byQuota;
  return {
    servers: Math.max(0, Math.floor(least(provider.maxServers, servers) ?? 0)),
    cores: least(provider.maxCores, cores),
    ramMb: least(provider.maxRamMb, ramMb),
  };
}

/** The cloud may count late: what it counts less than we know of is nobody else's. */
function share(figure: Figure | null, ours: number): number | null {
  if (figure === null || figure.max === null) return null;
  const others = Math.max(0, figure.used - ours);
  return Math.max(0, figure.max - others);
}

function least(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : Math.min(a, b);
}
