/** What a build made in the cloud: found again, and taken away. */
import { Fault } from '../../domain/fault.js';
import { addressId, type ServerId } from '../../domain/ids.js';
import type { CloudImage } from '../../ports/cloud.js';
import type { ReplyTo } from '../../runtime/actor.js';
import { cloudAddress } from '../addresses.js';
import type { CloudReply } from '../cloud.js';
import { findAddresses } from '../cloud/find-addresses.js';
import { findTagged, settledAt } from '../cloud/find-tagged.js';
import { askCloud, cloudValue } from '../cloud/request.js';
import type { StepIo } from './step.js';

type RemovalIo = Pick<StepIo, 'row' | 'outside' | 'settings' | 'task' | 'begunBy'>;

/** The template server, its floating address and its key pair. */
export async function removeTemplate(io: RemovalIo): Promise<null> {
  const { row, settings, task, outside } = io;
  await removeServer(io);
  if (row.tag === null) return null;
  const keypair = settings.lastKnown.provider(row.provider)?.keypair ?? null;
  if (keypair === null) {
    const { provider, tag } = row;
    await askCloud(task, { provider, op: 'deleteKeypair', args: [tag] }, settings.timings.serverDelete);
  }
  await outside.builds.forgetKey(row.tag);
  return null;
}

/** The addresses first: once the server is gone a cloud of 2014 does not tell whose they were. */
export async function removeServer(io: RemovalIo): Promise<void> {
  const { row, settings, task } = io;
  const server = row.serverId ?? (await forgottenServer(io));
  await removeAddresses(server, io);
  if (server === null) return;
  const limitMs = settings.timings.serverDelete;
  const cloud = cloudAddress(row.provider);
  cloudValue(
    await task.ask(
      cloud,
      (replyTo: ReplyTo<CloudReply<null>>) => ({ type: 'delete-server' as const, server, replyTo }),
      limitMs,
    ),
  );
  const until = task.now() + limitMs;
  cloudValue(
    await task.ask(
      cloud,
      (replyTo: ReplyTo<CloudReply<null>>) => ({ type: 'await-gone' as const, server, until, replyTo }),
      limitMs * 2,
    ),
  );
}

/** There may be one only where a create was sent, and nothing later. */
async function forgottenServer(io: RemovalIo): Promise<ServerId | null> {
  if (io.row.imageId !== null || io.row.source !== null) return null;
  return (await findTagged(io.row, io))?.id ?? null;
}

async function removeAddresses(server: ServerId | null, io: RemovalIo): Promise<void> {
  const { row, settings, task } = io;
  const { provider, tag } = row;
  const known = row.addressId === null ? [] : [addressId(row.addressId)];
  const found = server === null ? [] : await findAddresses({ provider, tag, server, sentAt: null }, io);
  for (const id of new Set([...known, ...found.map(each => each.id)])) {
    await askCloud(task, { provider, op: 'deleteAddress', args: [id] }, settings.timings.serverDelete);
  }
}

/** The image in the cloud; done once the cloud does not have it any more. */
export async function removeImage(io: RemovalIo): Promise<null> {
  const { row, settings, task } = io;
  const { provider } = row;
  const id = row.imageId ?? (await findImage(io))?.id ?? null;
  if (id === null) return null;
  const limitMs = settings.timings.serverDelete;
  await askCloud(task, { provider, op: 'deleteImage', args: [id] }, limitMs);
  const until = task.now() + limitMs;
  while ((await askCloud(task, { provider, op: 'getImage', args: [id] }, limitMs)) !== null) {
    if (task.now() >= until) throw new Fault('cloud.timeout', `image ${id} is still there after its deletion`);
    await task.sleep(settings.timings.poll);
    if (task.signal.aborted) throw new Fault('actor.gone', 'nobody waits for it any more');
  }
  return null;
}

/** The image with this row's tag, asked for when the call that made it can no longer take effect. */
export async function findImage(io: RemovalIo): Promise<CloudImage | null> {
  const { row, task } = io;
  const { tag, sentAt } = row;
  if (tag === null || sentAt === null) return null;
  await task.sleep(Math.max(0, settledAt(row, io) - task.now()));
  return cloudValue(
    await task.ask(
      cloudAddress(row.provider),
      (replyTo: ReplyTo<CloudReply<CloudImage | null>>) => ({
        type: 'find-image' as const,
        tag,
        name: row.hostname,
        replyTo,
      }),
      listMs,
    ),
  );
}

/** Behind calls that others wait for. */
const listMs = 600_000;
