import { Fault } from '../../domain/fault.js';
import { isGone } from '../../domain/leaks.js';
import type { ServerId, Tag } from '../../domain/ids.js';
import type { Server } from '../../ports/cloud.js';
import type { ReplyTo } from '../../runtime/actor.js';
import type { ServerList } from './server-list.js';

/** How a cloud call ended. `wasSent` false: it never left, so nothing can have come of it. */
export type CloudReply<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: Fault; readonly wasSent: boolean };

/** Waits for one server to run, or to be gone. */
export interface ServerWaiter {
  readonly kind: 'active' | 'gone';
  readonly server: ServerId;
  readonly since: number;
  readonly until: number;
  /** `gone` takes null, `active` the server. */
  readonly replyTo: ReplyTo<CloudReply<Server | null>>;
}

/** Waits for what a list as a whole says. */
export type ListWaiter =
  /**
   * The answer for a create whose outcome is unknown: any list that shows the tag is a yes, but only one asked for later
   * than `since` is a no.
   */
  | {
      readonly kind: 'tagged';
      readonly tag: Tag;
      readonly since: number;
      readonly until: number;
      readonly replyTo: ReplyTo<CloudReply<Server | null>>;
    }
  /** Any list asked for later than `since`. */
  | {
      readonly kind: 'list';
      readonly since: number;
      readonly until: number;
      readonly replyTo: ReplyTo<CloudReply<ServerList>>;
    };

export type Waiter = ServerWaiter | ListWaiter;

/** What is known of a server that somebody waits for. */
interface Sight {
  /** In a list: those that lag behind have come so far. */
  wasListed: boolean;
  /** Lists in a row, asked for after the waiting began, that did not have it. */
  missing: number;
  /** When it was asked for alone; those that were not for longest come first. */
  confirmedAt: number;
}

/** Questions for one server alone, after one list: so few that they do not grow with those who wait (lesson 18). */
const confirmsPerList = 4;
/** The share of those in doubt that is asked for, where they are many: after a restart all servers may be gone. */
const confirmsShare = 0.05;
/** A server that was listed, and is missing so often in a row, is gone. */
const missingMin = 2;

/**
 * Everybody who waits for a server to appear, to run, or to be gone. One list serves them all. "Not in the list" is
 * believed only of a list asked for after the waiting began, and only when it is confirmed: by a question for that
 * server alone, or, where the server was in a list before, by the next list (lesson 3). A server that no list has shown
 * yet may be missing only because lists lag behind; for it nothing but a question of its own counts.
 */
export class ServerWaiters {
  readonly #waiters = new Map<Waiter, Sight>();

  get size(): number {
    return this.#waiters.size;
  }

  /** `list` is the last that came before the waiting began: what it shows is not kept from view by lists that lag. */
  add(waiter: Waiter, list: ServerList | null): void {
    const wasListed = 'server' in waiter && list?.byId.has(waiter.server) === true;
    this.#waiters.set(waiter, { wasListed, missing: 0, confirmedAt: -Infinity });
  }

  has(waiter: Waiter): boolean {
    return this.#waiters.has(waiter);
  }

  /** Answers whom the list can answer. Returns the few for whose server alone is to be asked now. */
  settle(list: ServerList, now: number): readonly ServerWaiter[] {
    const unsure: ServerWaiter[] = [];
    for (const [waiter, sight] of this.#waiters) {
      if (waiter.kind === 'list') {
        if (list.askedAt > waiter.since) this.#answer(waiter, list);
      } else if (waiter.kind === 'tagged') {
        const found = list.byTag.get(waiter.tag) ?? null;
        if (found || list.askedAt > waiter.since) this.#answer(waiter, found);
      } else if (this.#isUnsure(waiter, sight, list)) {
        unsure.push(waiter);
      }
    }
    this.expire(now);
    return this.#firstToConfirm(unsure, now);
  }

  #isUnsure(waiter: ServerWaiter, sight: Sight, list: ServerList): boolean {
    const server = list.byId.get(waiter.server);
    if (server) {
      sight.wasListed = true;
      this.seen(waiter, server);
      return false;
    }
    if (list.askedAt <= waiter.since) return false;
    sight.missing++;
    if (!sight.wasListed || sight.missing < missingMin) return true;
    this.absent(waiter);
    return false;
  }

  #firstToConfirm(unsure: readonly ServerWaiter[], now: number): readonly ServerWaiter[] {
    const waiting = unsure.flatMap(waiter => {
      const sight = this.#waiters.get(waiter);
      return sight ? [{ waiter, sight }] : [];
    });
    waiting.sort((a, b) => a.sight.confirmedAt - b.sight.confirmedAt);
    const count = Math.max(confirmsPerList, Math.ceil(waiting.length * confirmsShare));
    return waiting.slice(0, count).map(({ waiter, sight }) => {
      sight.confirmedAt = now;
      return waiter;
    });
  }

  /** The server is there, in this state. */
  seen(waiter: ServerWaiter, server: Server): void {
    const sight = this.#waiters.get(waiter);
    if (!sight) return;
    sight.missing = 0;
    if (waiter.kind === 'gone') {
      if (isGone(server.status)) this.#answer(waiter, null);
    } else if (isGone(server.status)) {
      this.absent(waiter);
    } else if (server.status === 'ERROR') {
      this.#fail(waiter, errorOf(server));
    } else if (server.status === 'ACTIVE' && server.addresses.length > 0) {
      this.#answer(waiter, server);
    }
  }

  /** The server is known not to be there. */
  absent(waiter: ServerWaiter): void {
    if (waiter.kind === 'gone') this.#answer(waiter, null);
    else this.#fail(waiter, new Fault('cloud.server-gone', `server ${waiter.server} is gone`));
  }

  /** Nobody looks for servers by their tags any more. */
  giveUpTagged(fault: Fault): void {
    for (const waiter of this.#waiters.keys()) if (waiter.kind === 'tagged') this.#fail(waiter, fault);
  }

  expire(now: number): void {
    for (const waiter of this.#waiters.keys()) {
      if (now < waiter.until) continue;
      const kind = waiter.kind === 'active' ? 'cloud.launch-timeout' : 'cloud.timeout';
      const what = 'server' in waiter ? `server ${waiter.server} to be ${waiter.kind}` : 'a list of servers';
      this.#fail(waiter, new Fault(kind, `waited in vain for ${what}`));
    }
  }

  #answer(waiter: Waiter, value: Server | ServerList | null): void {
    if (!this.#waiters.delete(waiter)) return;
    // The kind of the waiter says which value it takes.
    (waiter.replyTo as ReplyTo<CloudReply<typeof value>>).reply({ ok: true, value });
  }

  #fail(waiter: Waiter, fault: Fault): void {
    if (!this.#waiters.delete(waiter)) return;
    (waiter.replyTo as ReplyTo<CloudReply<never>>).reply({ ok: false, fault, wasSent: true });
  }
}

/** What Nova says when no host of the zone has room for the flavor: capacity, and no fault of the image. */
const noRoom =
  /no valid host|not enough hosts|exhausted all hosts|insufficient (?:resources|capacity)|out of capacity/i;

function errorOf(server: Server): Fault {
  const message = server.faultMessage ?? 'the server went to ERROR';
  return new Fault(noRoom.test(message) ? 'cloud.no-capacity' : 'cloud.server-error', message);
}
