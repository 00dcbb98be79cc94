import { randomUUID } from 'node:crypto';
import { appendFile, link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { Fault } from '../../domain/fault.js';
import type { Tag } from '../../domain/ids.js';
import type { PoolConfig } from '../../domain/pool-config.js';
import { troubleWords } from '../../domain/trouble.js';
import type { BuildKey, BuildPlace, BuildsPort } from '../../ports/builds.js';
import type { Log } from '../../ports/log.js';
import { newKeyPair, publicKeyOf } from '../ssh/key-pair.js';
import { lookAtFile, makeDiskImage, newestFile } from './disk-image.js';

/** The part of a configuration that builds look at, as it is now. */
export type BuildsConfig = Pick<PoolConfig, 'stateDir' | 'buildLogs' | 'imagesDir' | 'elementsDir' | 'scriptDir'>;

export interface BuildsOptions {
  readonly config: () => BuildsConfig;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Log;
}

/** Keys, logs and disk images, below the state directory unless the configuration names other places. */
export function openBuilds({ config, env, log }: BuildsOptions): BuildsPort {
  const keyFile = (build: Tag): string => join(config().stateDir, 'build-keys', build);
  const logs = new BuildLogs(config, log);
  return {
    key: build => keyIn(keyFile(build)),
    async forgetKey(build) {
      await orFault(`forget the key ${keyFile(build)}`, () => rm(keyFile(build), { force: true }));
    },
    logFile: place => logs.fileOf(place),
    log: (place, at, text) => logs.add(place, `${new Date(at).toISOString()} ${text}\n`),
    environment: Object.fromEntries(
      Object.entries(env).flatMap(([name, value]) =>
        name.startsWith('NODEPOOL_') && value !== undefined ? [[name, value]] : [],
      ),
    ),
    look: lookAtFile,
    newest: (diskimage, format) => newestFile(config(), diskimage, format),
    make: (wish, call) =>
      makeDiskImage(wish, {
        config: config(),
        env,
        logFile: logs.fileOf({ provider: 'diskimages', image: wish.diskimage.name, version: wish.version }),
        ...call,
      }),
  };
}

/**
 * The private key alone is kept: the public one is in it. Written once, whoever asks at the same time, and whole: what a
 * full disk has left of an earlier try is no key.
 */
async function keyIn(file: string): Promise<BuildKey> {
  return orFault(`keep the key ${file}`, async () => {
    await mkdir(join(file, '..'), { recursive: true, mode: 0o700 });
    const known = await publicKeyAt(file);
    if (known !== null) return { publicKey: known, privateKeyFile: file };
    const fresh = `${file}.${randomUUID()}`;
    try {
      await writeFile(fresh, `${(await newKeyPair()).privateKey}\n`, { flag: 'wx', mode: 0o600 });
      await link(fresh, file);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      await rm(fresh, { force: true });
    }
    return { publicKey: publicKeyOf(await readFile(file)), privateKeyFile: file };
  });
}

/** Null: there is no key, or none any more. */
async function publicKeyAt(file: string): Promise<string | null> {
  try {
    const text = await readFile(file);
    if (text.length > 0) return publicKeyOf(text);
    await rm(file, { force: true });
    return null;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function orFault<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Fault) throw error;
    throw new Fault('build.file', `cannot ${what}: ${troubleWords(error)}`, { cause: error });
  }
}

/** One file for each build: PROVIDER.IMAGE.VERSION.log */
class BuildLogs {
  readonly #config: () => BuildsConfig;
  readonly #log: Log;
  readonly #begun = new Set<string>();
  #isTroubleTold = false;

  constructor(config: () => BuildsConfig, log: Log) {
    this.#config = config;
    this.#log = log;
  }

  fileOf(place: BuildPlace): string {
    return join(this.#dir, `${prefixOf(place)}${place.version}.log`);
  }

  async add(place: BuildPlace, line: string): Promise<void> {
    const file = this.fileOf(place);
    try {
      if (!this.#begun.has(file)) await this.#begin(place, file);
      await appendFile(file, line, { mode: 0o640 });
    } catch (error) {
      if (this.#isTroubleTold) return;
      this.#isTroubleTold = true;
      this.#log.warn(`build log ${file} cannot be written: ${troubleWords(error)}`);
    }
  }

  get #dir(): string {
    const { buildLogs, stateDir } = this.#config();
    return buildLogs.dir ?? join(stateDir, 'build-logs');
  }

  async #begin(place: BuildPlace, file: string): Promise<void> {
    await mkdir(this.#dir, { recursive: true });
    this.#begun.add(file);
    const prefix = prefixOf(place);
    const older = (await readdir(this.#dir))
      .flatMap(name => {
        const version = name.startsWith(prefix) ? /^(\d+)\.log$/.exec(name.slice(prefix.length))?.[1] : undefined;
        return version === undefined ? [] : [{ name, version: Number(version) }];
      })
      .filter(({ version }) => version !== place.version)
      .sort((a, b) => b.version - a.version);
    // This one is among those that are kept.
    for (const { name } of older.slice(Math.max(0, this.#config().buildLogs.retention - 1))) {
      await rm(join(this.#dir, name), { force: true });
      this.#begun.delete(join(this.#dir, name));
    }
  }
}

/** Names may have anything in them; files must not. */
function prefixOf({ provider, image }: BuildPlace): string {
  return `${encodeURIComponent(provider)}.${encodeURIComponent(image)}.`;
}
