import { randomUUID } from 'node:crypto';
import type { Chance } from '../chance.js';
import { Disk } from '../disk.js';
import type { Timers } from '../timers.js';
import type { CloudOptions, CloudSettings } from './settings.js';

export interface SimImage {
  readonly id: string;
  readonly name: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly createdAt: string;
  /** Whether it belongs to the project, or to the cloud, whose images nobody here may delete. */
  readonly isOwn: boolean;
  readonly diskFormat: string;
  readonly containerFormat: string;
  status: 'queued' | 'saving' | 'active';
  bytes: number;
  /** What a server has that is made from it. */
  disk: Disk;
}

export type ImageOrder = Pick<SimImage, 'name' | 'metadata' | 'diskFormat' | 'containerFormat'>;

/** The images of one cloud: those it came with, uploads and snapshots. */
export class Images {
  readonly #byId: Map<string, SimImage>;
  readonly #settings: CloudSettings;
  readonly #chance: Chance;
  readonly #timers: Timers;

  constructor(
    images: CloudOptions['images'],
    parts: { readonly settings: CloudSettings; readonly chance: Chance; readonly timers: Timers },
  ) {
    this.#settings = parts.settings;
    this.#chance = parts.chance;
    this.#timers = parts.timers;
    const named = images.map(image => (typeof image === 'string' ? { id: randomUUID(), name: image } : image));
    this.#byId = new Map(named.map(({ id, name }) => [id, cloudImage(id, name)]));
  }

  all(): readonly SimImage[] {
    return [...this.#byId.values()];
  }

  get(id: string): SimImage | null {
    return this.#byId.get(id) ?? null;
  }

  delete(id: string): void {
    this.#byId.delete(id);
  }

  /** An image without contents, which are still to be sent. */
  order(order: ImageOrder): SimImage {
    const id = randomUUID();
    const disk = new Disk();
    const image: SimImage = { ...order, id, createdAt: now(), isOwn: true, status: 'queued', bytes: 0, disk };
    this.#byId.set(id, image);
    return image;
  }

  /** Nova sends the contents by itself; when that fails it deletes the image and says nothing. */
  snapshot(order: Pick<ImageOrder, 'name' | 'metadata'>, disk: Disk, whenDone: () => void): SimImage {
    const metadata = { ...order.metadata, image_type: 'snapshot' };
    const image = this.order({ name: order.name, metadata, diskFormat: 'raw', containerFormat: 'bare' });
    image.disk = disk.copy();
    const takesMs = this.#chance.between(this.#settings.snapshotMs);
    this.#timers.after(takesMs / 2, () => {
      // In a process that waits long for a processor, this one may come last.
      if (image.status === 'queued') image.status = 'saving';
    });
    this.#timers.after(takesMs, () => {
      whenDone();
      if (this.#chance.happens(this.#settings.snapshotFailureRate)) this.delete(image.id);
      else image.status = 'active';
    });
    return image;
  }
}

function cloudImage(id: string, name: string): SimImage {
  const formats = { diskFormat: 'qcow2', containerFormat: 'bare' };
  const rest = { createdAt: now(), isOwn: false, ...formats, status: 'active', bytes: 1 << 20 } as const;
  return { id, name, metadata: {}, ...rest, disk: new Disk() };
}

function now(): string {
  return `${new Date().toISOString().slice(0, 19)}Z`;
}
