import { Cron } from 'croner';

/**
 * When a cron expression comes due next after the time, in local time; null: never. Five fields, or six with the
 * seconds first.
 */
export function nextRun(expression: string, after: number): number | null {
  return new Cron(expression).nextRun(new Date(after))?.getTime() ?? null;
}
