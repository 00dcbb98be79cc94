import { readFileSync } from 'node:fs';
import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import { nearest } from '../../src/config/formats.js';
import { readConfig } from '../../src/config/load.js';

const text = readFileSync('config/nodepool.example.yaml', 'utf8');
const lines = text.split('\n');

/** Whatever a file is, reading it reports; and what it reports is somewhere in the file. */
function expectReported(mutated: string): void {
  const { problems, kind } = readConfig(mutated, { file: 'n.yaml', needsDatabase: true });
  const mutatedLines = mutated.split('\n');
  for (const { line, column, message } of problems) {
    expect(message).not.toBe('');
    expect(line).toBeGreaterThanOrEqual(1);
    expect(line).toBeLessThanOrEqual(Math.max(mutatedLines.length, 1));
    expect(column).toBeGreaterThanOrEqual(1);
    expect(column).toBeLessThanOrEqual((mutatedLines[(line ?? 0) - 1]?.length ?? 0) + 1);
  }
  if (kind === 'refused') expect(problems.some(problem => problem.severity === 'error')).toBe(true);
  const places = problems.map(({ line }) => line ?? 0);
  expect(places).toEqual([...places].sort((a, b) => a - b));
}

const place = fc.nat({ max: lines.length - 1 });
const scalar = fc.constantFrom(
  '',
  '~',
  '-1',
  '0',
  '1e99',
  '.nan',
  '.inf',
  'yes',
  "''",
  '[]',
  '{}',
  '[{}]',
  '- a',
  '*a',
  '&a x',
  '!!x y',
  '{',
  '"',
  '0x10',
  '{__proto__: 1}',
  '{constructor: 1}',
  '2014-06-01',
  '!!binary aGk=',
  '<<: 1',
  '? [a]',
  '|',
);

describe('any change of a valid file is reported and never thrown', () => {
  test('a line removed, doubled, moved or indented', () => {
    fc.assert(
      fc.property(place, place, fc.constantFrom('remove', 'double', 'move', 'indent', 'tab'), (from, to, change) => {
        const changed = [...lines];
        const line = changed[from] ?? '';
        if (change === 'remove') changed.splice(from, 1);
        else if (change === 'double') changed.splice(from, 0, line);
        else if (change === 'move') changed.splice(to, 0, ...changed.splice(from, 1));
        else changed[from] = `${change === 'tab' ? '\t' : '  '}${line}`;
        expectReported(changed.join('\n'));
      }),
      { numRuns: 100 },
    );
  });

  test('a value replaced by any other', () => {
    fc.assert(
      fc.property(place, fc.oneof(scalar, fc.string(), fc.json()), (at, value) => {
        const changed = [...lines];
        changed[at] = (changed[at] ?? '').replace(/(:|-) .*$/, (_, mark: string) => `${mark} ${value}`);
        expectReported(changed.join('\n'));
      }),
      { numRuns: 100 },
    );
  });

  test('a key replaced by any other', () => {
    fc.assert(
      fc.property(place, fc.oneof(scalar, fc.string()), (at, key) => {
        const changed = [...lines];
        changed[at] = (changed[at] ?? '').replace(/^([ -]*)[\w-]+:/, (_, indent: string) => `${indent}${key}:`);
        expectReported(changed.join('\n'));
      }),
      { numRuns: 100 },
    );
  });

  test('characters removed and put in', () => {
    const position = fc.nat({ max: text.length });
    fc.assert(
      fc.property(
        position,
        fc.nat({ max: 20 }),
        fc.oneof(fc.string(), fc.string({ unit: 'binary' })),
        (at, length, put) => expectReported(text.slice(0, at) + put + text.slice(at + length)),
      ),
      { numRuns: 100 },
    );
  });

  test('any text and any structure at all', () => {
    fc.assert(fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), expectReported), { numRuns: 100 });
  });
});

test('the nearest word is one of those there are, and a word itself is nearest', () => {
  fc.assert(
    fc.property(fc.string(), fc.array(fc.string()), (word, words) => {
      const found = nearest(word, words);
      expect(found === null || words.includes(found)).toBe(true);
      if (word.length <= 100) expect(nearest(word, [...words, word])?.toLowerCase()).toBe(word.toLowerCase());
    }),
  );
});
