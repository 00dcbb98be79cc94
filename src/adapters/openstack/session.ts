/**
 * One provider's identity in its cloud: a token and the catalogue that came with it.
 *
 * Two generations of Keystone are spoken. An auth-url that ends in `/v2.0` or `/v3` says which, or the operator does;
 * any other is asked once (version discovery), and v3 is preferred. The token is renewed before it ends, and once when a service answers 401; all
 * calls that need a new one wait for the same renewal.
 */
import { performance } from 'node:perf_hooks';

import { Fault } from '../../domain/fault.js';
import type { Credentials } from '../../domain/pool-config.js';
import { decodeCatalogV2, decodeCatalogV3, type Catalog } from './catalog.js';
import { Deadline } from './deadline.js';
import { idText, jsonList, jsonObject, jsonObjectOrEmpty, text, type Json } from './decode.js';
import { faultOf, isNotFound, jsonOf } from './faults.js';
import { loginV2, loginV3 } from './login.js';
import { parseUrl, type ByteStream, type Http, type HttpAnswer, type HttpRequest } from './http.js';

/** Of a renewal, which outlives the call that began it. */
const RENEWAL_DEADLINE_MS = 60_000;
/** A call that starts just before the end of a token should not meet it: services check it again while they work. */
const RENEW_BEFORE_MS = 120_000;
/** …but a token of a minute must not be renewed at each call. */
const RENEW_BEFORE_SHARE = 0.2;

export interface Token {
  readonly id: string;
  readonly catalog: Catalog;
  /** Null for a token without a project. */
  readonly projectId: string | null;
  /** In the time of `performance.now()`. */
  readonly renewAtMs: number;
}

export interface ServiceRequest {
  readonly method: HttpRequest['method'];
  /** From the catalogue of the token in use. */
  readonly urlOf: (catalog: Catalog) => string;
  readonly body?: unknown;
  readonly stream?: ByteStream | undefined;
}

export class Session {
  readonly #http: Http;
  readonly #credentials: Credentials;
  #token: Token | null = null;
  #renewal: Promise<Token> | null = null;
  #identity: Identity | null = null;

  constructor(http: Http, credentials: Credentials) {
    this.#http = http;
    this.#credentials = credentials;
  }

  /** Sends with a good token. A 401 is answered with one renewal and one repetition: a refused call had no effect. */
  async send(request: ServiceRequest, deadline: Deadline): Promise<HttpAnswer> {
    const token = await this.#currentToken(deadline);
    const answer = await this.#sendWith(token, request, deadline);
    if (answer.status !== 401) return answer;
    if (this.#token === token) this.#token = null;
    return this.#sendWith(await this.#currentToken(deadline), request, deadline);
  }

  async catalog(deadline: Deadline): Promise<Catalog> {
    return (await this.#currentToken(deadline)).catalog;
  }

  async projectId(deadline: Deadline): Promise<string | null> {
    return (await this.#currentToken(deadline)).projectId;
  }

  #sendWith(token: Token, request: ServiceRequest, deadline: Deadline): Promise<HttpAnswer> {
    const { method, urlOf, body, stream } = request;
    const url = urlOf(token.catalog);
    const headers = { 'x-auth-token': token.id };
    return this.#http.send({ method, url, headers, body, stream, repeatable: method === 'GET' }, deadline);
  }

  #currentToken(deadline: Deadline): Promise<Token> {
    if (this.#token !== null && performance.now() < this.#token.renewAtMs) return Promise.resolve(this.#token);
    this.#renewal ??= this.#renew();
    return deadline.race(this.#renewal);
  }

  #renew(): Promise<Token> {
    const deadline = new Deadline('authentication', { deadlineMs: RENEWAL_DEADLINE_MS });
    const renewal = this.#authenticate(deadline).finally(() => {
      deadline.end();
      this.#renewal = null;
    });
    // Each waiter hears of a failure; that there may be no waiter left is not an unhandled rejection.
    renewal.catch(() => undefined);
    return renewal;
  }

