/** Numbers and times as people read them. */

export function age(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** Of a call or a step, which may be much shorter. */
export function lasting(ms: number): string {
  return ms < 1_000 ? `${Math.max(0, Math.round(ms))} ms` : age(ms / 1_000);
}

export function clockTime(at: number): string {
  return new Date(at).toLocaleTimeString('en-GB');
}

export function grouped(count: number): string {
  return count.toLocaleString('en-US').replaceAll(',', '\u2009');
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`;
}

/** Node 9 before node 10. */
export const byName = new Intl.Collator('en', { numeric: true }).compare;
