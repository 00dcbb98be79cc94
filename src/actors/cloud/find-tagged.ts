import type { Fault } from '../../domain/fault.js';
import type { Tag } from '../../domain/ids.js';
import type { Server } from '../../ports/cloud.js';
import type { ReplyTo, TaskIo } from '../../runtime/actor.js';
import { cloudAddress } from '../addresses.js';
import type { Settings } from '../settings.js';
import { cloudValue } from './request.js';
import type { CloudReply } from './server-waiters.js';

/** A call that was sent, and whose answer nobody has. */
export interface Doubt {
  readonly provider: string;
  readonly tag: Tag | null;
  readonly sentAt: number | null;
}

export interface DoubtIo {
  readonly settings: Settings;
  readonly task: TaskIo;
  readonly begunBy: number;
}

/** From then on a list that is asked for knows what came of the call. */
export function settledAt({ provider, sentAt }: Doubt, { settings, begunBy }: Omit<DoubtIo, 'task'>): number {
  return Math.max(sentAt ?? 0, begunBy) + callDeadlineMs(provider, settings) + settings.timings.serverList;
}

/**
 * When the call whose answer was lost with this fault was begun at the latest. It may have waited for its turn for long
 * after it was recorded; and one that is in the hands of a cloud takes effect whatever becomes of who asked for it.
 */
export function latestBegin(fault: Fault, provider: string, { settings, now }: { settings: Settings; now: number }) {
  // Such a call has had its whole time.
  return fault.kind === 'cloud.timeout' ? now - callDeadlineMs(provider, settings) : now;
}

function callDeadlineMs(provider: string, settings: Settings): number {
  return settings.lastKnown.provider(provider)?.apiTimeoutMs ?? settings.timings.api;
}

/** The server with this tag, once that question has a sure answer; null: there is none. */
export async function findTagged(doubt: Doubt, io: DoubtIo): Promise<Server | null> {
  const { provider, tag, sentAt } = doubt;
  if (tag === null || sentAt === null) return null;
  const { task } = io;
  const askedAfter = settledAt(doubt, io);
  // From now on, where it was sent long ago: a cloud that was away for an hour is to have its chance, too.
  const until = Math.max(askedAfter, task.now()) + doubtMs;
  return cloudValue(
    await task.ask(
      cloudAddress(provider),
      (replyTo: ReplyTo<CloudReply<Server | null>>) => ({
        type: 'find-tagged' as const,
        tag,
        askedAfter,
        until,
        replyTo,
      }),
      until - task.now() + askSlackMs,
    ),
  );
}

/** So long a cloud may leave us without a list before the question is asked again. */
const doubtMs = 600_000;
/** The cloud actor keeps the deadline; the ask's own only catches that actor's end. */
const askSlackMs = 60_000;
