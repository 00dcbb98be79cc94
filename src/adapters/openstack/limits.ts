/** Limits as clouds say them: -1 is none, and what is no number says nothing. */
import type { QuotaFigure } from '../../ports/cloud.js';
import type { Json } from './decode.js';

/** Null: no limit. */
export function limitOf(value: unknown): number | null {
  return typeof value === 'number' && value >= 0 ? value : null;
}

/** Of Nova's `limits.absolute`. Null: this cloud does not say. */
export function figureOf(limits: Json, keys: { readonly used: string; readonly max: string }): QuotaFigure | null {
  const used = limits[keys.used];
  const max = limits[keys.max];
  return typeof used === 'number' && typeof max === 'number' ? { used, max: limitOf(max) } : null;
}
