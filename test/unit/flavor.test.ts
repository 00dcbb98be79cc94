import { expect, test } from 'vitest';
import { pickFlavor } from '../../src/domain/flavor.js';

const flavors = [
  { name: '30 GB Performance', ramMb: 30_720 },
  { name: '8GB Standard', ramMb: 8192 },
  { name: '8 GB Performance', ramMb: 8192 },
  { name: '2GB Standard', ramMb: 2048 },
];
const pick = (minRamMb: number, nameFilter: string | null = null, flavorName: string | null = null) =>
  pickFlavor(flavors, { minRamMb, nameFilter, flavorName })?.name ?? null;

test('the smallest flavor that is big enough is taken, of equals the first', () => {
  expect(pick(8192)).toBe('8GB Standard');
  expect(pick(8193)).toBe('30 GB Performance');
});

test('a filter is a part of the name, a flavor name the whole', () => {
  expect(pick(8192, 'Performance')).toBe('8 GB Performance');
  expect(pick(0, null, '30 GB Performance')).toBe('30 GB Performance');
  expect(pick(0, null, 'Performance')).toBeNull();
});

test('there may be none', () => {
  expect(pick(40_000)).toBeNull();
  expect(pick(4096, 'tiny')).toBeNull();
});
