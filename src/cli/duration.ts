import { InvalidArgumentError } from 'commander';

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };
/** Ten years: more is a slip of the finger. */
const secondsMax = 10 * 366 * 86_400;

/** A time on the command line in milliseconds: `90` and `90s` are seconds; `10m`, `2h`, `3d`, `1h30m`. */
export function parseDuration(text: string): number {
  if (!/^(\d+(\.\d+)?|(\d+(\.\d+)?[smhd])+)$/.test(text)) {
    throw new InvalidArgumentError(`"${text}" is not a time such as 90s, 10m, 2h or 3d.`);
  }
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)([smhd]?)/g)];
  const seconds = parts.reduce((sum, [, count, unit]) => sum + Number(count) * (unitSeconds[unit || 's'] ?? 1), 0);
  if (seconds <= 0 || seconds > secondsMax) throw new InvalidArgumentError(`"${text}" is not between 0 and ten years.`);
  return Math.round(seconds * 1_000);
}
