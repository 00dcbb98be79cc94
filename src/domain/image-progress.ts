/** How far the making of a snapshot image has come: written by its build, read by whoever draws it. */
import { buildStepsInOrder, uploadStepsInOrder } from './snapshot-row.js';

const mibBytes = 1024 * 1024;

export function uploadProgress(sentBytes: number, totalBytes: number): string {
  return `${mib(sentBytes)} of ${mib(totalBytes)} MiB`;
}

const mib = (bytes: number): string => (bytes / mibBytes).toFixed(bytes < 10 * mibBytes ? 1 : 0);

/**
 * From 0 to 1 by steps; within an upload, which takes longer than all else, by what is sent. Null: nothing is being
 * made. `progress` is what the step in hand says of itself.
 */
export function buildFraction(step: string | null, progress: string | null): number | null {
  const steps = uploadStepsInOrder.some(each => each === step && each !== 'queued' && each !== 'save')
    ? uploadStepsInOrder
    : buildStepsInOrder;
  const place = steps.findIndex(each => each === step);
  if (place === -1) return null;
  return (place + (sentFraction(progress) ?? 0)) / steps.length;
}

function sentFraction(progress: string | null): number | null {
  const [, sent, total] = /^([\d.]+) of ([\d.]+) MiB$/.exec(progress ?? '') ?? [];
  return sent === undefined || Number(total) === 0 ? null : Math.min(1, Number(sent) / Number(total));
}
