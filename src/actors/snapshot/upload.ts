/** An image that is made on this machine, and sent. */
import { Fault } from '../../domain/fault.js';
import { uploadProgress } from '../../domain/image-progress.js';
import type { DiskFile } from '../../ports/builds.js';
import type { ReplyTo } from '../../runtime/actor.js';
import { diskimageAddress } from '../addresses.js';
import { askCloud } from '../cloud/request.js';
import { askToUpload } from '../cloud/upload.js';
import { usualFormat } from '../diskimage.js';
import { valueOf, type Reply } from '../outcome.js';
import { metadataOf, need } from './names.js';
import { findImage } from './remove.js';
import { done, type StepIo, type StepOutcome } from './step.js';

/** Its file, made if need be. The cloud needs none that it has already. */
export async function makeFile(io: StepIo): Promise<StepOutcome> {
  const { fingerprint } = await fileOf(io);
  if (fingerprint === io.currentSource) {
    return { kind: 'unneeded', why: 'the cloud has this very file already' };
  }
  return done('upload', { source: fingerprint });
}

/** What an upload left that was cut off is taken back: half an image would never be active. */
export async function upload(io: StepIo): Promise<StepOutcome> {
  const { row, settings, task, progress } = io;
  const { provider, image } = need(row, settings);
  const left = io.wasPrepared ? null : await findImage(io);
  if (left?.status === 'active') return done('save', { imageId: left.id });
  const deadlineMs = settings.timings.snapshot;
  if (left) await askCloud(task, { provider: provider.name, op: 'deleteImage', args: [left.id] }, deadlineMs);
  const { file, fingerprint } = await fileOf(io);
  let toldAt = -Infinity;
  const imageId = await askToUpload(task, provider.name, {
    spec: {
      name: row.hostname ?? '',
      file,
      diskFormat: provider.imageType ?? usualFormat,
      containerFormat: 'bare',
      properties: { ...image.meta, ...metadataOf(row) },
    },
    deadlineMs,
    onProgress(sentBytes, totalBytes) {
      if (task.now() - toldAt < tellEveryMs && sentBytes < totalBytes) return;
      toldAt = task.now();
      progress(uploadProgress(sentBytes, totalBytes));
    },
  });
  return done('save', { imageId, source: fingerprint });
}

const tellEveryMs = 1_000;

async function fileOf({ row, settings, task }: StepIo): Promise<DiskFile> {
  const { provider, image } = need(row, settings);
  const { diskimage } = image;
  const config = settings.config.diskimages.find(({ name }) => name === diskimage);
  if (diskimage === null || !config) {
    throw new Fault('config.removed', `there is no disk image ${diskimage ?? ''} in the configuration`);
  }
  const question = (replyTo: ReplyTo<Reply<DiskFile>>) => ({
    type: 'file-wanted' as const,
    format: provider.imageType ?? usualFormat,
    since: (row.version ?? 0) * 1000,
    replyTo,
  });
  // Behind one that is being made, and then its own.
  return valueOf(await task.ask(diskimageAddress(diskimage), question, 2 * config.buildTimeoutMs + slackMs));
}

const slackMs = 120_000;
