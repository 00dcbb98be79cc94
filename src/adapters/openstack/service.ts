import { Fault } from '../../domain/fault.js';
import { findEndpoint, noEndpoint, type Catalog, type EndpointQuery } from './catalog.js';
import type { Deadline } from './deadline.js';
import { jsonList, jsonListOrEmpty, jsonObject, text, type Json } from './decode.js';
import { assertGood, faultOf, isNotFound, jsonOf } from './faults.js';
import type { HttpAnswer, HttpRequest } from './http.js';
import { queryOfLink, readPages } from './pages.js';
import type { ServiceRequest, Session } from './session.js';

/** One service of the catalogue: requests below its endpoint, in the terms that all of them share. */
export class Service {
  readonly #session: Session;
  readonly #query: EndpointQuery;
  readonly #urlOf: (endpoint: string) => string;

  constructor(session: Session, query: EndpointQuery, urlOf: (endpoint: string) => string) {
    this.#session = session;
    this.#query = query;
    this.#urlOf = urlOf;
  }

  async isOffered(deadline: Deadline): Promise<boolean> {
    return findEndpoint(await this.#session.catalog(deadline), this.#query) !== null;
  }

  async projectId(deadline: Deadline): Promise<string | null> {
    return this.#session.projectId(deadline);
  }

  send(method: HttpRequest['method'], path: string, deadline: Deadline, body?: unknown): Promise<HttpAnswer> {
    return this.request({ method, path, body }, deadline);
  }

  request(
    { path, ...request }: Omit<ServiceRequest, 'urlOf'> & { readonly path: string },
    deadline: Deadline,
  ): Promise<HttpAnswer> {
    return this.#session.send({ ...request, urlOf: catalog => this.#url(catalog) + path }, deadline);
  }

  /** The object of a good answer. */
  async object(method: HttpRequest['method'], path: string, deadline: Deadline, body?: unknown): Promise<Json> {
    return jsonOf(await this.send(method, path, deadline, body));
  }

  /** Null: the service says that there is no such thing. */
  async objectOrNull(path: string, deadline: Deadline): Promise<Json | null> {
    const answer = await this.send('GET', path, deadline);
    return isNotFound(answer) ? null : jsonOf(answer);
  }

  /** Resolves too when there is no such thing. */
  async delete(path: string, deadline: Deadline): Promise<void> {
    const answer = await this.send('DELETE', path, deadline);
    if (!isNotFound(answer)) assertGood(answer);
  }

  /** All pages of a list; `kind` is its key in the body. A list that is not found is a wrong endpoint. */
  list<Item>(
    { path, kind }: { readonly path: string; readonly kind: string },
    decode: (value: unknown) => Item,
    deadline: Deadline,
  ): Promise<readonly Item[]> {
    return readPages(`list of ${kind}`, async query => {
      const answer = await this.send('GET', query === '' ? path : path.split('?')[0] + query, deadline);
      if (query === '' && isNotFound(answer)) {
        throw new Fault('cloud.bad-answer', `${faultOf(answer).message}; is that the ${this.#query.type} service?`);
      }
      const body = jsonOf(answer);
      return { items: jsonList(body[kind], kind).map(decode), next: nextOf(body, kind) };
    });
  }

  #url(catalog: Catalog): string {
    const endpoint = findEndpoint(catalog, this.#query);
    if (endpoint === null) throw noEndpoint(catalog, this.#query);
    return this.#urlOf(endpoint);
  }
}

/** A list of links in Nova and Neutron, a path in Glance. */
function nextOf(body: Json, kind: string): string | null {
  if (typeof body['next'] === 'string') return queryOfLink(body['next'], `list of ${kind}`);
  for (const item of jsonListOrEmpty(body[`${kind}_links`], `${kind}_links`)) {
    const link = jsonObject(item, `${kind}_links[]`);
    if (link['rel'] === 'next') return queryOfLink(text(link['href'], 'href'), `list of ${kind}`);
  }
  return null;
}
