/**
 * The steps of a build, in order (reference 12.3). Each but the setup may be begun again at any time: after a restart
 * the build goes on at the step that its row names.
 */
import { pickAddress } from '../../domain/address.js';
import { Fault, leavesDoubt } from '../../domain/fault.js';
import type { ImageId, ServerId } from '../../domain/ids.js';
import type { BuildStep, SnapshotRow } from '../../domain/snapshot-row.js';
import { renderTemplate } from '../../domain/template.js';
import type { CloudImage, Server } from '../../ports/cloud.js';
import type { ReplyTo } from '../../runtime/actor.js';
import { cloudAddress } from '../addresses.js';
import type { CloudReply } from '../cloud.js';
import { allAddresses } from '../cloud/find-addresses.js';
import { findTagged } from '../cloud/find-tagged.js';
import { askCloud, cloudValue } from '../cloud/request.js';
import { replyOf } from '../outcome.js';
import type { Settings } from '../settings.js';
import { metadataOf, need, tagOf } from './names.js';
import { findImage, removeServer } from './remove.js';
import { findLogin, setUp } from './setup.js';
import { makeFile, upload } from './upload.js';
import { done, fault, type Step, type StepIo, type StepOutcome } from './step.js';

export function firstStepOf(row: SnapshotRow, settings: Settings): BuildStep {
  const image = settings.image(row.provider, row.image);
  return image?.source === 'snapshot' && image.diskimage !== null ? 'file' : 'keypair';
}

export const steps: Readonly<Record<Exclude<BuildStep, 'queued'>, Step>> = {
  keypair: {
    prepare(row, _now, settings) {
      return row.hostname === null ? { hostname: hostnameOf(row, settings) } : null;
    },
    async run(io) {
      const { row, settings, outside, task } = io;
      const { provider } = need(row, settings);
      // An operator's own key pair, whose private key is the image's: never made here, never deleted (lesson 9).
      if (provider.keypair !== null) return done('create');
      const name = tagOf(row);
      const { publicKey } = await outside.builds.key(name);
      const deadlineMs = settings.timings.templateBoot;
      // What is there of that name is from an earlier try, whose answer was lost.
      await askCloud(task, { provider: provider.name, op: 'deleteKeypair', args: [name] }, deadlineMs);
      await askCloud(task, { provider: provider.name, op: 'createKeypair', args: [{ name, publicKey }] }, deadlineMs);
      return done('create');
    },
  },

  create: {
    mustSettle: true,
    prepare: (row, now) => (row.sentAt === null ? { sentAt: now } : null),
    run: io => (io.wasPrepared ? create(io) : settleCreate(io)),
  },

  boot: {
    async run(io) {
      const { provider } = need(io.row, io.settings);
      const server = await activeServer(io);
      const address = pickAddress(server.addresses, provider);
      return address ? done('login', { ip: address.ip }) : done('address');
    },
  },

  address: {
    mustSettle: true,
    run: floatingAddress,
  },

  login: {
    async run(io) {
      const { hostKey, username } = await findLogin(io);
      return done('setup', { hostKey: need(io.row, io.settings).provider.hostKeyChecking ? hostKey : null, username });
    },
  },

  setup: {
    async run(io) {
      await setUp(io);
      return done('snapshot', { sentAt: null });
    },
  },

  'start-over': {
    async run(io) {
      await removeServer(io);
      const forgotten = { serverId: null, sentAt: null, ip: null, hostKey: null, username: null, addressId: null };
      return done('create', forgotten);
    },
  },

  snapshot: {
    mustSettle: true,
    prepare: (row, now) => (row.sentAt === null ? { sentAt: now } : null),
    run: io => (io.wasPrepared ? snapshot(io) : settleImage(io)),
  },

  file: {
    prepare(row, _now, settings) {
      return row.hostname === null ? { hostname: hostnameOf(row, settings) } : null;
    },
    run: makeFile,
  },

  upload: {
    prepare: (row, now) => (row.sentAt === null ? { sentAt: now } : null),
    run: upload,
  },

  save: { run: saved },
};

function hostnameOf(row: SnapshotRow, settings: Settings): string {
  const { provider, image } = need(row, settings);
  return renderTemplate(provider.templateHostname, { provider, image, timestamp: String(row.version) });
}

// ── The template server ──────────────────────────────────────────────────────────────────────────────────────────

async function create(io: StepIo): Promise<StepOutcome> {
  const { row, settings, task } = io;
  const { provider, image } = need(row, settings);
  if (row.hostname === null) throw new Error(`image ${row.id} is built without a name`);
  const name = row.hostname;
  const imageId = await baseImage(io);
  if (imageId instanceof Fault) return fault(imageId, true);
  const outcome = await task.ask(
    cloudAddress(provider.name),
    (replyTo: ReplyTo<CloudReply<ServerId>>) => ({
      type: 'create-server' as const,
      wish: {
        name,
        imageId,
        az: null,
        networks: provider.networks,
        metadata: metadataOf(row),
        keyName: provider.keypair ?? tagOf(row),
        configDrive: image.configDrive,
        securityGroups: provider.securityGroups,
        userData: image.userData,
        flavor: image,
        tag: tagOf(row),
        until: task.now() + settings.timings.templateBoot,
      },
      replyTo,
    }),
    settings.timings.templateBoot,
  );
  const reply = replyOf(outcome);
  if (reply.ok) return done('boot', { serverId: reply.value });
  return fault(reply.fault, !reply.wasSent || !leavesDoubt(reply.fault));
}

