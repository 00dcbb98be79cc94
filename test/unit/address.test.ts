import { fc } from '../support/fc.js';
import { describe, expect, test } from 'vitest';
import type { AddressChoice, CandidateAddress } from '../../src/domain/address.js';
import { isPrivateAddress, pickAddress } from '../../src/domain/address.js';

const none: AddressChoice = { ipv6Preferred: false, networks: [] };

/** `NETWORK ADDRESS [KIND]`, one a line. */
function addresses(...lines: string[]): CandidateAddress[] {
  return lines.map(line => {
    const [network = '', address = '', kind] = line.split(' ');
    return {
      network,
      address,
      version: address.includes(':') ? 6 : 4,
      kind: kind === 'fixed' || kind === 'floating' ? kind : null,
    };
  });
}

describe('the address to log in to', () => {
  test('is the IPv4 address of the network called public', () => {
    const given = addresses('private 10.1.2.3', 'public 2001:db8::5', 'public 23.253.1.2');
    expect(pickAddress(given, none)).toEqual({ ip: '23.253.1.2', ipPrivate: '10.1.2.3' });
  });

  test('is one that is not private on a network called private', () => {
    const given = addresses('private 10.1.2.3', 'private 15.125.1.2');
    expect(pickAddress(given, none)).toEqual({ ip: '15.125.1.2', ipPrivate: '10.1.2.3' });
  });

  test('is the floating one before all', () => {
    const given = addresses('public 198.51.100.7 fixed', 'net 192.168.0.9 floating');
    expect(pickAddress(given, none)?.ip).toBe('192.168.0.9');
  });

  test('is on the network that the configuration calls public, whatever it looks like', () => {
    const networks = [
      { name: 'inner', isPublic: false },
      { name: 'outer', isPublic: true },
    ];
    const given = addresses('inner 10.0.0.1', 'outer 10.9.0.1');
    expect(pickAddress(given, { ...none, networks })).toEqual({ ip: '10.9.0.1', ipPrivate: '10.0.0.1' });
  });

  test('is IPv6 where that is preferred and reachable, and IPv4 where it is not', () => {
    const preferred = { ...none, ipv6Preferred: true };
    const given = addresses('public 23.253.1.2', 'public 2001:db8::5', 'private 10.1.2.3');
    expect(pickAddress(given, preferred)).toEqual({ ip: '2001:db8::5', ipPrivate: '10.1.2.3' });
    expect(pickAddress(addresses('net 15.1.2.3', 'net fe80::1', 'net fd00::1'), preferred)?.ip).toBe('15.1.2.3');
  });

  test.each(['public', 'private', 'anything'])('may be a loopback address of a simulated cloud on %s', network => {
    expect(pickAddress(addresses(`${network} 127.8.0.3`), none)).toEqual({ ip: '127.8.0.3', ipPrivate: null });
  });

  test('is none where all are private', () => {
    expect(pickAddress(addresses('private 10.1.2.3', 'net 172.20.0.1', 'net 192.168.1.1'), none)).toBeNull();
    expect(pickAddress([], none)).toBeNull();
  });

  test('is one of those given, and never the private one too', () => {
    const one = fc.constantFrom(
      'public 1.2.3.4',
      'private 10.0.0.1',
      'net 172.16.0.1',
      'net 5.6.7.8 floating',
      'x 2001:db8::1',
    );
    fc.assert(
      fc.property(fc.array(one), fc.boolean(), (lines, ipv6Preferred) => {
        const given = addresses(...lines);
        const picked = pickAddress(given, { ...none, ipv6Preferred });
        if (picked === null) return;
        expect(given.map(a => a.address)).toContain(picked.ip);
        expect(picked.ipPrivate).not.toBe(picked.ip);
      }),
    );
  });
});

test.each([
  ['10.0.0.1', true],
  ['172.15.0.1', false],
  ['172.16.0.1', true],
  ['172.31.255.1', true],
  ['172.32.0.1', false],
  ['192.168.3.4', true],
  ['192.169.3.4', false],
  ['100.64.0.1', false],
  ['fd12::1', true],
  ['2001:db8::1', false],
])('%s is private: %s', (address, isPrivate) => {
  expect(isPrivateAddress(address)).toBe(isPrivate);
});
