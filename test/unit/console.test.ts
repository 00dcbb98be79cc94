import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import { consoleTail } from '../../src/domain/console.js';

test('what a machine wrote last is kept, without what does not print', () => {
  expect(consoleTail('\u001b[0;32mOK\u001b[0m\u0000 sshd\r\nlogin: \r\n\u0007')).toBe('OK sshd\nlogin:');
});

test('of a long console the last lines are kept, none of them cut', () => {
  const tail = consoleTail(Array.from({ length: 500 }, (_, n) => `line ${n}`).join('\n'))?.split('\n');
  expect(tail).toHaveLength(100);
  expect(tail?.[0]).toBe('line 400');
  const wide = consoleTail(`${'a'.repeat(9_000)}\n${'b'.repeat(9_000)}\nend`);
  expect(wide).toBe(`${'b'.repeat(9_000)}\nend`);
});

test('a console without words is none', () => {
  for (const text of ['', '\n\n', '\u0000\u0000', ' \r\n']) expect(consoleTail(text)).toBeNull();
});

test('whatever a machine writes fits the column and can be stored', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30_000 }), text => {
      const tail = consoleTail(text) ?? '-';
      expect(Buffer.byteLength(tail)).toBeLessThan(65_536);
      expect(tail).not.toContain('\u0000');
    }),
    { numRuns: 50 },
  );
});
