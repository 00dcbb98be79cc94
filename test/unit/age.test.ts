import { expect, test } from 'vitest';
import { formatAge } from '../../src/domain/age.js';

test.each([
  [0, '00:00:00:00'],
  [59.9, '00:00:00:59'],
  [3661, '00:01:01:01'],
  [86_399, '00:23:59:59'],
  [86_400, '01:00:00:00'],
  [100 * 86_400 + 1, '100:00:00:01'],
  [-5, '00:00:00:00'],
])('%s seconds are %s, and no fraction of an hour: lesson 164', (seconds, text) => {
  expect(formatAge(seconds)).toBe(text);
});
