import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { openWorkerCloud, type WorkerPools } from '../../../src/adapters/workers/workers.js';
import { noCredentials, type Provider } from '../../../src/domain/pool-config.js';
import type { CloudPort } from '../../../src/ports/cloud.js';
import { poolConfig } from '../../support/pool-config.js';

export interface WorldTraits {
  readonly clouds: number;
  readonly callMs: readonly [number, number];
  readonly usernames: readonly string[];
}

/** What a world says when it is asked. */
export interface WorldSight {
  readonly serversMade: number;
}

export interface WorldAccess {
  readonly clouds: readonly CloudLogin[];
  readonly ssh: { readonly port: number; readonly username: string; readonly privateKeyFile: string };
}

export interface CloudLogin {
  readonly name: string;
  readonly authUrl: string;
  readonly username: string;
  readonly password: string;
  readonly projectName: string;
}

export interface Peer<Said> {
  /** The first thing that it said. */
  readonly said: Said;
  /** What it says when it is asked. */
  ask(): Promise<unknown>;
  stop(): Promise<void>;
}

export function startBenchWorld(traits: WorldTraits): Promise<Peer<WorldAccess>> {
  return startPeer<WorldAccess>('world.ts', JSON.stringify(traits));
}

export async function startPeer<Said>(script: 'world.ts' | 'sink.ts', ...args: readonly string[]): Promise<Peer<Said>> {
  const child: ChildProcess = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
    execArgv: ['--import', 'tsx'],
  });
  const [said] = (await once(child, 'message')) as [Said];
  return {
    said,
    async ask() {
      const answer = once(child, 'message');
      child.send('say');
      return ((await answer) as [unknown])[0];
    },
    async stop() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
}

export function openBenchCloud(login: CloudLogin, pools: WorkerPools): CloudPort {
  const { name, authUrl, username, password, projectName } = login;
  const [usual] = poolConfig({ providers: [{ name }] }).providers;
  if (usual === undefined) throw new Error('a configuration without its provider');
  const credentials = { ...noCredentials, authUrl, username, password, projectName };
  const provider: Provider = { ...usual, credentials };
  return openWorkerCloud(provider, pools);
}
