import { expect, test } from 'vitest';
import { secretKeys } from '../../src/config/keys.js';
import { differences } from '../../src/domain/config-words.js';

test('what the file calls secret is told without its value, wherever it stands', () => {
  for (const key of secretKeys) {
    const of = (secret: string): object => ({
      section: { [key]: key === 'dburi' ? `mysql://me:${secret}@db/n` : secret },
    });
    const told = differences(of('planted-1'), of('planted-2'));
    expect(told).toContain(`section.${key} changed`);
    expect(told).not.toContain('planted');
  }
});
