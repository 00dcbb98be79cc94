import type { Range } from '../chance.js';

export interface CloudOptions {
  readonly name: string;
  readonly region?: string;
  /** Quota, in servers. Without it there is none. */
  readonly maxServers?: number;
  /** Names, or names with ids of your own. */
  readonly images: readonly (string | { readonly id: string; readonly name: string })[];
  readonly flavors?: readonly { readonly name: string; readonly ramMb: number }[];
  readonly zones?: readonly string[];
  /** The project's own networks. */
  readonly networks?: readonly { readonly id: string; readonly name: string }[];
  /** Where floating IPs come from. */
  readonly pools?: readonly string[];
  /** Whether servers are reached at the address they boot with, or at floating ones only. */
  readonly addressing?: Addressing;
  /** Quota of floating IPs. Without it there is none. */
  readonly maxAddresses?: number;
  readonly securityGroups?: readonly string[];
  /** False for the catalogues of 2014 that had compute alone: networks and images are Nova's own then. */
  readonly hasNetworkService?: boolean;
  readonly hasImageService?: boolean;
  readonly keypairs?: readonly string[];
  /** How the compute service is called in the catalogue. */
  readonly serviceType?: string;
  readonly serviceName?: string;
  /** Most entries of one answer, whatever the caller asks for. */
  readonly pageSize?: number;
  /** From the create call to ACTIVE. */
  readonly bootMs?: Range;
  /** From ACTIVE to an SSH port that answers. */
  readonly sshDelayMs?: Range;
  /** How long a deleted server stays listed. */
  readonly deleteMs?: Range;
  /** From createImage to an active image. */
  readonly snapshotMs?: Range;
  /** Latency of every call. */
  readonly callMs?: Range;
  /** How long a new server is missing from lists, though it can be asked for by its id. */
  readonly listLagMs?: number;
  readonly tokenLifeMs?: number;
  /** Probability that a create call answers 500 and makes nothing. */
  readonly createFailureRate?: number;
  /** Probability that a server ends in ERROR instead of ACTIVE. */
  readonly bootFailureRate?: number;
  /** Probability that a snapshot vanishes instead of becoming active. */
  readonly snapshotFailureRate?: number;
}

export type Addressing = 'fixed' | 'floating';

/** What may be changed while the world runs. */
export interface CloudSettings {
  maxServers: number;
  pageSize: number;
  bootMs: Range;
  sshDelayMs: Range;
  deleteMs: Range;
  snapshotMs: Range;
  callMs: Range;
  listLagMs: number;
  tokenLifeMs: number;
  createFailureRate: number;
  bootFailureRate: number;
  snapshotFailureRate: number;
  maxAddresses: number;
  readonly addressing: Addressing;
}

/** Quick enough for tests; the pages are as large as Nova's. */
export function cloudSettings(options: CloudOptions): CloudSettings {
  return {
    maxServers: options.maxServers ?? Infinity,
    pageSize: options.pageSize ?? 1000,
    bootMs: options.bootMs ?? [20, 60],
    sshDelayMs: options.sshDelayMs ?? [5, 20],
    deleteMs: options.deleteMs ?? [20, 60],
    snapshotMs: options.snapshotMs ?? [20, 60],
    callMs: options.callMs ?? [0, 0],
    listLagMs: options.listLagMs ?? 0,
    tokenLifeMs: options.tokenLifeMs ?? 3_600_000,
    createFailureRate: options.createFailureRate ?? 0,
    bootFailureRate: options.bootFailureRate ?? 0,
    snapshotFailureRate: options.snapshotFailureRate ?? 0,
    maxAddresses: options.maxAddresses ?? Infinity,
    addressing: options.addressing ?? 'fixed',
  };
}

/** The flavors of a cloud that names none. */
export const usualFlavors = [
  { name: 'm1.small', ramMb: 2048 },
  { name: 'm1.medium', ramMb: 4096 },
  { name: 'm1.large', ramMb: 8192 },
] as const;
