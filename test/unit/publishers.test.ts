import { expect, test } from 'vitest';
import { publishersOf } from '../../src/domain/publishers.js';

test.each([
  ['https://jenkins01.example.org/', ['tcp://jenkins01.example.org:8888', 'tcp://jenkins02.example.org:8888'], [0]],
  [
    'https://Jenkins02.example.org:8443/ci/',
    ['tcp://jenkins01.example.org:8888', 'tcp://jenkins02.example.org:8888'],
    [1],
  ],
  ['https://user@[2001:db8::1]/', ['tcp://[2001:db8::1]:8888', 'tcp://[2001:db8::2]:8888'], [0]],
  ['https://ci.example.org/', ['tcp://10.0.0.1:8888', 'tcp://10.0.0.2:8888'], [0, 1]],
  ['https://ci.example.org/', [], []],
] as const)('the publishers of %s among %j', (url, endpoints, expected) => {
  expect(publishersOf(url, endpoints)).toEqual(expected.map(place => endpoints[place]));
});
