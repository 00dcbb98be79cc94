/** A build in one line: its steps and what is sent as a bar. */
import { buildFraction } from '../domain/image-progress.js';
import type { ImageView } from '../ports/control.js';
import { bar } from './progress.js';

export function buildText({ id, step, progress }: ImageView): string {
  const fraction = buildFraction(step, progress ?? null);
  return [`image ${id}:`, fraction === null ? null : bar(fraction), step, progress].filter(Boolean).join(' ');
}
