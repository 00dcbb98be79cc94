import { describe, expect, test } from 'vitest';
import { nextRun } from '../../src/adapters/cron/next-run.js';
import { cronerOrder } from '../../src/config/formats.js';

const at = (text: string): number => new Date(text).getTime();
/** As the file has it: the seconds last. */
const next = (expression: string, after: string): string | null => {
  const time = nextRun(cronerOrder(expression), at(after));
  return time === null ? null : new Date(time - new Date(time).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
};

describe('a schedule comes due', () => {
  test.each([
    ['* * * * *', '2014-06-30T12:00:00', '2014-06-30T12:01:00'],
    ['14 2 * * *', '2014-06-30T12:00:00', '2014-07-01T02:14:00'],
    ['27 */6 * * *', '2014-06-30T12:27:00', '2014-06-30T18:27:00'],
    ['*/15 * * * *', '2014-06-30T12:59:59', '2014-06-30T13:00:00'],
    // With seconds, as 0.3 has them: last.
    ['* * * * * */30', '2014-06-30T12:00:01', '2014-06-30T12:00:30'],
    ['0 0 * * * 15', '2014-06-30T12:00:00', '2014-07-01T00:00:15'],
    // Sunday is 0 and 7: 2014-06-30 is a Monday.
    ['0 3 * * 0', '2014-06-30T12:00:00', '2014-07-06T03:00:00'],
    ['0 3 * * 7', '2014-06-30T12:00:00', '2014-07-06T03:00:00'],
    ['0 3 * * 1-5', '2014-07-04T12:00:00', '2014-07-07T03:00:00'],
  ])('%s after %s: %s', (expression, after, expected) => {
    expect(next(expression, after)).toBe(expected);
  });

  test.each([
    ['0 0 1 1 *', '2014-06-30T12:00:00', '2015-01-01T00:00:00'],
    ['0 4 * 3,9 *', '2014-06-30T12:00:00', '2014-09-01T04:00:00'],
    ['0 4 * dec *', '2014-06-30T12:00:00', '2014-12-01T04:00:00'],
  ])('lesson 145: in its months only: %s after %s: %s', (expression, after, expected) => {
    expect(next(expression, after)).toBe(expected);
  });

  test('or never', () => expect(next('0 0 31 2 *', '2014-06-30T12:00:00')).toBeNull());
});
