/**
 * What the daemon's main thread feels of its clouds: handshakes with machines and calls to twelve providers at once, in
 * the worker threads of each, against a world in another process.
 */
import { performance } from 'node:perf_hooks';

import { openWorkerShell, WorkerPools } from '../../../src/adapters/workers/workers.js';
import { flavorId, imageId } from '../../../src/domain/ids.js';
import type { CloudPort } from '../../../src/ports/cloud.js';
import type { ShellPort } from '../../../src/ports/shell.js';
import { until } from '../../support/until.js';
import { openBenchCloud, startBenchWorld } from './parts.js';
import { Sampler, type Lateness } from './sampler.js';

const PROVIDERS = 12;
const MACHINES = 200;
const ROUNDS = 5;
const CALLS_AT_ONCE = 8;
/** A list of servers takes a real cloud about a second. */
const CALL_MS = [500, 1_500] as const;
const IDLE_MS = 3_000;
const call = { deadlineMs: 600_000 };

export interface EventLoopFigures {
  readonly providers: number;
  readonly handshakes: number;
  readonly calls: number;
  readonly seconds: number;
  readonly late: Lateness;
  /** With nothing going on: what the machine itself costs. */
  readonly lateWhenIdle: Lateness;
  /** Share of the time in which the main thread did something. */
  readonly utilization: number;
}

interface BenchProvider {
  readonly cloud: CloudPort;
  readonly shell: ShellPort;
}

export async function measureEventLoop(): Promise<EventLoopFigures> {
  const world = await startBenchWorld({ clouds: PROVIDERS, callMs: CALL_MS, usernames: ['jenkins'] });
  const { port, username, privateKeyFile } = world.said.ssh;
  const pools = new WorkerPools();
  const providers = world.said.clouds.map((login): BenchProvider => ({
    cloud: openBenchCloud(login, pools),
    shell: openWorkerShell(login.name, pools),
  }));
  const machines = await boot(providers);
  const idle = new Sampler();
  await new Promise(resolve => setTimeout(resolve, IDLE_MS));
  const lateWhenIdle = idle.stop();

  const calling = keepCalling(providers);
  const sampler = new Sampler();
  const start = performance.now();
  const before = performance.eventLoopUtilization();
  for (let round = 0; round < ROUNDS; round++) {
    await Promise.all(
      machines.map(({ shell, host }) => shell.check({ host, port, username, privateKeyFile, hostKey: null }, call)),
    );
  }
  const { utilization } = performance.eventLoopUtilization(before);
  const seconds = (performance.now() - start) / 1000;
  const late = sampler.stop();
  const calls = await calling.stop();
  await Promise.all(providers.flatMap(({ cloud, shell }) => [cloud.close(), shell.close()]));
  await pools.close();
  await world.stop();
  const handshakes = machines.length * ROUNDS;
  return { providers: providers.length, handshakes, calls, seconds, late, lateWhenIdle, utilization };
}

interface BenchMachine {
  readonly shell: ShellPort;
  readonly host: string;
}

async function boot(providers: readonly BenchProvider[]): Promise<readonly BenchMachine[]> {
  const each = providers.map(async ({ cloud, shell }, index) => {
    const [image] = await cloud.listImages(call);
    const [flavor] = await cloud.listFlavors(call);
    if (image === undefined || flavor === undefined) throw new Error('a world without images or flavors');
    const count = Math.floor((MACHINES * (index + 1)) / PROVIDERS) - Math.floor((MACHINES * index) / PROVIDERS);
    const spec = {
      name: 'bench',
      imageId: imageId(image.id),
      flavorId: flavorId(flavor.id),
      az: null,
      networks: [],
      metadata: {},
      keyName: null,
      configDrive: null,
      securityGroups: [],
      userData: null,
    };
    for (let made = 0; made < count; made++) await cloud.createServer(spec, call);
    const servers = await until(
      async () => {
        const all = await cloud.listServers(call);
        return all.every(({ addresses }) => addresses.length > 0) && all;
      },
      { withinMs: 120_000, everyMs: 100 },
    );
    return servers.map(({ addresses }) => ({ shell, host: addresses[0]?.address ?? '' }));
  });
  return (await Promise.all(each)).flat();
}

/** As many calls in flight at each provider as its configuration allows, one after the other. */
function keepCalling(providers: readonly BenchProvider[]): { stop(): Promise<number> } {
  const state = { calls: 0, isOver: false };
  const callers = providers.flatMap(({ cloud }) =>
    Array.from({ length: CALLS_AT_ONCE }, async () => {
      for (; !state.isOver; state.calls++) await cloud.listServers(call);
    }),
  );
  return {
    async stop() {
      state.isOver = true;
      await Promise.all(callers);
      return state.calls;
    },
  };
}
