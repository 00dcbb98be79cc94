import { fc } from '../support/fc.js';
import { expect, test } from 'vitest';
import { leftByQuota, limitsOf, nothing, unlimited, type Figure } from '../../src/domain/quota.js';

const provider = { maxServers: 10, maxCores: null, maxRamMb: null, ignoreProviderQuota: false };
const silent = { servers: null, cores: null, ramMb: null, addresses: null };
const noAddresses = { ...nothing, addresses: null };

const count = fc.nat(5_000);
const figure = fc.option(fc.record({ used: count, max: fc.option(count) }));
const quotas = fc.record({ servers: figure, cores: figure, ramMb: figure, addresses: figure });
const amounts = fc.record({ servers: count, cores: count, ramMb: count, addresses: fc.option(count) });

test('what others have in the project is taken off, and what is ours is not', () => {
  const quota = { ...silent, servers: { used: 30, max: 50 } };
  expect(leftByQuota(quota, { ...noAddresses, servers: 12 }).servers).toBe(32);
});

test('a cloud that sets no limit, or says nothing, limits nothing', () => {
  expect(leftByQuota({ ...silent, servers: { used: 900, max: null } }, noAddresses)).toEqual(unlimited);
  expect(leftByQuota(silent, noAddresses)).toEqual(unlimited);
});

test('where each server needs an address of its own, addresses limit the servers', () => {
  const quota = { ...silent, servers: { used: 0, max: 50 }, addresses: { used: 3, max: 10 } };
  expect(leftByQuota(quota, { ...nothing, addresses: 2 }).servers).toBe(9);
  expect(leftByQuota(quota, noAddresses).servers).toBe(50);
});

test('the least of configuration and quota counts, and a quota that is to be ignored does not', () => {
  const byQuota = { servers: 4, cores: 16, ramMb: 8_192 };
  expect(limitsOf(provider, byQuota)).toEqual({ servers: 4, cores: 16, ramMb: 8_192 });
  expect(limitsOf({ ...provider, maxServers: 2, maxCores: 8 }, byQuota)).toEqual({
    servers: 2,
    cores: 8,
    ramMb: 8_192,
  });
  expect(limitsOf({ ...provider, ignoreProviderQuota: true }, byQuota).servers).toBe(10);
});

test('a provider that drains has room for nothing', () => {
  expect(limitsOf({ ...provider, maxServers: -1 }, unlimited).servers).toBe(0);
});

test('no share is negative, none is more than the quota, and what others have is never given away', () => {
  fc.assert(
    fc.property(quotas, amounts, (quota, ours) => {
      const share = leftByQuota(quota, ours);
      const check = (left: number | null, given: Figure | null, own: number): void => {
        if (left === null) return;
        expect(left).toBeGreaterThanOrEqual(0);
        const max = given?.max ?? Infinity;
        expect(left).toBeLessThanOrEqual(max);
        const others = Math.max(0, (given?.used ?? 0) - own);
        if (others <= max) expect(left + others).toBeLessThanOrEqual(max);
      };
      check(share.cores, quota.cores, ours.cores);
      check(share.ramMb, quota.ramMb, ours.ramMb);
      check(share.servers, quota.servers, ours.servers);
    }),
  );
});