async function baseImage({ row, settings, task }: StepIo): Promise<ImageId | Fault> {
  const { provider, image } = need(row, settings);
  const text = image.baseImage ?? '';
  const named = isImageId(text) ? { id: text, name: null } : { id: null, name: text };
  const reply = replyOf(
    await task.ask(
      cloudAddress(provider.name),
      (replyTo: ReplyTo<CloudReply<ImageId>>) => ({ type: 'resolve-image' as const, image: named, replyTo }),
      settings.timings.templateBoot,
    ),
  );
  return reply.ok ? reply.value : reply.fault;
}

/** Text that begins like a UUID is an id (reference 2.5). */
export function isImageId(text: string): boolean {
  return /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}/i.test(text);
}

/** A create was sent, and its answer is not known: the server is looked for by its tag, as a node's is. */
async function settleCreate(io: StepIo): Promise<StepOutcome> {
  const server = await findTagged(io.row, io);
  return server ? done('boot', { serverId: server.id }) : done('create', { sentAt: null });
}

async function activeServer({ row, settings, task }: StepIo): Promise<Server> {
  const { serverId } = row;
  if (serverId === null) throw new Error(`image ${row.id} boots without a server`);
  const until = (row.sentAt ?? row.stepAt ?? task.now()) + settings.timings.templateBoot;
  const asked = task.ask(
    cloudAddress(row.provider),
    (replyTo: ReplyTo<CloudReply<Server>>) => ({ type: 'await-active' as const, server: serverId, until, replyTo }),
    Math.max(0, until - task.now()) + askSlackMs,
  );
  return cloudValue(await Promise.race([asked, unwanted(task.signal)]));
}

/** The cloud actor keeps the deadline; the ask's own only catches that actor's end. */
const askSlackMs = 60_000;

/** What takes long need not be waited for where the build is called off: what was made is known. */
function unwanted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(new Fault('actor.gone', 'the build is no longer wanted'));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

/** One that was made before, whose answer or record was lost, is found by its tag or by its server (lesson 6). */
async function floatingAddress({ row, settings, task }: StepIo): Promise<StepOutcome> {
  const { provider } = need(row, settings);
  const { serverId } = row;
  if (serverId === null) throw new Error(`image ${row.id} gets an address without a server`);
  const place = { provider: provider.name };
  const limitMs = settings.timings.address;
  const known = await allAddresses(provider.name, task);
  const found = known.find(each => each.serverId === serverId || (each.tag !== null && each.tag === row.tag));
  if (found && found.serverId === null) {
    await askCloud(task, { ...place, op: 'attachAddress', args: [found.id, serverId] }, limitMs);
  }
  const wish = { pool: provider.pool, server: serverId, tag: tagOf(row) };
  const address = found ?? (await askCloud(task, { ...place, op: 'createAddress', args: [wish] }, limitMs));
  return done('login', { addressId: address.id, ip: address.ip });
}

// ── The snapshot ─────────────────────────────────────────────────────────────────────────────────────────────────

async function snapshot({ row, settings, task }: StepIo): Promise<StepOutcome> {
  const { provider, image } = need(row, settings);
  const { serverId } = row;
  if (serverId === null) throw new Error(`image ${row.id} is a snapshot of no server`);
  const spec = { name: row.hostname ?? '', metadata: { ...image.meta, ...metadataOf(row) } };
  try {
    const limitMs = settings.timings.snapshot;
    const call = { provider: provider.name, op: 'createImage' as const };
    return done('save', { imageId: await askCloud(task, { ...call, args: [serverId, spec] }, limitMs) });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return fault(error, !leavesDoubt(error));
  }
}

/** An image was asked for, and the answer is not known: it is looked for by its tag, and else asked for anew. */
async function settleImage(io: StepIo): Promise<StepOutcome> {
  const image = await findImage(io);
  return image ? done('save', { imageId: image.id }) : done('snapshot', { sentAt: null });
}

/** The longer a snapshot has taken, the less often it is asked for: it takes minutes or hours. */
const pollShare = 0.05;
const pollMaxMs = 30_000;

async function saved({ row, settings, task, progress }: StepIo): Promise<StepOutcome> {
  const { imageId, provider } = row;
  if (imageId === null) throw new Error(`image ${row.id} is saved without an image`);
  const { snapshot: limitMs, poll } = settings.timings;
  const began = row.stepAt ?? task.now();
  for (;;) {
    const image = await askCloud(task, { provider, op: 'getImage', args: [imageId] }, limitMs);
    const trouble = troubleOf(image, imageId);
    if (trouble !== null) throw trouble;
    if (image?.status === 'active') return done('built');
    const tookMs = task.now() - began;
    if (tookMs > limitMs) {
      const message = `image ${imageId} is ${image?.status ?? 'away'} after ${Math.round(tookMs / 1000)} s`;
      throw new Fault('build.image-timeout', message);
    }
    progress(image?.status ?? '');
    await task.sleep(Math.min(pollMaxMs, Math.max(poll, tookMs * pollShare)));
    if (task.signal.aborted) throw new Fault('actor.gone', 'the build is no longer wanted');
  }
}

/** The states that a snapshot does not come back from; Nova deletes the image of one that failed (lesson 105). */
function troubleOf(image: CloudImage | null, id: ImageId): Fault | null {
  if (image === null) return new Fault('build.image-gone', `image ${id} has vanished: the cloud could not save it`);
  if (!['error', 'killed', 'deleted', 'pending_delete', 'deactivated'].includes(image.status)) return null;
  return new Fault('build.image-error', `image ${id} ended in the state ${image.status}`);
}
