import { expect, test } from 'vitest';
import { sharedLookup } from '../../src/adapters/lookup.js';

test('a name that is being looked up is not looked up once more, and nothing is remembered', () => {
  const asked: { name: string; answer: (address: string) => void }[] = [];
  const lookup = sharedLookup((name, _options, answered) => {
    asked.push({ name, answer: address => answered(null, address, 4) });
  });
  const heard: string[] = [];
  const ask = (name: string): void =>
    lookup(name, { all: false }, (_error, address) => heard.push(`${name} ${JSON.stringify(address)}`));
  for (const name of ['hangs', 'hangs', 'answers', 'hangs']) ask(name);
  expect(asked.map(({ name }) => name)).toEqual(['hangs', 'answers']);
  asked[1]?.answer('10.0.0.2');
  expect(heard).toEqual(['answers "10.0.0.2"']);
  asked[0]?.answer('10.0.0.1');
  expect(heard).toEqual(['answers "10.0.0.2"', 'hangs "10.0.0.1"', 'hangs "10.0.0.1"', 'hangs "10.0.0.1"']);
  ask('hangs');
  expect(asked).toHaveLength(3);
});

test('those who want other addresses of a name ask for themselves', () => {
  const asked: unknown[] = [];
  const lookup = sharedLookup((_name, options) => asked.push(options));
  lookup('cloud', { family: 4 }, () => undefined);
  lookup('cloud', { family: 6 }, () => undefined);
  expect(asked).toEqual([{ family: 4 }, { family: 6 }]);
});
