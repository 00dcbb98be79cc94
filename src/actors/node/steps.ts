/**
 * The steps of a launch, in order (DESIGN 3, "Steps"; reference 8). Each may be begun again at any time: after a restart
 * the node goes on at the step that its row names.
 */
import { addressesText, innerAddress, pickAddress } from '../../domain/address.js';
import { Fault, leavesDoubt } from '../../domain/fault.js';
import { snapshotId, type ServerId } from '../../domain/ids.js';
import type { LaunchStep } from '../../domain/node-row.js';
import { tagKey } from '../../domain/tag.js';
import { nodeNameOf } from '../../domain/template.js';
import type { Server } from '../../ports/cloud.js';
import type { ReplyTo } from '../../runtime/actor.js';
import { cloudAddress, imageAddress, targetAddress } from '../addresses.js';
import type { CloudReply } from '../cloud.js';
import { cloudValue } from '../cloud/request.js';
import type { BootImage } from '../image.js';
import { findTagged } from '../cloud/find-tagged.js';
import { waitForList } from '../call-made.js';
import { replyOf, valueOf, type Reply } from '../outcome.js';
import { floatingAddress } from './floating-address.js';
import { loginOf, need, newHostname } from './names.js';
import { afterSsh, filesAtLogin, runReadyScript, writeFiles } from './scripts.js';
import { whereabouts } from './self.js';
import { done, type Step, type StepIo, type StepOutcome } from './step.js';

/** Those of one machine; `group` waits for the others of a node (group.ts). */
export const steps: Readonly<Partial<Record<LaunchStep, Step>>> = {
  create: {
    mustSettle: true,
    forget: { sentAt: null },
    prepare(row, now, settings) {
      if (row.sentAt !== null) return null;
      const hostname = newHostname(row, settings, now, { of: 'hostname' });
      return { hostname, nodename: nodeNameOf(hostname), sentAt: now };
    },
    run: io => (io.wasPrepared ? create(io) : settleDoubt(io)),
  },

  boot: { run: async io => addressed(io, await activeServer(io)) },

  address: floatingAddress,

  ssh: {
    async run(io) {
      const { row, settings, task, whose } = io;
      const { provider, image } = need(row, settings);
      const leftMs = (row.stepAt ?? task.now()) + provider.bootTimeoutMs - task.now();
      const deadlineMs = Math.max(leftMs, shortestSshMs);
      const files = filesAtLogin(io);
      const check = await io.shellFor(whose).check(loginOf(row, image), { deadlineMs, files, signal: task.signal });
      return done(afterSsh(check, io), { hostKey: provider.hostKeyChecking ? check.hostKey : null });
    },
  },

  files: writeFiles,

  'ready-script': runReadyScript,

  register: {
    async run(io) {
      const { row, settings, task } = io;
      const { image, label, provider, target } = need(row, settings);
      const name = row.nodename;
      if (!target.jenkins || name === null) return done('launched');
      valueOf(
        await task.ask(
          targetAddress(target.name),
          (replyTo: ReplyTo<Reply<null>>) => ({
            type: 'register' as const,
            node: row.id,
            spec: {
              name,
              // By its tag a slave that is left behind is known as ours.
              description: `Dynamic single use ${label.name} node${row.tag === null ? '' : ` (${row.tag})`}`,
              labels: target.jenkins?.testJob ? null : label.name,
              host: row.ip ?? '',
              sshPort: image.sshPort,
              remoteRoot: image.source === 'snapshot' ? image.userHome : defaultRemoteRoot,
              username: image.username,
              privateKeyFile: image.privateKeyFile,
              hostKey: row.hostKey,
            },
            replyTo,
          }),
          provider.launchTimeoutMs,
        ),
      );
      return done('launched');
    },
  },

  // The node is in state `test` from here on; how its test job ends is heard as an event (reference 16.2).
  'test-job': {
    async run({ row, settings, task }) {
      const { target, provider } = need(row, settings);
      const job = target.jenkins?.testJob ?? null;
      const name = row.nodename;
      if (job === null || name === null) return done('relabel');
      valueOf(
        await task.ask(
          targetAddress(target.name),
          (replyTo: ReplyTo<Reply<null>>) => ({ type: 'start-test' as const, job, name, node: row.id, replyTo }),
          provider.launchTimeoutMs,
        ),
      );
      return { kind: 'awaits-event' };
    },
  },

  relabel: {
    async run({ row, settings, task }) {
      const { target, provider, label } = need(row, settings);
      const name = row.nodename;
      if (!target.jenkins || name === null) return done('launched');
      valueOf(
        await task.ask(
          targetAddress(target.name),
          (replyTo: ReplyTo<Reply<null>>) => ({
            type: 'relabel' as const,
            name,
            labels: label.name,
            node: row.id,
            replyTo,
          }),
          provider.launchTimeoutMs,
        ),
      );
      return done('launched');
    },
  },
};

