import { describe, expect, it } from 'vitest';

import { Fault } from '../../src/domain/fault.js';
import type { ServerSpec } from '../../src/ports/cloud.js';
import { ManualClock } from '../../src/runtime/manual-clock.js';
import { FakeCloud } from '../support/fake-cloud.js';
import { cloudContract, cloudQuotaContract, rejectsWith } from './cloud.suite.js';

const call = { deadlineMs: 60_000 };

describe('the cloud in memory', () => {
  const open = async () => {
    const clock = new ManualClock();
    const cloud = new FakeCloud({ clock, bootMs: 30_000, deleteMs: 20_000, listLagMs: 5_000, snapshotMs: 60_000 });
    return {
      cloud,
      image: 'img',
      zone: 'nova',
      hasNetworkService: true,
      hasImageService: true,
      async until<T>(condition: () => Promise<T>): Promise<Exclude<T, null | undefined | false>> {
        for (let step = 0; step < 1_000; step++) {
          const found = await condition();
          if (found !== null && found !== undefined && found !== false) return found as never;
          await clock.advance(1_000);
        }
        throw new Error('not within 1000 s of virtual time');
      },
      limitServers(count: number) {
        cloud.serversMax = count;
      },
      async close() {},
    };
  };
  cloudContract(open);
  cloudQuotaContract(open);

  describe('with scripted trouble', () => {
    function started(): { clock: ManualClock; cloud: FakeCloud; spec: ServerSpec } {
      const clock = new ManualClock();
      const cloud = new FakeCloud({ clock });
      const [image] = cloud.images;
      const [flavor] = cloud.flavors;
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
      return { clock, cloud, spec: { name: 'a', imageId: image.id, flavorId: flavor.id, ...none } };
    }

    it('fails the next call of that kind, and only that', async () => {
      const { cloud, spec } = started();
      cloud.next('createServer', new Fault('cloud.quota', 'Quota exceeded'));
      await cloud.listServers(call);
      await rejectsWith(cloud.createServer(spec, call), 'cloud.quota');
      expect(cloud.servers).toEqual([]);
      await cloud.createServer(spec, call);
      expect(cloud.servers).toHaveLength(1);
    });

    it('loses the reply of a call that took effect', async () => {
      const { cloud, spec } = started();
      cloud.next('createServer', { loseReply: new Fault('cloud.timeout', 'no answer') });
      await rejectsWith(cloud.createServer(spec, call), 'cloud.timeout');
      expect(cloud.servers).toHaveLength(1);
    });

    it('answers late, after its caller has given up', async () => {
      const { clock, cloud, spec } = started();
      cloud.next('createServer', { delayMs: 90_000 });
      const outcome = rejectsWith(cloud.createServer(spec, call), 'cloud.timeout');
      await clock.advance(60_000);
      await outcome;
      expect(cloud.servers).toEqual([]);
      await clock.advance(30_000);
      expect(cloud.servers).toHaveLength(1);
    });

    it('hangs to the deadline', async () => {
      const { clock, cloud } = started();
      cloud.next('listServers', 'hang');
      const outcome = rejectsWith(cloud.listServers(call), 'cloud.timeout');
      await clock.advance(60_000);
      await outcome;
    });

    it('is away until it is back', async () => {
      const { cloud } = started();
      cloud.down();
      await rejectsWith(cloud.listFlavors(call), 'cloud.unreachable');
      await rejectsWith(cloud.listServers(call), 'cloud.unreachable');
      cloud.down(null);
      await cloud.listServers(call);
    });
  });
});
