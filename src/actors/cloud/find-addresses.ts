/** Floating addresses of a server that no row names by their id: found by our mark, or by the server. */
import type { ServerId } from '../../domain/ids.js';
import type { CloudAddress } from '../../ports/cloud.js';
import type { ReplyTo, TaskIo } from '../../runtime/actor.js';
import { cloudAddress } from '../addresses.js';
import { settledAt, type Doubt, type DoubtIo } from './find-tagged.js';
import { cloudValue } from './request.js';
import type { CloudReply } from './server-waiters.js';

/** `sentAt`: when the address was asked for. A cloud of 2014 keeps no mark, and tells the server alone. */
export interface AddressDoubt extends Doubt {
  readonly server: ServerId | null;
}

/** Those of the server or with the mark, once that question has a sure answer. */
export async function findAddresses(doubt: AddressDoubt, io: DoubtIo): Promise<readonly CloudAddress[]> {
  const { task } = io;
  const waitMs = (doubt.sentAt === null ? 0 : settledAt(doubt, io)) - task.now();
  if (waitMs > 0) await task.sleep(waitMs);
  const all = await allAddresses(doubt.provider, task);
  return all.filter(
    ({ serverId, tag }) =>
      (doubt.server !== null && serverId === doubt.server) || (doubt.tag !== null && tag === doubt.tag),
  );
}

export async function allAddresses(provider: string, task: TaskIo): Promise<readonly CloudAddress[]> {
  return cloudValue(
    await task.ask(
      cloudAddress(provider),
      (replyTo: ReplyTo<CloudReply<readonly CloudAddress[]>>) => ({ type: 'list-addresses' as const, replyTo }),
      listMs,
    ),
  );
}

/** Behind calls that others wait for. */
const listMs = 600_000;
