/** The database connection that an actor holds while it launches, builds or deletes: lent by the store, given back after. */
import type { Context, Description } from '../runtime/actor.js';
import { storeAddress } from './addresses.js';
import type { Lease, LeaseNotice } from './store.js';

type Borrower = Pick<Context<LeaseNotice>, 'now' | 'path' | 'self' | 'tell'>;

export class OwnConnection {
  #held: { readonly lease: Lease; readonly since: number } | null = null;
  #askedAt: number | null = null;
  /** Only the grant of the last request is taken. */
  #request: number;

  /** `now` numbers its requests unlike those of an earlier life of its actor. */
  constructor(now: number) {
    this.#request = now;
  }

  /** To write through; null while none is held. */
  get lease(): Lease | null {
    return this.#held?.lease ?? null;
  }

  get isAskedFor(): boolean {
    return this.#askedAt !== null;
  }

  /** For what this row is about: deletes are served first, and providers take turns. */
  want({ provider, state }: { readonly provider: string; readonly state: string }, ctx: Borrower): void {
    if (this.#held || this.#askedAt !== null) return;
    this.#askedAt = ctx.now();
    const request = ++this.#request;
    const owner = { path: ctx.path, provider, isDelete: state === 'delete', ref: ctx.self, request };
    ctx.tell(storeAddress, { type: 'lease-wanted', owner });
  }

  /** False where it was given up meanwhile. */
  take({ lease, request }: Extract<LeaseNotice, { type: 'lease-granted' }>, now: number): boolean {
    if (this.#askedAt === null || request !== this.#request) return false;
    this.#held = { lease, since: now };
    this.#askedAt = null;
    return true;
  }

  giveBack(ctx: Borrower, isBroken = false): void {
    if (!this.#held && this.#askedAt === null) return;
    this.#tellBack(ctx, isBroken);
    this.#askedAt = null;
  }

  /**
   * Others wait for a connection. Nothing is being written now; one that is kept by whoever waits for a permit is kept
   * from the one that has the permit. One that an earlier life held is given back unseen.
   */
  handOn(ctx: Borrower): void {
    if (this.#askedAt === null) this.#tellBack(ctx, false);
  }

  describe(): NonNullable<Description['connection']> | null {
    if (this.#held) return { state: 'held', since: this.#held.since };
    return this.#askedAt === null ? null : { state: 'waiting', since: this.#askedAt };
  }

  #tellBack(ctx: Borrower, isBroken: boolean): void {
    ctx.tell(storeAddress, { type: 'lease-returned', path: ctx.path, lease: this.lease, isBroken });
    this.#held = null;
  }
}
