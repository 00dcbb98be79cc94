/** What a cloud has of each kind of thing, seen once: each list by itself, because one that fails hides no other. */
import { Fault } from '../../domain/fault.js';
import type { LeakKind, Sight } from '../../domain/leaks.js';
import { imageMarkOf, tagKey } from '../../domain/tag.js';
import type { Server } from '../../ports/cloud.js';
import type { ReplyTo, TaskIo } from '../../runtime/actor.js';
import { cloudAddress } from '../addresses.js';
import { allAddresses } from './find-addresses.js';
import { askCloud, cloudValue } from './request.js';
import type { ServerList } from './server-list.js';
import type { CloudReply } from './server-waiters.js';

export async function lookAt(provider: string, kinds: ReadonlySet<LeakKind>, task: TaskIo): Promise<Sight> {
  const [server, address, keypair, port, image] = await Promise.all([
    kinds.has('server') ? seen(servers(provider, task)) : null,
    kinds.has('address') ? seen(allAddresses(provider, task)) : null,
    kinds.has('keypair') ? seen(askCloud(task, { provider, op: 'listKeypairs', args: [] }, listMs)) : null,
    kinds.has('port') ? seen(askCloud(task, { provider, op: 'listPorts', args: [] }, listMs)) : null,
    kinds.has('image') ? seen(images(provider, task)) : null,
  ]);
  return { server, address, keypair, port, image };
}

/** Null where the cloud did not answer, or does not offer it. */
async function seen<T>(list: Promise<readonly T[]>): Promise<readonly T[] | null> {
  try {
    return await list;
  } catch (error) {
    if (error instanceof Fault) return null;
    throw error;
  }
}

async function servers(provider: string, task: TaskIo): Promise<NonNullable<Sight['server']>> {
  return (await listServers(provider, task, listMs)).map(({ id, name, status, metadata }) => {
    return { id, name, status, mark: metadata[tagKey] ?? null };
  });
}

/** Every server of the project, by the list that all share, asked for from now on. */
export async function listServers(provider: string, task: TaskIo, deadlineMs: number): Promise<readonly Server[]> {
  const until = task.now() + deadlineMs;
  const outcome = await task.ask(
    cloudAddress(provider),
    (replyTo: ReplyTo<CloudReply<ServerList>>) => ({ type: 'list-servers' as const, until, replyTo }),
    deadlineMs + slackMs,
  );
  return [...cloudValue(outcome).byId.values()];
}

async function images(provider: string, task: TaskIo): Promise<NonNullable<Sight['image']>> {
  const all = await askCloud(task, { provider, op: 'listImages', args: [] }, listMs);
  return all.map(image => ({ id: image.id, name: image.name, mark: imageMarkOf(image) }));
}

/** Behind calls that others wait for. */
const listMs = 300_000;
/** The cloud actor keeps the deadline; the ask's own only catches that actor's end. */
const slackMs = 60_000;
