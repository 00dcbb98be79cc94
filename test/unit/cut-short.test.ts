import { expect, test } from 'vitest';
import { isCutShort } from '../../src/domain/cut-short.js';

const file = (text: string) => ({ text, sections: [...text.matchAll(/^(\w+):/gm)].map(([, key]) => key ?? '') });
const before = file('labels:\n  - a\nproviders:\n  - x\n  - y\ntargets:\n  - t\n  - u\n');

test.each([
  ['the same', before.text, false],
  ['one without its last character', before.text.slice(0, -1), true],
  ['one that ends in the middle of a line', 'labels:\n  - a\nprovid', true],
  ['one that ends at a line, with sections missing', 'labels:\n  - a\nproviders:\n  - x\n', true],
  ['one of which the last of a list was removed', before.text.replace('  - u\n', ''), false],
  ['one of which a section was removed and another added', 'labels:\n  - a\nproviders:\n  - x\nmore: 1\n', false],
  ['a longer one', `${before.text}more: 1\n`, false],
])('%s', (_, text, expected) => {
  expect(isCutShort(file(text), before)).toBe(expected);
});

test('a file that never had an end may go on without', () => {
  expect(isCutShort(file('a: 2'), file('a: 1'))).toBe(false);
  expect(isCutShort(file('a: 1'), null)).toBe(false);
});
