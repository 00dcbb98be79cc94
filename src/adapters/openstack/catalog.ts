import { Fault } from '../../domain/fault.js';
import type { Credentials } from '../../domain/pool-config.js';
import { jsonList, jsonListOrEmpty, jsonObject, textOrNull, type Json } from './decode.js';
import { parseUrl } from './http.js';

/** One endpoint of one service, of the interface that is wanted, whichever format the catalogue came in. */
export interface Endpoint {
  readonly type: string;
  readonly name: string | null;
  readonly region: string | null;
  readonly url: string;
}

export type Catalog = readonly Endpoint[];

/** Which of a service's addresses. */
export type Interface = Credentials['endpoints'];

export interface EndpointQuery {
  readonly type: string;
  readonly name: string | null;
  readonly region: string | null;
}

/** Null: the catalogue has no such service. Names compare without regard to case, as Nova's own client did in 2014. */
export function findEndpoint(catalog: Catalog, query: EndpointQuery): string | null {
  const matches = (wanted: string | null, value: string | null): boolean =>
    wanted === null || wanted.toLowerCase() === value?.toLowerCase();
  const found = catalog.find(
    endpoint =>
      endpoint.type === query.type && matches(query.name, endpoint.name) && matches(query.region, endpoint.region),
  );
  return found?.url ?? null;
}

export function noEndpoint(catalog: Catalog, query: EndpointQuery): Fault {
  const wanted = [
    `type ${query.type}`,
    ...(query.name === null ? [] : [`name ${query.name}`]),
    ...(query.region === null ? [] : [`region ${query.region}`]),
  ].join(', ');
  const ofType = catalog.filter(endpoint => endpoint.type === query.type);
  const offered = ofType.map(endpoint => `${endpoint.name ?? 'without name'} in ${endpoint.region ?? 'no region'}`);
  const types = [...new Set(catalog.map(endpoint => endpoint.type))].sort();
  const has =
    offered.length > 0
      ? `it has ${query.type}: ${offered.join('; ')}`
      : `its services are: ${types.join(', ') || 'none (is project-id set?)'}`;
  return new Fault('cloud.no-endpoint', `the catalogue has no endpoint of ${wanted}; ${has}`);
}

/** `token.catalog` of Keystone v3. */
export function decodeCatalogV3(value: unknown, wanted: Interface): Catalog {
  return jsonListOrEmpty(value, 'token.catalog').flatMap(item => {
    const service = jsonObject(item, 'token.catalog[]');
    return jsonListOrEmpty(service['endpoints'], 'endpoints')
      .map(endpoint => jsonObject(endpoint, 'endpoints[]'))
      .filter(endpoint => endpoint['interface'] === wanted)
      .flatMap(endpoint => toEndpoint(service, endpoint, endpoint['url']));
  });
}

/** `access.serviceCatalog` of Keystone v2.0. */
export function decodeCatalogV2(value: unknown, wanted: Interface): Catalog {
  return jsonList(value, 'access.serviceCatalog').flatMap(item => {
    const service = jsonObject(item, 'access.serviceCatalog[]');
    return jsonListOrEmpty(service['endpoints'], 'endpoints')
      .map(endpoint => jsonObject(endpoint, 'endpoints[]'))
      .flatMap(endpoint => toEndpoint(service, endpoint, endpoint[`${wanted}URL`]));
  });
}

/** An endpoint without URL or service type is some other service's trouble, and no reason to do without compute. */
function toEndpoint(service: Json, endpoint: Json, url: unknown): Endpoint[] {
  const type = service['type'];
  if (typeof type !== 'string' || typeof url !== 'string') return [];
  return [
    {
      type,
      name: textOrNull(service['name'], 'catalogue name'),
      region: textOrNull(endpoint['region'] ?? endpoint['region_id'], 'catalogue region'),
      url,
    },
  ];
}

/** Compute endpoints carry their version (`/v2/PROJECT`, `/v2.1`); one that does not is of today. */
export function computeUrl(endpoint: string): string {
  const url = bare(endpoint);
  return /\/v\d+(\.\d+)?(\/|$)/.test(parseUrl(url).pathname) ? url : `${url}/v2.1`;
}

/** Image endpoints come without version, or with the first one, which the list with `next` does not have. */
export function imageUrl(endpoint: string): string {
  return `${bare(endpoint).replace(/\/v\d+(\.\d+)?$/, '')}/v2`;
}

export function networkUrl(endpoint: string): string {
  return `${bare(endpoint).replace(/\/v2\.0$/, '')}/v2.0`;
}

function bare(endpoint: string): string {
  parseUrl(endpoint);
  return endpoint.replace(/\/+$/, '');
}