/** After a restart with the time used up, a machine that is well gets the chance to show it. */
const shortestSshMs = 10_000;
const defaultRemoteRoot = '/home/jenkins';

// ── create ───────────────────────────────────────────────────────────────────────────────────────────────────────

/** Says in a server's metadata which snapshot it boots from, for when the answer of its create was lost. */
const snapshotKey = 'nodepool_snapshot';

async function create(io: StepIo): Promise<StepOutcome> {
  const { row, settings, task, whose } = io;
  const { image, provider, label } = need(row, settings);
  if (row.hostname === null || row.tag === null) throw new Error(`node ${row.id} is created without name or tag`);
  const { hostname, tag } = row;
  const boot = replyOf(
    await task.ask(
      imageAddress(provider.name, label.image),
      (replyTo: ReplyTo<BootImage | null>) => ({ type: 'which' as const, node: row.id, replyTo }),
      settings.timings.api,
    ),
  );
  if (boot === null) {
    return fault(new Fault('cloud.no-image', `${provider.name} has no usable image ${label.image}`), true);
  }
  const outcome = await task.ask(
    cloudAddress(provider.name),
    (replyTo: ReplyTo<CloudReply<ServerId>>) => ({
      type: 'create-server' as const,
      whose,
      wish: {
        name: hostname,
        imageId: boot.imageId,
        az: row.az,
        networks: provider.networks,
        metadata: {
          [tagKey]: tag,
          // As the original of 0.3 marks its servers (reference 22.4), so that its leak sweep knows ours.
          groups: JSON.stringify([provider.name, label.image]),
          nodepool: JSON.stringify({ provider_name: provider.name, node_id: row.id, image_name: label.image }),
          ...(boot.snapshot === null ? {} : { [snapshotKey]: String(boot.snapshot) }),
        },
        keyName: image.source === 'cloud' ? image.keyName : null,
        configDrive: image.configDrive,
        securityGroups: provider.securityGroups,
        userData: image.userData,
        flavor: image,
        tag,
        until: task.now() + provider.launchTimeoutMs,
      },
      replyTo,
    }),
    provider.launchTimeoutMs,
  );
  const reply = replyOf(outcome);
  if (reply.ok) return done('boot', { serverId: reply.value, snapshotId: boot.snapshot });
  return fault(reply.fault, !reply.wasSent || !leavesDoubt(reply.fault));
}

/**
 * A create was sent, and its answer is not known. Only a list that was asked for when the call could no longer take
 * effect can say that there is no server (DESIGN 3); then the step begins anew, as if it had never been sent.
 */
async function settleDoubt(io: StepIo): Promise<StepOutcome> {
  const server = await findTagged(io.row, io);
  if (!server) return done('create', { sentAt: null });
  const snapshot = server.metadata[snapshotKey];
  return done('boot', {
    serverId: server.id,
    snapshotId: snapshot === undefined ? null : snapshotId(Number(snapshot)),
  });
}

/** The cloud actor keeps the deadline; the ask's own only catches that actor's end. */
const askSlackMs = 60_000;

// ── boot ─────────────────────────────────────────────────────────────────────────────────────────────

async function activeServer({ row, settings, task, telling }: StepIo): Promise<Server> {
  const { provider } = need(row, settings);
  const { serverId } = row;
  if (serverId === null) throw new Error(`node ${row.id} boots without a server`);
  // The launch timeout runs from the create call.
  const until = (row.sentAt ?? row.stepAt ?? task.now()) + provider.launchTimeoutMs;
  const asked = task.ask(
    cloudAddress(provider.name),
    (replyTo: ReplyTo<CloudReply<Server>>) => ({ type: 'await-active' as const, server: serverId, until, replyTo }),
    Math.max(0, until - task.now()) + askSlackMs,
  );
  return telling(waitForList, async () => cloudValue(await Promise.race([asked, unwanted(task.signal)])));
}

/** A boot takes long, and a delete need not wait for it: the server is known. */
function unwanted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const abort = (): void => reject(new Fault('actor.gone', 'the launch is no longer wanted'));
    if (signal.aborted) abort();
    else signal.addEventListener('abort', abort, { once: true });
  });
}

function addressed({ row, settings, outside }: StepIo, server: Server): StepOutcome {
  const { provider } = need(row, settings);
  const line = `node ${row.id}: server ${server.id} is active: ${addressesText(server.addresses)}`;
  outside.log.info(line, whereabouts(row));
  const az = server.az ?? row.az;
  const address = pickAddress(server.addresses, provider);
  if (address) return done('ssh', { ...address, az });
  // Only a server that cannot be reached otherwise gets one (reference 14.7).
  return done('address', { ipPrivate: innerAddress(server.addresses), az });
}

function fault(what: Fault, isCertain: boolean): StepOutcome {
  return { kind: 'fault', fault: what, isCertain };
}
