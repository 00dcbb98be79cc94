import { describe } from 'vitest';

import { openCloud } from '../../src/adapters/openstack/cloud.js';
import { openShell } from '../../src/adapters/ssh/shell.js';
import { startWorld } from '../../src/sim/world.js';
import { until } from '../support/until.js';
import { accessTo } from './cloud-access.js';
import { shellContract } from './shell.suite.js';

const call = { deadlineMs: 10_000 };

describe('the machines of the simulated world', () => {
  shellContract(async () => {
    const world = await startWorld({ clouds: [{ name: 'c1', images: ['img'] }], masters: [] });
    const sim = world.clouds.get('c1');
    if (sim === undefined) throw new Error('no cloud c1');
    const { authUrl, username, password, projectName } = sim;
    const cloud = openCloud(accessTo({ authUrl, username, password, projectName }));
    const [image] = await cloud.listImages(call);
    const [flavor] = await cloud.listFlavors(call);
    if (image === undefined || flavor === undefined) throw new Error('no image or flavor');
    const none = {
      az: null,
      networks: [],
      metadata: {},
      keyName: null,
      configDrive: null,
      securityGroups: [],
      userData: null,
    };
    const id = await cloud.createServer({ name: 'n', imageId: image.id, flavorId: flavor.id, ...none }, call);
    const { host } = await until(async () => {
      const address = (await cloud.getServer(id, call))?.addresses[0];
      return address !== undefined && { host: address.address };
    });
    await until(() => sim.servers().some(server => server.isReachable));
    const { port, username: user, privateKeyFile } = world.ssh;
    return {
      login: { host, port, username: user, privateKeyFile, hostKey: null },
      closedPort: 1,
      open: openShell,
      settle: outcome => outcome,
      async close() {
        await cloud.close();
        await world.close();
      },
    };
  });
});
