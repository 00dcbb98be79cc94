/**
 * A whole daemon on a simulated world: any configuration, its endpoints and its database replaced, everything else as
 * it is. `demo` shows it, and others may rehearse on it.
 */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PoolConfig } from '../domain/pool-config.js';
import { ControlClient } from '../http/client.js';
import { compose } from '../main.js';
import type { Log } from '../ports/log.js';
import { DaemonProcess } from './daemon-process.js';
import { unwatchedConfig } from './staged-config.js';
import { startWorld, type World } from './world.js';
import { rewire, worldOptionsFor, type WorldTuning } from './world-for.js';

export interface StageOptions {
  readonly config: PoolConfig;
  /** Where the state is kept; null: in a temporary directory that is removed at the end. */
  readonly stateDir: string | null;
  readonly tuning: WorldTuning;
  readonly log: Log;
  /** In a process of its own the daemon can be killed; it writes no log then. */
  readonly isKillable?: boolean;
}

export interface Stage {
  readonly world: World;
  /** Resolves if the daemon gives up. */
  readonly failed: Promise<Error>;
  /** Kills the daemon and starts it again; null: it cannot be killed. */
  readonly kill: (() => Promise<void>) | null;
  /** How often that was done. */
  readonly kills: () => number;
  readonly client: ControlClient;
  /** The live page with changes allowed: the token is behind the #, and so goes to no server. */
  readonly page: string;
  /** The configuration as the daemon has it. */
  readonly config: PoolConfig;
  close(): Promise<void>;
}

export async function openStage({ config, stateDir, tuning, log, isKillable = false }: StageOptions): Promise<Stage> {
  const dir = stateDir ?? (await temporaryDir());
  await mkdir(dir, { recursive: true });
  const removeDir = async (): Promise<void> => {
    if (stateDir === null) await rm(dir, { recursive: true, force: true });
  };
  const world = await startWorld(worldOptionsFor(config, tuning));
  const socket = join(dir, 'nodepoold.sock');
  const token = randomBytes(16).toString('hex');
  const writeTokenFile = join(dir, 'write-token');
  await writeFile(writeTokenFile, `${token}\n`, { mode: 0o600 });
  const staged: PoolConfig = {
    ...rewire(config, world),
    dburi: 'embedded:',
    stateDir: dir,
    control: { ...config.control, socket, http: config.control.http ?? '127.0.0.1:0', writeTokenFile },
  };
  try {
    const daemon = isKillable ? await startProcess(staged, socket) : await startHere(staged, socket, log);
    const client = new ControlClient(socket);
    return {
      world,
      failed: daemon.failed,
      kill: daemon.kill,
      kills: daemon.kills,
      client,
      page: `${daemon.url ?? ''}/#token=${token}`,
      config: staged,
      async close() {
        await client.close();
        await daemon.stop();
        await world.close();
        await removeDir();
      },
    };
  } catch (error) {
    await world.close();
    await removeDir();
    throw error;
  }
}

interface StagedDaemon extends Pick<Stage, 'failed' | 'kill' | 'kills'> {
  readonly url: string | null;
  stop(): Promise<void>;
}

async function startHere(config: PoolConfig, socket: string, log: Log): Promise<StagedDaemon> {
  const daemon = await compose({ ...unwatchedConfig(config), socket, log });
  return { url: daemon.control.url, failed: daemon.failed, kill: null, kills: () => 0, stop: () => daemon.stop() };
}

async function startProcess(config: PoolConfig, socket: string): Promise<StagedDaemon> {
  const daemon = new DaemonProcess(config, socket);
  await daemon.start();
  return {
    url: daemon.url,
    failed: daemon.failed,
    kill: () => daemon.killAndStart(),
    kills: () => daemon.kills,
    stop: () => daemon.stop(),
  };
}

/** Passable for others: as root, the database runs under another uid, which must reach its files. */
async function temporaryDir(): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'nodepool-demo-'));
  await chmod(dir, 0o711);
  return dir;
}
