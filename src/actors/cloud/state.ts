/** A cloud actor from inside: what it knows, and what waits in it. */
import type { Breaker } from '../../domain/cloud-breaker.js';
import type { Fault } from '../../domain/fault.js';
import type { Installation, ServerId, Tag } from '../../domain/ids.js';
import type { Governor } from '../../domain/pace.js';
import type { Share } from '../../domain/quota.js';
import type { Shortages } from '../../domain/shortage.js';
import type { CloudPort } from '../../ports/cloud.js';
import type { Outside } from '../../ports/outside.js';
import type { Context } from '../../runtime/actor.js';
import type { Whose } from '../call-made.js';
import type { CloudMessage } from '../cloud.js';
import type { Pacer, QueuePlace } from '../pacer.js';
import type { Settings } from '../settings.js';
import type { AddressWaiter } from './address-lists.js';
import type { CloudAccess } from './access.js';
import type { Offer } from './offer.js';
import type { ServerList } from './server-list.js';
import type { CloudReply, ServerWaiters } from './server-waiters.js';

/** One API call that waits or is under way. */
export interface Call {
  readonly name: string;
  readonly place: QueuePlace;
  /** In whose story it is told. */
  readonly whose?: Whose | undefined;
  /** Its effect cannot be called back: it is never aborted. */
  readonly isWrite: boolean;
  /** Some clouds do not offer it: a refusal says nothing of the cloud. */
  readonly isOptional?: boolean;
  /** Nobody waits for it from then on: it is not begun any more. */
  readonly until?: number;
  run(port: CloudPort, deadlineMs: number, signal: AbortSignal): Promise<unknown>;
  settled(outcome: Settled<unknown>, askedAt: number): void;
}

export interface QueuedCall extends Call {
  readonly queuedAt: number;
}

export type Settled<T> =
  | { readonly ok: true; readonly value: T }
  /** `isUnsent`: the cloud was not asked. */
  | { readonly ok: false; readonly fault: Fault; readonly isUnsent?: true };

export interface CloudState {
  readonly provider: string;
  readonly outside: Outside;
  readonly settings: Settings;
  readonly access: CloudAccess;
  readonly pacer: Pacer<QueuedCall>;
  breaker: Breaker;
  governor: Governor;
  readonly waiters: ServerWaiters;
  /** Creates that are queued or under way, and who waits for each: one tag is never asked for twice at once. */
  readonly creates: Map<Tag, ((reply: CloudReply<ServerId>) => void)[]>;
  list: ServerList | null;
  isListing: boolean;
  /** When somebody first wanted a list that has not been asked for; null when nobody does. */
  wantedAt: number | null;
  /** Who waits for a list of floating addresses. */
  readonly addressWaiters: AddressWaiter[];
  /** Whether servers here have needed floating addresses of their own. */
  needsAddresses: boolean;
  offer: Offer | null;
  readonly offerWaiters: ((offer: Settled<Offer>) => void)[];
  /** What the pool was told last. */
  told: string | null;
  /** Null until the database has said it. */
  installation: Installation | null;
  /** What the cloud's quota leaves to us. */
  byQuota: Share;
  isReadingQuota: boolean;
  /** The daemon stops: what has not been sent is not sent any more. */
  isClosing: boolean;
  shortages: Shortages;
  /** What the pool was told of it last. */
  toldCapacity: string | null;
  /** For what inspection shows. */
  readonly now: () => number;
}

export type CloudContext = Context<CloudMessage>;
