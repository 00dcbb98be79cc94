import { expect, test } from 'vitest';
import { secretsIn, withoutSecrets } from '../../src/domain/redact.js';

test('secrets are found by their names, however deep', () => {
  const body = {
    auth: { identity: { methods: ['password'], password: { user: { name: 'u', password: 'pa ss/word' } } } },
  };
  expect(secretsIn({ headers: { 'x-auth-token': 'gAAAA1' }, body })).toEqual(['gAAAA1', 'pa ss/word']);
  expect(secretsIn(null)).toEqual([]);
});

test('a secret is replaced wherever it stands, also as a URL has it', () => {
  expect(withoutSecrets('pa ss/word? pa%20ss%2Fword! pa ss', ['pa ss/word'])).toBe('***? ***! pa ss');
});

test('what is too short to be a secret stays', () => {
  expect(withoutSecrets('demo is a demonstration', ['demo'])).toBe('demo is a demonstration');
});
