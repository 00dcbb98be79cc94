import { expect, test } from 'vitest';
import { installation } from '../../src/domain/ids.js';
import { isTagOf, newTag, tagIn } from '../../src/domain/tag.js';

const ours = installation('a1b2c3');
const others = installation('a1b2');

test('a tag says which installation made it', () => {
  const tag = newTag(ours, () => 0.5);
  expect(isTagOf(ours, tag)).toBe(true);
  expect(isTagOf(others, tag)).toBe(false);
  expect(isTagOf(ours, 'a server called np-a1b2c3-')).toBe(false);
});

test('a tag is found in a text, and only ours', () => {
  const tag = newTag(ours, () => 0.25);
  expect(tagIn(ours, `Dynamic single use bare node (${tag})`)).toBe(tag);
  expect(tagIn(others, `Dynamic single use bare node (${tag})`)).toBeNull();
  expect(tagIn(ours, 'Dynamic single use bare node')).toBeNull();
});
