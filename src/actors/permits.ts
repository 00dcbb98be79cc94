import type { NodeId, SnapshotId } from '../domain/ids.js';
import type { Ref } from '../runtime/actor.js';

export const works = ['launch', 'delete', 'check'] as const;
export type Work = (typeof works)[number];

/** Told to a node when it may begin. */
export interface PermitGranted {
  readonly type: 'permit-granted';
  readonly work: Work;
}

/** What a node asks of its supervisor. */
export type PermitMessage =
  | { readonly type: 'permit-wanted'; readonly work: Work; readonly id: NodeId; readonly ref: Ref<PermitGranted> }
  | { readonly type: 'permit-returned'; readonly work: Work; readonly id: NodeId };

/** What the actor of a build asks of the supervisor of the provider's images. */
export type BuildPermitMessage =
  | {
      readonly type: 'permit-wanted';
      readonly id: SnapshotId;
      readonly ref: Ref<{ readonly type: 'permit-granted' }>;
      /** It began before the daemon did, and goes on by right. */
      readonly isUnderWay: boolean;
    }
  | { readonly type: 'permit-returned'; readonly id: SnapshotId };

/**
 * How much of one kind of work may be under way at once. First come, first served. Who asks again (after a restart) has
 * what it had.
 */
export class Permits<Id, Grant> {
  readonly #held = new Set<Id>();
  readonly #waiting = new Map<Id, Ref<Grant>>();
  readonly #grant: Grant;

  constructor(grant: Grant) {
    this.#grant = grant;
  }

  get held(): number {
    return this.#held.size;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Work that was under way when the daemon stopped goes on by right: it counts already. */
  holdFromStart(id: Id): void {
    this.#held.add(id);
  }

  ask(id: Id, ref: Ref<Grant>, limit: number): void {
    this.#waiting.set(id, ref);
    if (this.#held.has(id)) this.#give(id, ref);
    else this.grant(limit);
  }

  giveBack(id: Id, limit: number): void {
    this.#held.delete(id);
    this.#waiting.delete(id);
    this.grant(limit);
  }

  grant(limit: number): void {
    for (const [id, ref] of this.#waiting) {
      if (this.#held.size >= limit) return;
      this.#give(id, ref);
    }
  }

  #give(id: Id, ref: Ref<Grant>): void {
    this.#waiting.delete(id);
    this.#held.add(id);
    ref.tell(this.#grant);
  }
}
