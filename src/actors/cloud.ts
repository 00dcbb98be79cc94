/**
 * Owns    one provider's cloud calls: their order, their pace, the list of servers that all waiters share, what the
 *         cloud offers (flavors, images, networks), what it has room for, and whether it can be relied on.
 * Hears   create-server, delete-server, await-active, await-gone, find-tagged, list-servers, list-addresses, request (node, image and
 *         janitor actors), resolve-image, find-image, upload-image (image actors), launch-settled (node actors), figures
 *         (control), reconfigured, closing, store-ready.
 * Tells   the asker its outcome; the pool whether launches are welcome here, and for how many and what there is room; its
 *         health to stats.
 * Stores  nothing: flavors, images, list, quota, pace and breaker are learnt again.
 * If it dies: the asks in hand fail with `restarted`; a create in hand is then in doubt, and its node looks for the tag.
 */
import { closedBreaker } from '../domain/cloud-breaker.js';
import type { Fault } from '../domain/fault.js';
import type { ImageId, ServerId, Tag } from '../domain/ids.js';
import { fullPace } from '../domain/pace.js';
import { unlimited } from '../domain/quota.js';
import { noShortages } from '../domain/shortage.js';
import type { CloudImage, Server } from '../ports/cloud.js';
import type { Outside } from '../ports/outside.js';
import type { Actor, ReplyTo, TaskOutcome } from '../runtime/actor.js';
import { cloudAddress, storeAddress } from './addresses.js';
import type { Whose } from './call-made.js';
import { listAddresses, type ListAddresses } from './cloud/address-lists.js';
import { CloudAccess } from './cloud/access.js';
import { callSettled, describeCloud, enqueue, inTurn, probe, startCalls, tellPool } from './cloud/calls.js';
import { launchSettled, readQuota, tellCapacity } from './cloud/capacity.js';
import { endWaiting } from './cloud/closing.js';
import { createServer, type ServerWish } from './cloud/create.js';
import { figuresOf, type CloudFigures } from './cloud/figures.js';
import { findTagged, listIfWanted, wait } from './cloud/lists.js';
import { findImage, resolveImage } from './cloud/offer.js';
import type { ServerList } from './cloud/server-list.js';
import { request, type CloudRequest } from './cloud/request.js';
import { ServerWaiters, type CloudReply, type ServerWaiter } from './cloud/server-waiters.js';
import type { CloudContext, CloudState, QueuedCall } from './cloud/state.js';
import { uploadImage, uploadSettled, type UploadRequest, type UploadSettled } from './cloud/upload.js';
import { Pacer } from './pacer.js';
import type { Settings } from './settings.js';
import type { StoreNotice } from './store.js';

export type { ServerWish } from './cloud/create.js';
export type { CloudReply } from './cloud/server-waiters.js';

export type CloudMessage =
  | {
      readonly type: 'create-server';
      readonly wish: ServerWish;
      readonly whose?: Whose;
      readonly replyTo: ReplyTo<CloudReply<ServerId>>;
    }
  | {
      readonly type: 'delete-server';
      readonly server: ServerId;
      readonly whose?: Whose;
      readonly replyTo: ReplyTo<CloudReply<null>>;
    }
  | {
      readonly type: 'await-active';
      readonly server: ServerId;
      readonly until: number;
      readonly replyTo: ReplyTo<CloudReply<Server>>;
    }
  | {
      readonly type: 'await-gone';
      readonly server: ServerId;
      readonly until: number;
      readonly replyTo: ReplyTo<CloudReply<null>>;
    }
  /** Any list that is asked for from now on. */
  | {
      readonly type: 'list-servers';
      readonly until: number;
      readonly replyTo: ReplyTo<CloudReply<ServerList>>;
    }
  | {
      readonly type: 'find-tagged';
      readonly tag: Tag;
      readonly askedAfter: number;
      readonly until: number;
      readonly replyTo: ReplyTo<CloudReply<Server | null>>;
    }
  | {
      readonly type: 'resolve-image';
      readonly image: { readonly id: string | null; readonly name: string | null };
      readonly replyTo: ReplyTo<CloudReply<ImageId>>;
    }
  /** The image that carries the tag and the name, asked for now; null: there is none. */
  | {
      readonly type: 'find-image';
      readonly tag: Tag;
      readonly name: string | null;
      readonly replyTo: ReplyTo<CloudReply<CloudImage | null>>;
    }
  | ListAddresses
  | CloudRequest
  | UploadRequest
  | UploadSettled
  /** How a launch of this image ended; the zone is the one that it was given. */
  | {
      readonly type: 'launch-settled';
      readonly image: string;
      readonly az: string | null;
      readonly fault: Fault | null;
    }
  | { readonly type: 'reconfigured' }
  /** The daemon is about to stop. */
  | { readonly type: 'closing' }
  | {
      readonly type: 'call-settled';
      readonly call: QueuedCall;
      readonly askedAt: number;
      readonly outcome: TaskOutcome<unknown>;
    }
  | { readonly type: 'figures'; readonly replyTo: ReplyTo<CloudFigures> }
  | { readonly type: 'look-at-queue' }
  | { readonly type: 'list-due' }
  /** Whether a cloud in trouble is well again, asked where nobody else asks it anything. */
  | { readonly type: 'probe' }
  | { readonly type: 'reconsider-launches' }
  | { readonly type: 'quota-due' }
  | { readonly type: 'shortage-over' }
  | StoreNotice;

