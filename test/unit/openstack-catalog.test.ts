import { describe, expect, it } from 'vitest';

import {
  computeUrl,
  decodeCatalogV2,
  decodeCatalogV3,
  findEndpoint,
  imageUrl,
  networkUrl,
  noEndpoint,
} from '../../src/adapters/openstack/catalog.js';

/** As Rackspace's of 2014: two services of one type, of which the name chooses. */
const old = decodeCatalogV2(
  [
    { name: 'cloudServers', type: 'compute', endpoints: [{ publicURL: 'https://servers/v1.0/1' }] },
    {
      name: 'cloudServersOpenStack',
      type: 'compute',
      endpoints: [
        { region: 'DFW', publicURL: 'https://dfw.servers/v2/1' },
        { region: 'ORD', publicURL: 'https://ord.servers/v2/1' },
      ],
    },
    { name: 'broken', type: 'metering', endpoints: [{ region: 'DFW' }] },
  ],
  'public',
);

const servicesOfToday = [
  {
    type: 'compute',
    name: 'nova',
    endpoints: [
      { interface: 'internal', region_id: 'R1', url: 'http://internal/v2.1' },
      { interface: 'public', region_id: 'R1', url: 'http://public/v2.1' },
    ],
  },
];
const today = decodeCatalogV3(servicesOfToday, 'public');

describe('an endpoint of the catalogue', () => {
  it('is found by type, name and region', () => {
    const query = { type: 'compute', name: 'cloudServersOpenStack', region: 'ORD' };
    expect(findEndpoint(old, query)).toBe('https://ord.servers/v2/1');
  });

  it('is found without regard to case', () => {
    expect(findEndpoint(old, { type: 'compute', name: null, region: 'dfw' })).toBe('https://dfw.servers/v2/1');
  });

  it('is the first where nothing else is said', () => {
    expect(findEndpoint(old, { type: 'compute', name: null, region: null })).toBe('https://servers/v1.0/1');
  });

  it('is that of the interface that is wanted', () => {
    const query = { type: 'compute', name: null, region: 'R1' };
    expect(findEndpoint(today, query)).toBe('http://public/v2.1');
    expect(findEndpoint(decodeCatalogV3(servicesOfToday, 'internal'), query)).toBe('http://internal/v2.1');
    expect(findEndpoint(decodeCatalogV3(servicesOfToday, 'admin'), query)).toBeNull();
  });

  it('is that of the interface that is wanted in the catalogue of 2014 too', () => {
    const endpoints = [{ publicURL: 'http://p/v2/1', internalURL: 'http://i/v2/1', adminURL: 'http://a/v2/1' }];
    const services = [{ name: 'nova', type: 'compute', endpoints }];
    const query = { type: 'compute', name: null, region: null };
    expect(findEndpoint(decodeCatalogV2(services, 'internal'), query)).toBe('http://i/v2/1');
  });

  it('that is missing names what there is', () => {
    const query = { type: 'compute', name: 'nova', region: 'IAD' };
    expect(findEndpoint(old, query)).toBeNull();
    expect(noEndpoint(old, query).message).toBe(
      'the catalogue has no endpoint of type compute, name nova, region IAD; it has compute: ' +
        'cloudServers in no region; cloudServersOpenStack in DFW; cloudServersOpenStack in ORD',
    );
  });

  it('in a catalogue without the service names the services', () => {
    const query = { type: 'image', name: null, region: null };
    expect(noEndpoint(today, query).message).toContain('its services are: compute');
    expect(noEndpoint([], query).message).toContain('is project-id set?');
  });
});

describe('the version of an endpoint', () => {
  it.each([
    [computeUrl, 'http://c:8774/v2.1/', 'http://c:8774/v2.1'],
    [computeUrl, 'http://c/v2/7f', 'http://c/v2/7f'],
    [computeUrl, 'http://c/compute', 'http://c/compute/v2.1'],
    [imageUrl, 'http://c:9292', 'http://c:9292/v2'],
    [imageUrl, 'http://c:9292/v2/', 'http://c:9292/v2'],
    [imageUrl, 'https://c:443/v1.0', 'https://c:443/v2'],
    [imageUrl, 'http://c/image', 'http://c/image/v2'],
    [networkUrl, 'http://c:9696/', 'http://c:9696/v2.0'],
    [networkUrl, 'http://c:9696/v2.0', 'http://c:9696/v2.0'],
  ])('%o of %s', (urlOf, endpoint, url) => {
    expect(urlOf(endpoint)).toBe(url);
  });
});
