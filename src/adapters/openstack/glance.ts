import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';

import { Fault } from '../../domain/fault.js';
import { imageId, type ImageId } from '../../domain/ids.js';
import { troubleWords } from '../../domain/trouble.js';
import type { CloudImage, UploadOptions, UploadSpec } from '../../ports/cloud.js';
import { imageUrl } from './catalog.js';
import { Deadline } from './deadline.js';
import { idText, jsonObject, text, textOrNull, textRecord } from './decode.js';
import { assertGood, isNotFound, jsonOf } from './faults.js';
import type { HttpAnswer } from './http.js';
import { Service } from './service.js';
import type { Session } from './session.js';

/** Its default is 25: a project with a thousand images would cost forty calls. */
const PAGE_SIZE = 200;
/** For taking back what an upload had begun, after the upload's own deadline. */
const TAKE_BACK_MS = 30_000;

/** Glance v2. */
export class Glance {
  readonly #service: Service;

  constructor(session: Session, region: string | null) {
    this.#service = new Service(session, { type: 'image', name: null, region }, imageUrl);
  }

  /** False for clouds of 2014 that show Nova's proxy only. */
  isOffered(deadline: Deadline): Promise<boolean> {
    return this.#service.isOffered(deadline);
  }

  listImages(deadline: Deadline): Promise<readonly CloudImage[]> {
    return this.#service.list({ path: `/images?limit=${PAGE_SIZE}`, kind: 'images' }, decodeImage, deadline);
  }

  async getImage(id: ImageId, deadline: Deadline): Promise<CloudImage | null> {
    const answer = await this.#service.send('GET', imagePath(id), deadline);
    return (await this.#isGone(answer, deadline)) ? null : decodeImage(jsonOf(answer));
  }

  async deleteImage(id: ImageId, deadline: Deadline): Promise<void> {
    const answer = await this.#service.send('DELETE', imagePath(id), deadline);
    if (!(await this.#isGone(answer, deadline))) assertGood(answer);
  }

  /** First the image without its contents, then the file; an image that stayed without is taken back. */
  async uploadImage(spec: UploadSpec, deadline: Deadline, onProgress: UploadOptions['onProgress']): Promise<ImageId> {
    const totalBytes = await sizeOf(spec.file);
    const body = {
      ...spec.properties,
      name: spec.name,
      disk_format: spec.diskFormat,
      container_format: spec.containerFormat,
      visibility: 'private',
    };
    const id = imageId(idText((await this.#service.object('POST', '/images', deadline, body))['id'], 'image.id'));
    try {
      const path = `${imagePath(id)}/file`;
      const stream = { open: () => fileOf(spec.file, totalBytes, onProgress), bytes: totalBytes };
      assertGood(await this.#service.request({ method: 'PUT', path, stream }, deadline));
      return id;
    } catch (error) {
      await this.#takeBack(id);
      throw error;
    }
  }

  /** As well as it goes: an image that stays is found by its properties. */
  async #takeBack(id: ImageId): Promise<void> {
    const deadline = new Deadline('take back an upload', { deadlineMs: TAKE_BACK_MS });
    await this.deleteImage(id, deadline).catch(() => undefined);
    deadline.end();
  }

  /** Glance says 404 in HTML, as a proxy with a wrong route does; only one of them has a list of images. */
  async #isGone(answer: HttpAnswer, deadline: Deadline): Promise<boolean> {
    if (answer.status !== 404 && answer.status !== 410) return false;
    if (!isNotFound(answer)) jsonOf(await this.#service.send('GET', '/images?limit=1', deadline));
    return true;
  }
}

function imagePath(id: ImageId): string {
  return `/images/${encodeURIComponent(id)}`;
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    throw new Fault('build.file', `${file} cannot be uploaded: ${troubleWords(error)}`, { cause: error });
  }
}

function fileOf(file: string, totalBytes: number, onProgress: UploadOptions['onProgress']): Readable {
  return Readable.from(counted(createReadStream(file), totalBytes, onProgress), { objectMode: false });
}

async function* counted(
  chunks: AsyncIterable<Buffer>,
  totalBytes: number,
  onProgress: UploadOptions['onProgress'],
): AsyncIterable<Buffer> {
  let sentBytes = 0;
  for await (const chunk of chunks) {
    yield chunk;
    sentBytes += chunk.length;
    onProgress?.(sentBytes, totalBytes);
  }
}

/** What Glance v2 says of every image; all other properties are metadata that somebody gave it. */
const OWN_PROPERTIES: ReadonlySet<string> = new Set([
  ...['id', 'name', 'status', 'visibility', 'protected', 'checksum', 'owner', 'size', 'virtual_size', 'min_ram'],
  ...['min_disk', 'container_format', 'disk_format', 'created_at', 'updated_at', 'tags', 'self', 'file', 'schema'],
  ...['direct_url', 'locations', 'os_hash_algo', 'os_hash_value', 'os_hidden', 'stores'],
]);

function decodeImage(value: unknown): CloudImage {
  const image = jsonObject(value, 'image');
  const id = imageId(idText(image['id'], 'image.id'));
  const metadata = Object.fromEntries(Object.entries(image).filter(([key]) => !OWN_PROPERTIES.has(key)));
  return {
    id,
    name: textOrNull(image['name'], `image ${id}: name`) ?? '',
    status: text(image['status'], `image ${id}: status`).toLowerCase(),
    metadata: textRecord(metadata, `image ${id}`),
  };
}
