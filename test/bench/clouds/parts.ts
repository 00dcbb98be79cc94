import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import { openWorkerCloud, type WorkerPools } from '../../../src/adapters/workers/workers.js';
import { noCredentials, type Provider } from '../../../src/domain/pool-config.js';
import type { CloudPort } from '../../../src/ports/cloud.js';
import { poolConfig } from '../../support/pool-config.js';

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

/** The first thing that it says, and the way to end it. */
export async function startPeer<Said>(
  script: 'world.ts' | 'sink.ts',
  ...args: readonly string[]
): Promise<{ readonly said: Said; stop(): Promise<void> }> {
  const child: ChildProcess = fork(fileURLToPath(new URL(script, import.meta.url)), args, {
    execArgv: ['--import', 'tsx'],
  });
  const [said] = (await once(child, 'message')) as [Said];
  return {
    said,
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
