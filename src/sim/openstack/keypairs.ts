import { json, type Reply, type SimRequest } from '../http/reply.js';
import type { Call } from '../http/site.js';
import { parseObject } from './body.js';
import { badRequest, itemNotFound, novaError } from './errors.js';

/** The user's key pairs: names with their public keys. */
export class Keypairs {
  readonly #keys: Map<string, string>;

  constructor(names: readonly string[] = []) {
    this.#keys = new Map(names.map(name => [name, '']));
  }

  has(name: string): boolean {
    return this.#keys.has(name);
  }

  publicKey(name: string): string | null {
    return this.#keys.get(name) ?? null;
  }

  names(): string[] {
    return [...this.#keys.keys()];
  }

  /** The calls below `/os-keypairs`. */
  callFor(request: SimRequest, path: string): Call {
    const name = path.split('/')[2];
    switch (`${request.method} ${name === undefined ? 'ALL' : 'NAME'}`) {
      case 'GET ALL':
        return { operation: 'listKeypairs', run: () => this.#list() };
      case 'POST ALL':
        return { operation: 'createKeypair', run: () => this.#create(request) };
      case 'DELETE NAME':
        return { operation: 'deleteKeypair', run: () => this.#delete(decodeURIComponent(name ?? '')) };
      default:
        return { operation: 'unknown', run: () => Promise.reject(itemNotFound('The resource could not be found.')) };
    }
  }

  #list(): Reply {
    const keypairs = [...this.#keys].map(([name, publicKey]) => ({ keypair: { name, public_key: publicKey } }));
    return json(200, { keypairs });
  }

  #create(request: SimRequest): Reply {
    const { keypair } = parseObject(request.body) as { keypair?: { name?: string; public_key?: string } };
    if (!keypair?.name) throw badRequest('Invalid input for field/attribute name.');
    if (this.has(keypair.name)) {
      throw novaError('conflictingRequest', 409, `Key pair '${keypair.name}' already exists.`);
    }
    this.#keys.set(keypair.name, keypair.public_key ?? '');
    return json(200, { keypair: { name: keypair.name, public_key: keypair.public_key ?? '' } });
  }

  #delete(name: string): Reply {
    if (!this.#keys.delete(name)) throw itemNotFound(`Keypair ${name} not found for user user-id`);
    return { status: 202 };
  }
}
