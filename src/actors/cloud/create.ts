/** Servers made and unmade. */
import { networksOf } from '../../domain/network.js';
import { quotaRefused } from '../../domain/cloud-breaker.js';
import { Fault } from '../../domain/fault.js';
import type { FlavorWish } from '../../domain/flavor.js';
import type { ServerId, Tag } from '../../domain/ids.js';
import type { Network } from '../../domain/pool-config.js';
import type { ServerSpec } from '../../ports/cloud.js';
import type { CloudMessage } from '../cloud.js';
import { enqueue, inTurn } from './calls.js';
import { readQuota } from './capacity.js';
import { flavorOf, withOffer } from './offer.js';
import type { CloudReply } from './server-waiters.js';
import type { Call, CloudContext, CloudState } from './state.js';

/** A server to be made; the flavor is chosen here, because only the cloud knows which there are. */
export interface ServerWish extends Omit<ServerSpec, 'flavorId' | 'networks'> {
  readonly flavor: FlavorWish;
  /** As the configuration names them. */
  readonly networks: readonly Network[];
  readonly tag: Tag;
  /** So long somebody waits for it. A create that is sent later would make what nobody looks for. */
  readonly until: number;
}

export function createServer(
  { wish, whose, replyTo }: Extract<CloudMessage, { type: 'create-server' }>,
  state: CloudState,
  ctx: CloudContext,
): void {
  const reply = (outcome: CloudReply<ServerId>): void => replyTo.reply(outcome);
  const underWay = state.creates.get(wish.tag);
  if (underWay) {
    underWay.push(reply);
    return;
  }
  const waiting = [reply];
  state.creates.set(wish.tag, waiting);
  const settle = (outcome: CloudReply<ServerId>): void => {
    state.creates.delete(wish.tag);
    for (const each of waiting) each(outcome);
  };
  withOffer(state, ctx, offer => {
    const flavor = offer.ok ? flavorOf(offer.value, wish.flavor, state.provider) : offer.fault;
    const networks = offer.ok
      ? networksOf(offer.value.networks, { name: state.provider, networks: wish.networks })
      : offer.fault;
    if (flavor instanceof Fault) settle({ ok: false, fault: flavor, wasSent: false });
    else if (networks instanceof Fault) settle({ ok: false, fault: networks, wasSent: false });
    else enqueue(createCall({ ...wish, whose, networks, flavorId: flavor.id }, settle, state, ctx), state, ctx);
  });
}

function createCall(
  { whose, ...spec }: ServerSpec & Pick<ServerWish, 'until'> & Pick<Call, 'whose'>,
  settle: (outcome: CloudReply<ServerId>) => void,
  state: CloudState,
  ctx: CloudContext,
): Call {
  return {
    name: 'createServer',
    place: inTurn('create'),
    whose,
    isWrite: true,
    until: spec.until,
    run: (port, deadlineMs) => port.createServer(spec, { deadlineMs }),
    settled(outcome) {
      if (outcome.ok) {
        settle({ ok: true, value: outcome.value as ServerId });
        return;
      }
      const { fault } = outcome;
      if (fault.kind === 'cloud.quota') {
        state.breaker = quotaRefused(state.breaker, fault, ctx.now(), ctx.random());
        readQuota(state, ctx);
      }
      // The image or the flavor may be gone since we looked.
      if (fault.kind === 'cloud.refused' || fault.kind === 'cloud.not-found') state.offer = null;
      settle({ ok: false, fault, wasSent: outcome.isUnsent !== true });
    },
  };
}
