/**
 * What the daemon's main thread feels of twenty images that each of twelve providers builds, while nodes are launched:
 * the whole daemon with its database and its worker threads, against a world in another process.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';

import { grouped } from '../../../src/domain/grouped.js';
import { noCredentials, type PoolConfig } from '../../../src/domain/pool-config.js';
import { ControlClient } from '../../../src/http/client.js';
import { compose } from '../../../src/main.js';
import type { Log } from '../../../src/ports/log.js';
import { cloudImage, poolConfig, snapshotImage } from '../../support/pool-config.js';
import { until } from '../../support/until.js';
import { startBenchWorld, type WorldAccess, type WorldSight } from './parts.js';
import { Sampler, type Lateness } from './sampler.js';

const PROVIDERS = 12;
const IMAGES = 20;
const IMAGE_BUILDS = 2;
const NODES = 24;
const CALL_MS = [50, 250] as const;
const IDLE_MS = 3_000;
const LOOK_MS = 1_000;
const SCRIPTS = 20;
const SCRIPT_BYTES = 20_000;

export interface BuildFigures {
  readonly builds: number;
  readonly launches: number;
  readonly seconds: number;
  readonly imageBuilds: number;
  /** The most images that one provider was building in any look. */
  readonly atOnce: number;
  readonly looks: number;
  readonly late: Lateness;
  readonly lateWhenIdle: Lateness;
  readonly utilization: number;
}

const quiet = (): void => undefined;
const log: Log = { debug: quiet, info: quiet, warn: quiet, error: quiet };

export async function measureBuilds(): Promise<BuildFigures> {
  const world = await startBenchWorld({ clouds: PROVIDERS, callMs: CALL_MS, usernames: ['jenkins', 'root'] });
  const dir = await mkdtemp(join(tmpdir(), 'nodepool-bench-'));
  // As root, the database runs under another uid.
  await chmod(dir, 0o711);
  await writeScripts(join(dir, 'scripts'));
  const config = configOf(world.said, dir);
  const socket = join(dir, 'nodepoold.sock');
  const quietly = new Sampler();
  await new Promise(resolve => setTimeout(resolve, IDLE_MS));
  const lateWhenIdle = quietly.stop();

  const readConfig = () =>
    Promise.resolve({ kind: 'usable' as const, config, problems: [], source: { text: '', sections: [] } });
  const daemon = await compose({ config, socket, log, readConfig, configStamp: null });
  const client = new ControlClient(socket);
  await until(async () => (await client.readiness()).ready, { withinMs: 120_000, everyMs: 100 });
  const sampler = new Sampler();
  const start = performance.now();
  const before = performance.eventLoopUtilization();
  const builds = PROVIDERS * IMAGES;
  let atOnce = 0;
  let looks = 0;
  await until(
    async () => {
      const [images, nodes] = await Promise.all([client.images(), client.nodes()]);
      const building = images.filter(({ state, step }) => state === 'building' && step !== 'queued');
      for (const { length } of grouped(building, ({ provider }) => provider).values())
        atOnce = Math.max(atOnce, length);
      looks++;
      // So that there is always a launch under way.
      const idle = nodes.filter(({ state }) => state === 'ready');
      await Promise.all(idle.map(({ id }) => client.delete(id, { now: false })));
      return images.filter(({ state }) => state === 'ready').length === builds;
    },
    { withinMs: 1_800_000, everyMs: LOOK_MS },
  );
  const { utilization } = performance.eventLoopUtilization(before);
  const seconds = (performance.now() - start) / 1000;
  const late = sampler.stop();
  const { serversMade } = (await world.ask()) as WorldSight;

  await client.close();
  await daemon.stop();
  await world.stop();
  await rm(dir, { recursive: true });
  const launches = serversMade - builds;
  return { builds, launches, seconds, imageBuilds: IMAGE_BUILDS, atOnce, looks, late, lateWhenIdle, utilization };
}

async function writeScripts(dir: string): Promise<void> {
  await mkdir(dir);
  const text = `#!/bin/sh\n${'#'.repeat(SCRIPT_BYTES)}\n`;
  const names = ['setup.sh', ...Array.from({ length: SCRIPTS - 1 }, (_, index) => `script-${index}.sh`)];
  for (const name of names) await writeFile(join(dir, name), text, { mode: 0o755 });
}

function configOf({ clouds, ssh }: WorldAccess, dir: string): PoolConfig {
  const login = { sshPort: ssh.port, privateKeyFile: ssh.privateKeyFile, username: ssh.username };
  const images = Array.from({ length: IMAGES }, (_, index) => snapshotImage({ ...login, name: `snap-${index}` }));
  const config = poolConfig({
    labels: [
      { name: 'bare', minReady: NODES },
      ...images.map(({ name }) => ({ name: `of-${name}`, image: name, minReady: 0 })),
    ],
    providers: clouds.map(({ name, authUrl, username, password, projectName }) => ({
      name,
      credentials: { ...noCredentials, authUrl, username, password, projectName },
      maxServers: 20,
      concurrency: { workers: 1, calls: 8, launches: 40, deletes: 40, imageBuilds: IMAGE_BUILDS },
      images,
      cloudImages: [{ ...cloudImage, ...login }],
    })),
    targets: [{ name: 'nobody', jenkins: null }],
    scriptDir: join(dir, 'scripts'),
  });
  return { ...config, stateDir: dir, zmqPublishers: [], gearmanServers: [] };
}
