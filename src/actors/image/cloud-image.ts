/** An image of the cloud that exists already: it is only looked for. */
import { backoffMs } from '../../domain/backoff.js';
import { Fault, named } from '../../domain/fault.js';
import type { ImageId } from '../../domain/ids.js';
import type { CloudImageConfig } from '../../domain/pool-config.js';
import type { AskOutcome, ReplyTo } from '../../runtime/actor.js';
import { cloudAddress } from '../addresses.js';
import type { CloudReply } from '../cloud.js';
import { valueOf } from '../outcome.js';
import { answerAsking } from './launches.js';
import { current, tellPool, type ImageContext, type ImageState } from './state.js';

/** An operator's new image under the same name is noticed after this time. */
const lookAgainMs = 300_000;
const retryBackoff = { minMs: 1_000, maxMs: 60_000, factor: 2, jitter: 0.3 };

export function lookInCloud(image: CloudImageConfig, state: ImageState, ctx: ImageContext): void {
  ctx.ask(
    cloudAddress(state.provider),
    (replyTo: ReplyTo<CloudReply<ImageId>>) => ({
      type: 'resolve-image' as const,
      image: { id: image.imageId, name: image.imageName },
      replyTo,
    }),
    lookAgainMs,
    outcome => ({ type: 'resolved', outcome }),
  );
}

export function resolved(outcome: AskOutcome<CloudReply<ImageId>>, state: ImageState, ctx: ImageContext): void {
  try {
    state.inCloud = valueOf(outcome);
    state.looksFailed = 0;
    known(null, state, ctx);
    ctx.timer('look', lookAgainMs, { type: 'look' });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    state.looksFailed++;
    // A cloud that does not answer says nothing about its images: what was usable stays so.
    if (error.kind === 'cloud.no-image') state.inCloud = null;
    if (error.kind === 'cloud.no-image' || state.isKnown) known(named(error), state, ctx);
    else tellPool(null, named(error), state, ctx);
    ctx.timer('look', backoffMs(retryBackoff, state.looksFailed, ctx.random()), { type: 'look' });
  }
}

function known(trouble: string | null, state: ImageState, ctx: ImageContext): void {
  const usable = current(state);
  tellPool(usable, usable ? null : trouble, state, ctx);
  answerAsking(state, ctx.now());
}