export const cloudActor: Actor<CloudMessage, CloudState, { provider: string; outside: Outside; settings: Settings }> = {
  kind: 'cloud',
  mailbox: { limit: 100_000, overflow: 'refuse-newest' },

  init(ctx, { provider, outside, settings }) {
    ctx.register(cloudAddress(provider));
    const known = settings.lastKnown.provider(provider);
    const access = new CloudAccess(outside.openCloud);
    if (known) access.follow(known);
    const state: CloudState = {
      provider,
      outside,
      settings,
      access,
      pacer: new Pacer<QueuedCall>(1),
      breaker: closedBreaker,
      governor: fullPace,
      waiters: new ServerWaiters(),
      creates: new Map(),
      list: null,
      isListing: false,
      wantedAt: null,
      addressWaiters: [],
      needsAddresses: (known?.pool ?? null) !== null,
      offer: null,
      offerWaiters: [],
      told: null,
      installation: null,
      byQuota: unlimited,
      isReadingQuota: false,
      isClosing: false,
      shortages: noShortages,
      toldCapacity: null,
      now: () => ctx.now(),
    };
    // Which servers are ours is known with the database; quotas mean little before.
    ctx.tell(storeAddress, { type: 'subscribe', path: ctx.path, listener: ctx.self });
    tellPool(state, ctx);
    return state;
  },

  handle(message, state, ctx) {
    switch (message.type) {
      case 'create-server':
        createServer(message, state, ctx);
        return;
      case 'delete-server':
        deleteServer(message, state, ctx);
        return;
      case 'await-active':
        wait({ ...message, kind: 'active', since: ctx.now() } as ServerWaiter, state, ctx);
        return;
      case 'await-gone':
        wait({ ...message, kind: 'gone', since: ctx.now() } as ServerWaiter, state, ctx);
        return;
      case 'list-servers':
        wait({ ...message, kind: 'list', since: ctx.now() }, state, ctx);
        return;
      case 'find-tagged':
        findTagged(message, state, ctx);
        return;
      case 'resolve-image':
        resolveImage(message, state, ctx);
        return;
      case 'find-image':
        findImage(message, state, ctx);
        return;
      case 'upload-image':
        uploadImage(message, state, ctx);
        return;
      case 'upload-settled':
        uploadSettled(message);
        return;
      case 'list-addresses':
        listAddresses(message, state, ctx);
        return;
      case 'request':
        request(message, state, ctx);
        return;
      case 'launch-settled':
        launchSettled(message, state, ctx);
        return;
      case 'reconfigured':
        reconfigure(state, ctx);
        return;
      case 'closing':
        endWaiting(state, ctx);
        return;
      case 'call-settled':
        callSettled(message, state, ctx);
        return;
      case 'figures':
        message.replyTo.reply(figuresOf(state, ctx.now()));
        return;
      case 'look-at-queue':
        startCalls(state, ctx);
        return;
      case 'list-due':
        listIfWanted(state, ctx);
        return;
      case 'probe':
        probe(state, ctx);
        return;
      case 'reconsider-launches':
        tellPool(state, ctx);
        return;
      case 'quota-due':
        readQuota(state, ctx);
        return;
      case 'shortage-over':
        tellCapacity(state, ctx);
        return;
      case 'store-ready':
        state.installation = message.installation;
        readQuota(state, ctx);
        return;
      case 'store-away':
    }
  },

  async onStop(state) {
    await state.access.close();
  },

  describe: state => ({ state: describeCloud(state, state.now()) }),
};

/** Another way to the cloud begins with a clean slate: what was wrong may have been the old one. */
function reconfigure(state: CloudState, ctx: CloudContext): void {
  const provider = state.settings.provider(state.provider);
  if (provider && state.access.follow(provider)) {
    state.list = null;
    state.offer = null;
    state.breaker = closedBreaker;
    state.governor = fullPace;
    state.pacer.resume();
    state.byQuota = unlimited;
    state.shortages = noShortages;
  }
  readQuota(state, ctx);
  tellPool(state, ctx);
  startCalls(state, ctx);
}

function deleteServer(
  { server, whose, replyTo }: Extract<CloudMessage, { type: 'delete-server' }>,
  state: CloudState,
  ctx: CloudContext,
): void {
  enqueue(
    {
      name: 'deleteServer',
      place: inTurn('delete'),
      whose,
      isWrite: true,
      run: (port, deadlineMs) => port.deleteServer(server, { deadlineMs }),
      settled: outcome =>
        replyTo.reply(outcome.ok ? { ok: true, value: null } : { ok: false, fault: outcome.fault, wasSent: true }),
    },
    state,
    ctx,
  );
}
