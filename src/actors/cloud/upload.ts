/**
 * Files on their way to a cloud. They take minutes or hours and two calls, so that they go beside the pace: a slot of
 * theirs would keep all other calls of a careful provider waiting. How many there are at once is bounded by image-builds.
 */
import { Fault } from '../../domain/fault.js';
import type { ImageId } from '../../domain/ids.js';
import type { UploadSpec } from '../../ports/cloud.js';
import type { ReplyTo, TaskIo, TaskOutcome } from '../../runtime/actor.js';
import { cloudAddress } from '../addresses.js';
import { asFault } from '../store.js';
import { cloudValue } from './request.js';
import type { CloudReply } from './server-waiters.js';
import type { CloudContext, CloudState } from './state.js';

export interface UploadRequest {
  readonly type: 'upload-image';
  readonly spec: UploadSpec;
  readonly deadlineMs: number;
  readonly onProgress: (sentBytes: number, totalBytes: number) => void;
  /** Its asker does not want it any more: what was begun is taken back. */
  readonly signal: AbortSignal;
  readonly replyTo: ReplyTo<CloudReply<ImageId>>;
}

export interface UploadSettled {
  readonly type: 'upload-settled';
  readonly outcome: TaskOutcome<ImageId>;
  readonly replyTo: ReplyTo<CloudReply<ImageId>>;
}

export function uploadImage(message: UploadRequest, state: CloudState, ctx: CloudContext): void {
  const { spec, deadlineMs, onProgress, signal, replyTo } = message;
  const { port } = state.access;
  if (!port) {
    const fault = new Fault('cloud.no-endpoint', `${state.provider} is not in the configuration`);
    replyTo.reply({ ok: false, fault, wasSent: false });
    return;
  }
  ctx.task(
    'uploadImage',
    io => port.uploadImage(spec, { deadlineMs, onProgress, signal: AbortSignal.any([io.signal, signal]) }),
    outcome => ({ type: 'upload-settled', outcome, replyTo }),
    // The port keeps the deadline; this one only catches its end.
    { deadlineMs: deadlineMs + slackMs },
  );
}

export function uploadSettled({ outcome, replyTo }: UploadSettled): void {
  if (outcome.ok) replyTo.reply({ ok: true, value: outcome.value });
  else replyTo.reply({ ok: false, fault: asFault(outcome.error), wasSent: true });
}

/** Sends a file from a task; whatever went wrong is thrown as a fault. */
export async function askToUpload(
  task: TaskIo,
  provider: string,
  upload: Pick<UploadRequest, 'spec' | 'deadlineMs' | 'onProgress'>,
): Promise<ImageId> {
  const outcome = await task.ask(
    cloudAddress(provider),
    (replyTo: ReplyTo<CloudReply<ImageId>>) => ({
      type: 'upload-image' as const,
      ...upload,
      signal: task.signal,
      replyTo,
    }),
    upload.deadlineMs + 2 * slackMs,
  );
  return cloudValue(outcome);
}

const slackMs = 60_000;
