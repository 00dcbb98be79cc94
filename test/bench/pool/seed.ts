/** Ready nodes that are there before the daemon is: rows, servers and slaves, over all providers and targets. */
import { newTag } from '../../../src/domain/tag.js';
import { nodeName } from '../../../src/domain/ids.js';
import type { PoolConfig } from '../../../src/domain/pool-config.js';
import { openStore } from '../../../src/db/store.js';
import type { FakeCi } from '../../support/fake-ci.js';
import type { BenchCloud } from './world.js';

export interface SeededWorld {
  readonly config: PoolConfig;
  readonly clouds: ReadonlyMap<string, BenchCloud>;
  readonly masters: ReadonlyMap<string, FakeCi>;
}

/** The shared connections. */
const atOnce = 4;
const insertedAtOnce = 500;
/** Of ten nodes. */
const mixture = ['ready', 'used', 'ready', 'used', 'ready', 'hold', 'ready', 'delete', 'ready', 'test'] as const;
const call = { deadlineMs: 60_000 };

/** Returns the ids of those that are ready. */
export async function seedReady(
  dburi: string,
  count: number,
  world: SeededWorld,
  areMixed = false,
): Promise<readonly number[]> {
  const store = openStore({ dburi, now: () => Date.now() });
  const { installation } = await store.start({ host: 'bench', pid: process.pid, socket: 'none' });
  const ids: number[] = [];
  const { labels, providers, targets } = world.config;
  const wishes = Array.from({ length: count }, (_none, index) => ({
    provider: nth(providers, index).name,
    label: nth(labels, index).name,
    target: nth(targets, index).name,
    az: 'nova',
    groupSize: 1,
    tag: newTag(installation, Math.random),
  }));
  for (let at = 0; at < count; at += insertedAtOnce) {
    const rows = [...(await store.shared.insertNodes(wishes.slice(at, at + insertedAtOnce)))];
    const work = async (): Promise<void> => {
      for (let row = rows.pop(); row; row = rows.pop()) {
        const name = `bare-${row.provider}-${row.id}`;
        const cloud = world.clouds.get(row.provider);
        if (!cloud) throw new Error(`there is no ${row.provider}`);
        const metadata = { nodepool_tag: row.tag ?? '' };
        const serverId = cloud.add(name, metadata);
        const ip = `10.0.${row.id >> 8}.${row.id & 255}`;
        const nodename = nodeName(name);
        await store.shared.changeNode(row.id, row, {
          state: areMixed ? nth(mixture, row.id) : 'ready',
          step: null,
          stepAt: null,
          hostname: name,
          nodename,
          serverId,
          ip,
        });
        await world.masters.get(row.target)?.createNode(
          {
            name: nodename,
            description: `Dynamic single use bare node (${row.tag ?? ''})`,
            labels: row.label,
            host: ip,
            sshPort: 22,
            remoteRoot: '/home/jenkins',
            username: 'jenkins',
            privateKeyFile: '/none',
            hostKey: null,
          },
          call,
        );
        const slave = world.masters.get(row.target)?.slaves.get(nodename);
        if (slave) Object.assign(slave, { idle: true, offline: false });
        if (!areMixed || nth(mixture, row.id) === 'ready') ids.push(row.id);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, work));
  }
  await store.close();
  return ids.sort((a, b) => a - b);
}

function nth<T>(all: readonly T[], index: number): T {
  const found = all[index % all.length];
  if (found === undefined) throw new Error('there is none');
  return found;
}
