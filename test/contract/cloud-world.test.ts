import { describe, expect, it } from 'vitest';

import { openCloud } from '../../src/adapters/openstack/cloud.js';
import type { CloudOptions } from '../../src/sim/openstack/settings.js';
import { startWorld } from '../../src/sim/world.js';
import { until } from '../support/until.js';
import { accessTo } from './cloud-access.js';
import { cloudContract, cloudQuotaContract, rejectsWith } from './cloud.suite.js';

const call = { deadlineMs: 10_000 };

/** Pages of 2, so that every list of the suite has several. */
async function startCloud(more: Partial<CloudOptions> = {}) {
  const world = await startWorld({
    clouds: [{ name: 'c1', images: ['img', 'a', 'b'], pageSize: 2, ...more }],
    masters: [],
  });
  const cloud = world.clouds.get('c1');
  if (cloud === undefined) throw new Error('no cloud c1');
  return { world, cloud };
}

const generations: readonly {
  readonly what: string;
  readonly isV2: boolean;
  readonly options: Partial<CloudOptions>;
}[] = [
  { what: 'of today', isV2: false, options: {} },
  { what: 'of today, with private addresses', isV2: false, options: { addressing: 'floating' } },
  { what: 'of 2014', isV2: true, options: {} },
  {
    what: 'of 2014, with compute alone',
    isV2: true,
    options: { addressing: 'floating', hasNetworkService: false, hasImageService: false },
  },
];

describe.each(generations)('OpenStack over HTTP, a catalogue $what', ({ isV2, options }) => {
  const open = async () => {
    const { world, cloud } = await startCloud(options);
    const authUrl = isV2 ? `${cloud.authUrlV2}/` : cloud.authUrl;
    return {
      cloud: openCloud(accessTo({ ...login(cloud), authUrl })),
      image: 'img',
      zone: 'nova',
      hasNetworkService: options.hasNetworkService ?? true,
      hasImageService: options.hasImageService ?? true,
      until,
      limitServers(count: number) {
        cloud.settings.maxServers = count;
      },
      close: () => world.close(),
    };
  };
  cloudContract(open);
  cloudQuotaContract(open);
});

function login(cloud: Awaited<ReturnType<typeof startCloud>>['cloud']) {
  const { authUrl, username, password, projectName, region } = cloud;
  return { authUrl, username, password, projectName, region };
}

describe('OpenStack over HTTP', () => {
  it('asks for a new token once when all tokens have become worthless', async () => {
    const { world, cloud } = await startCloud();
    const port = openCloud(accessTo(login(cloud)));
    await port.listServers(call);
    cloud.revokeTokens();
    await Promise.all([port.listServers(call), port.listServers(call), port.listFlavors(call)]);
    expect(cloud.counts().tokensIssued).toBe(2);
    await port.close();
    await world.close();
  });

  it('tells a file that cannot be uploaded as one of this machine, and asks the cloud for nothing', async () => {
    const { world, cloud } = await startCloud();
    const port = openCloud(accessTo(login(cloud)));
    const upload = { name: 'i', file: '/no/such.raw', diskFormat: 'raw', containerFormat: 'bare', properties: {} };
    const fault = await rejectsWith(port.uploadImage(upload, call), 'build.file');
    expect(fault.message).toBe(
      "/no/such.raw cannot be uploaded: ENOENT: no such file or directory, stat '/no/such.raw'",
    );
    expect(fault.next).toContain('images-dir');
    await port.close();
    await world.close();
  });

  it('says which regions there are when the configured one is not', async () => {
    const { world, cloud } = await startCloud();
    const port = openCloud(accessTo(login(cloud), { regionName: 'Atlantis' }));
    const fault = await rejectsWith(port.listServers(call), 'cloud.no-endpoint');
    expect(fault.message).toContain('Atlantis');
    expect(fault.message).toContain(cloud.region);
    await port.close();
    await world.close();
  });

  it('is refused with another password', async () => {
    const { world, cloud } = await startCloud();
    const port = openCloud(accessTo({ ...login(cloud), password: 'wrong' }));
    await rejectsWith(port.listServers(call), 'cloud.auth');
    await port.close();
    await world.close();
  });
});
