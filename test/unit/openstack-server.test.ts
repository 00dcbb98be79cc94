import { describe, expect, it } from 'vitest';

import { decodeServer } from '../../src/adapters/openstack/nova-words.js';
import { Fault } from '../../src/domain/fault.js';

describe('a server as clouds tell it', () => {
  it('of today', () => {
    expect(
      decodeServer({
        id: 'b0a1',
        name: 'bare-1',
        status: 'ACTIVE',
        'OS-EXT-AZ:availability_zone': 'az1',
        metadata: { tag: 'x' },
        key_name: 'ci',
        addresses: {
          private: [
            { version: 4, addr: '10.0.0.5', 'OS-EXT-IPS:type': 'fixed', 'OS-EXT-IPS-MAC:mac_addr': 'fa:16' },
            { version: 6, addr: '2001:db8::5', 'OS-EXT-IPS:type': 'fixed' },
            { version: 4, addr: '192.0.2.5', 'OS-EXT-IPS:type': 'floating' },
          ],
        },
        'OS-EXT-STS:task_state': null,
        unknown: { more: true },
      }),
    ).toEqual({
      id: 'b0a1',
      name: 'bare-1',
      status: 'ACTIVE',
      az: 'az1',
      metadata: { tag: 'x' },
      keyName: 'ci',
      faultMessage: null,
      addresses: [
        { network: 'private', version: 4, address: '10.0.0.5', kind: 'fixed' },
        { network: 'private', version: 6, address: '2001:db8::5', kind: 'fixed' },
        { network: 'private', version: 4, address: '192.0.2.5', kind: 'floating' },
      ],
    });
  });

  it('of 2014 and before: a number for an id, bare addresses, most of it missing, lesson 10', () => {
    expect(
      decodeServer({ id: 7, name: 'a', status: 'active', addresses: { public: ['192.0.2.7', '2001:db8::7'] } }),
    ).toEqual({
      id: '7',
      name: 'a',
      status: 'ACTIVE',
      az: null,
      metadata: {},
      keyName: null,
      faultMessage: null,
      addresses: [
        { network: 'public', version: 4, address: '192.0.2.7', kind: null },
        { network: 'public', version: 6, address: '2001:db8::7', kind: null },
      ],
    });
  });

  it('in ERROR, with the words of the cloud', () => {
    const server = decodeServer({
      id: 'a',
      status: 'ERROR',
      fault: { code: 500, message: 'No valid host was found.' },
    });
    expect(server.faultMessage).toBe('No valid host was found.');
  });

  it('before it is placed has no zone', () => {
    expect(decodeServer({ id: 'a', status: 'BUILD', 'OS-EXT-AZ:availability_zone': '' }).az).toBeNull();
  });

  it.each([
    [null],
    ['a'],
    [[]],
    [{}],
    [{ id: '', status: 'ACTIVE' }],
    [{ id: 'a' }],
    [{ id: 'a', status: 'ACTIVE', addresses: [] }],
  ])('that is none is a fault: %j', value => {
    expect(() => decodeServer(value)).toThrow(Fault);
  });
});