  async #authenticate(deadline: Deadline): Promise<Token> {
    this.#identity ??= await this.#discover(deadline);
    const { version, url } = this.#identity;
    const token = version === 3 ? await this.#tokenV3(url, deadline) : await this.#tokenV2(url, deadline);
    this.#token = token;
    return token;
  }

  async #discover(deadline: Deadline): Promise<Identity> {
    const { authUrl, identityVersion, trouble } = this.#credentials;
    if (trouble !== null) throw new Fault('cloud.no-credentials', trouble);
    if (authUrl === null) throw new Fault('cloud.no-credentials', 'the provider has no auth-url');
    const url = authUrl.replace(/\/+$/, '');
    const { pathname } = parseUrl(url);
    if (pathname.endsWith('/v3')) return { version: 3, url };
    if (pathname.endsWith('/v2.0')) return { version: 2, url };
    if (identityVersion !== null) return identityAt(url, identityVersion);
    const answer = await this.#http.send({ method: 'GET', url: `${url}/`, headers: {}, repeatable: true }, deadline);
    // 300: several versions to choose from, all of them in the body.
    if (answer.status !== 200 && answer.status !== 300) throw notKeystone(answer);
    const versions = versionIds(jsonOf({ ...answer, status: 200 }));
    if (versions.some(id => id.startsWith('v3'))) return identityAt(url, 3);
    if (versions.some(id => id.startsWith('v2'))) return identityAt(url, 2);
    throw new Fault(
      'cloud.bad-answer',
      `${answer.what}: no version of Keystone that is known, only ${versions.join()}`,
    );
  }

  async #tokenV3(url: string, deadline: Deadline): Promise<Token> {
    const answer = await this.#post(`${url}/auth/tokens`, loginV3(this.#credentials), deadline);
    const token = jsonObject(jsonOf(answer)['token'], 'token');
    const id = text(answer.headers['x-subject-token'], 'X-Subject-Token');
    return {
      id,
      catalog: decodeCatalogV3(token['catalog'], this.#credentials.endpoints),
      projectId: idOrNull(token['project'], 'token.project'),
      renewAtMs: renewAt(token['issued_at'], token['expires_at']),
    };
  }

  async #tokenV2(url: string, deadline: Deadline): Promise<Token> {
    const answer = await this.#post(`${url}/tokens`, loginV2(this.#credentials), deadline);
    const access = jsonObject(jsonOf(answer)['access'], 'access');
    const token = jsonObject(access['token'], 'access.token');
    return {
      id: text(token['id'], 'access.token.id'),
      catalog: decodeCatalogV2(access['serviceCatalog'], this.#credentials.endpoints),
      projectId: idOrNull(token['tenant'], 'access.token.tenant'),
      renewAtMs: renewAt(token['issued_at'], token['expires']),
    };
  }

  /** To ask for a token twice leaves nothing but a token too many, so a closed connection is tried again here too. */
  async #post(url: string, body: Json, deadline: Deadline): Promise<HttpAnswer> {
    const answer = await this.#http.send({ method: 'POST', url, headers: {}, body, repeatable: true }, deadline);
    if (answer.status === 404 || answer.status === 410) throw notKeystone(answer);
    return answer;
  }
}

interface Identity {
  readonly version: 2 | 3;
  /** With version, without slash at the end. */
  readonly url: string;
}

const identityAt = (url: string, version: Identity['version']): Identity => ({
  version,
  url: `${url}/${version === 3 ? 'v3' : 'v2.0'}`,
});

/** A 404 of Keystone says that auth-url is wrong, not that something is gone. */
function notKeystone(answer: HttpAnswer): Fault {
  if (!isNotFound(answer)) return faultOf(answer);
  return new Fault('cloud.bad-answer', `${answer.what}: ${answer.status}; there is no Keystone at auth-url`);
}

function idOrNull(value: unknown, where: string): string | null {
  const id = jsonObjectOrEmpty(value, where)['id'];
  return id === undefined || id === null ? null : idText(id, `${where}.id`);
}

/** `{versions: {values: […]}}` of Keystone's root, `{versions: […]}` of some proxies, `{version: {…}}` of one version. */
function versionIds(body: Json): readonly string[] {
  if (body['version'] !== undefined) return [text(jsonObject(body['version'], 'version')['id'], 'version.id')];
  const versions = body['versions'];
  const list = Array.isArray(versions) ? versions : jsonObjectOrEmpty(versions, 'versions')['values'];
  return jsonList(list, 'versions').map(item => text(jsonObject(item, 'versions[]')['id'], 'versions[].id'));
}

/** The two times of the cloud are compared with each other, where both are given: its clock may differ from ours. */
function renewAt(issuedAt: unknown, expiresAt: unknown): number {
  const expires = timeOf(text(expiresAt, 'expiry of the token'));
  const issued = typeof issuedAt === 'string' ? timeOf(issuedAt) : Date.now();
  const lifeMs = Math.max(0, expires - issued);
  return performance.now() + lifeMs - Math.min(RENEW_BEFORE_MS, lifeMs * RENEW_BEFORE_SHARE);
}

/** Times are UTC; Keystone of 2014 gives `issued_at` without saying so. */
function timeOf(value: string): number {
  const ms = Date.parse(/(Z|[+-]\d\d:?\d\d)$/i.test(value) ? value : `${value}Z`);
  if (Number.isNaN(ms)) throw new Fault('cloud.bad-answer', `the token has a time that is none: ${value}`);
  return ms;
}
