/** Images that are built anew again and again, in the first cloud and in the last, some of them in vain. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProviderKeys } from '../support/e2e-config.js';
import type { ImageView } from '../../src/ports/control.js';
import type { Chance } from '../../src/sim/chance.js';
import type { World } from '../../src/sim/world.js';
import type { E2ePool } from '../support/e2e-pool.js';
import { imageName } from '../support/e2e-world.js';

export const builtImage = 'built';

/** Its setup, which its nodes may run, too. */
export const builtScript = 'prepare.sh';

export const scriptsOf = (dir: string): string => join(dir, 'scripts');

export async function writeScripts(dir: string): Promise<void> {
  await mkdir(scriptsOf(dir));
  await writeFile(join(scriptsOf(dir), builtScript), '#!/bin/sh\n', { mode: 0o755 });
}

/** The keys of a provider that builds it. */
export function buildingKeys({ ssh }: World): Omit<ProviderKeys, 'max-servers'> {
  const login = { username: ssh.username, 'private-key': ssh.privateKeyFile, 'ssh-port': ssh.port };
  return { images: [{ name: builtImage, 'base-image': imageName, 'min-ram': 2048, setup: builtScript, ...login }] };
}

export interface BuildsSeen {
  readonly begun: number;
  readonly ready: number;
  /** Kills of the daemon that one was under way at. */
  readonly killed: number;
}

export class Builds {
  readonly #pool: E2ePool;
  readonly #providers: readonly string[];
  readonly #chance: Chance;
  readonly #everySeconds: number;
  readonly #begun = new Set<number>();
  readonly #ready = new Set<number>();
  #killed = 0;
  #dueAt: number;

  constructor(pool: E2ePool, providers: readonly string[], chance: Chance, everySeconds: number) {
    this.#pool = pool;
    this.#providers = providers;
    this.#chance = chance;
    this.#everySeconds = everySeconds;
    this.#dueAt = everySeconds;
  }

  begin(rate: number): void {
    this.#pool.world.ssh.onScript = () => ({
      tookMs: this.#chance.between([100, 3_000]),
      code: this.#chance.happens(rate) ? 1 : 0,
    });
  }

  end(): void {
    this.#pool.world.ssh.onScript = () => ({});
  }

  async tick(seconds: number): Promise<void> {
    if (seconds < this.#dueAt) return;
    this.#dueAt = seconds + this.#chance.between([0.5 * this.#everySeconds, 1.5 * this.#everySeconds]);
    await this.look();
    const { client } = this.#pool;
    // Whoever has no daemon to ask asks again when the next is due.
    await Promise.allSettled(this.#providers.map(provider => client.updateImage({ provider, image: builtImage })));
  }

  /** Just before the daemon is killed. */
  async noteKill(): Promise<void> {
    const images = await this.look();
    if (images.some(({ state }) => state === 'building')) this.#killed++;
  }

  /** Nothing where the daemon does not answer. */
  async look(): Promise<readonly ImageView[]> {
    const images = await this.#pool.client.images().catch(() => []);
    for (const { id, state } of images) {
      this.#begun.add(id);
      if (state === 'ready') this.#ready.add(id);
    }
    return images;
  }

  get seen(): BuildsSeen {
    return { begun: this.#begun.size, ready: this.#ready.size, killed: this.#killed };
  }
}
