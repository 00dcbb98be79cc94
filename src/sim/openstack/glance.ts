import { json, type Reply, type SimRequest } from '../http/reply.js';
import type { Call } from '../http/site.js';
import { glanceError } from './errors.js';
import type { Images, SimImage } from './images.js';
import { pageOf } from './paging.js';
import { glanceView } from './views.js';

/** Glance's default page, used where the caller names no limit. */
const usualPage = 25;

/** The image service. */
export class Glance {
  readonly #images: Images;
  readonly #pageSize: () => number;

  constructor(parts: { images: Images; pageSize: () => number }) {
    this.#images = parts.images;
    this.#pageSize = parts.pageSize;
  }

  callFor(request: SimRequest): Call {
    const [, id, isFile] = /^\/v2\/images(?:\/([^/]+))?(\/file)?$/.exec(request.path) ?? [];
    const what = id === undefined ? 'ALL' : isFile === undefined ? 'ID' : 'FILE';
    switch (`${request.method} ${what}`) {
      case 'GET ALL':
        return { operation: 'listImages', run: () => this.#list(request) };
      case 'POST ALL':
        return { operation: 'orderImage', run: () => this.#order(request) };
      case 'GET ID':
        return { operation: 'getImage', run: () => json(200, glanceView(this.#image(id))) };
      case 'DELETE ID':
        return { operation: 'deleteImage', run: () => this.#delete(this.#image(id)) };
      case 'PUT FILE':
        return { operation: 'sendImage', run: () => this.#receive(this.#image(id), request) };
      default:
        return { operation: 'unknown', run: () => Promise.reject(glanceError(405, 'Method Not Allowed')) };
    }
  }

  #list(request: SimRequest): Reply {
    const name = request.query.get('name');
    const found = this.#images.all().filter(image => name === null || image.name === name);
    const { items, next } = pageOf(found, {
      query: request.query,
      sizeMax: request.query.has('limit') ? this.#pageSize() : Math.min(usualPage, this.#pageSize()),
      unknownMarker: () => glanceError(400, 'Bad Request'),
    });
    return json(200, {
      images: items.map(glanceView),
      first: '/v2/images',
      schema: '/v2/schemas/images',
      // A path, not an address: the caller puts its endpoint before it.
      ...(next ? { next: `/v2/images?${next.toString()}` } : {}),
    });
  }

  #order(request: SimRequest): Reply {
    const { name, disk_format, container_format, visibility, ...metadata } = parseOrder(request.body);
    if (visibility === 'public') throw glanceError(403, 'Forbidden');
    const image = this.#images.order({
      name: name ?? '',
      metadata,
      diskFormat: disk_format ?? '',
      containerFormat: container_format ?? '',
    });
    return json(201, glanceView(image), { location: `/v2/images/${image.id}` });
  }

  #receive(image: SimImage, request: SimRequest): Reply {
    if (image.status !== 'queued') throw glanceError(409, 'Conflict');
    if (request.headers['content-type'] !== 'application/octet-stream')
      throw glanceError(415, 'Unsupported Media Type');
    image.bytes = request.bodyBytes;
    image.status = 'active';
    return { status: 204 };
  }

  #image(id = ''): SimImage {
    const image = this.#images.get(id);
    if (!image) throw glanceError(404, 'Not Found', `No image found with ID ${id}`);
    return image;
  }

  #delete(image: SimImage): Reply {
    if (!image.isOwn) throw glanceError(403, 'Forbidden', `You are not permitted to delete image ${image.id}.`);
    this.#images.delete(image.id);
    return { status: 204 };
  }
}

/** All values of an image are text, but for a few that no caller here sends. */
function parseOrder(body: string): Partial<Record<string, string>> & Record<string, string> {
  try {
    const parsed: unknown = JSON.parse(body);
    if (
      typeof parsed === 'object' &&
      parsed !== null &&
      Object.values(parsed).every(each => typeof each === 'string')
    ) {
      return parsed as Record<string, string>;
    }
  } catch {
    // Answered below, like every other body that is not such an object.
  }
  throw glanceError(400, 'Bad Request');
}
