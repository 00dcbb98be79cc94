/**
 * A ready node that is to go is first taken offline, so that no job can start on it any more; what was given to it just
 * before, heard of or not, is in the lists that are asked for from then on. Masters of 2014 say idle for a moment of a
 * slave that has just been given a job (jenkins.md 4), so that it takes two of them.
 */
import type { Fault } from '../../domain/fault.js';
import type { NodeId, NodeName } from '../../domain/ids.js';
import type { CiNode } from '../../ports/ci.js';
import type { ReplyTo } from '../../runtime/actor.js';
import type { Reply } from '../outcome.js';

export interface Withdrawal {
  readonly name: NodeName;
  readonly node: NodeId;
  /** Why it is taken offline. */
  readonly reason: string;
  /** A master that fails is asked again until then, epoch milliseconds. */
  readonly until: number;
  /** `busy`: it has its job, as the comparison of the slaves will tell it. */
  readonly replyTo: ReplyTo<Reply<'idle' | 'busy'>>;
}

interface Withdrawn extends Withdrawal {
  /** It was offline by then, or its master does not let us take it offline. */
  readonly since: number;
  isSeenIdle: boolean;
}

export class Withdrawing {
  readonly #withdrawn = new Map<NodeName, Withdrawn>();

  wentOffline(withdrawal: Withdrawal, now: number): void {
    this.#withdrawn.set(withdrawal.name, { ...withdrawal, since: now, isSeenIdle: false });
  }

  listed(slaves: readonly CiNode[], listedAt: number): void {
    if (this.#withdrawn.size === 0) return;
    const byName = new Map(slaves.map(slave => [slave.name, slave]));
    for (const withdrawn of this.#withdrawn.values()) {
      if (listedAt < withdrawn.since) continue;
      const slave = byName.get(withdrawn.name);
      if (slave?.idle === false) this.#answer(withdrawn, { ok: true, value: 'busy' });
      else if (!slave || withdrawn.isSeenIdle) this.#answer(withdrawn, { ok: true, value: 'idle' });
      else withdrawn.isSeenIdle = true;
    }
  }

  /** The way to the master is another now. */
  giveUp(fault: Fault): void {
    for (const withdrawn of this.#withdrawn.values()) this.#answer(withdrawn, { ok: false, fault });
  }

  #answer({ name, replyTo }: Withdrawn, reply: Reply<'idle' | 'busy'>): void {
    this.#withdrawn.delete(name);
    replyTo.reply(reply);
  }
}
