/**
 * HTTP as a Jenkins master speaks it: one request, one answer, whatever its status. Redirects are never followed: a
 * 302 is how a master says done, and its target is the full page of all nodes (jenkins.md 2.2).
 */
import { errors, Pool, type Dispatcher } from 'undici';
import { Fault } from '../../domain/fault.js';
import { withoutSecrets } from '../../domain/redact.js';
import { troubleWords } from '../../domain/trouble.js';
import { lookupName } from '../lookup.js';
import { parseJson, where, type Answer, type Request } from './answer.js';

export interface JenkinsAccess {
  readonly url: string;
  readonly user: string;
  readonly apikey: string;
}

/** Creations are serial in a master anyway; two connections let a probe pass a slow one. */
const connectionsMax = 2;
/** 5000 nodes are about 0.6 MB. */
const bodyBytesMax = 16 * 1024 * 1024;
/** Error pages are read for "No valid crumb" only. */
const errorBytesMax = 64 * 1024;
/** Below the idle time of every servlet container seen, so that we close first and lose no request to a race. */
const keepAliveMs = 4000;
const connectMs = 10_000;

interface Crumb {
  readonly field: string;
  readonly value: string;
  readonly cookie: string;
}

export class JenkinsTransport {
  readonly #base: URL;
  readonly #pool: Pool;
  readonly #authorization: string;
  readonly #apikey: string;
  /** Asked for only when the master refused a request for want of it. */
  #crumb: Crumb | null = null;

  constructor(access: JenkinsAccess) {
    this.#base = new URL(access.url.endsWith('/') ? access.url : `${access.url}/`);
    this.#authorization = `Basic ${Buffer.from(`${access.user}:${access.apikey}`, 'utf8').toString('base64')}`;
    this.#apikey = access.apikey;
    this.#pool = new Pool(this.#base.origin, {
      connections: connectionsMax,
      pipelining: 1,
      connect: { timeout: connectMs, lookup: lookupName },
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      // The deadline of the call rules.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  get host(): string {
    return this.#base.host;
  }

  /** Rejects with a `Fault` where there was no whole answer, or with the reason of the signal. */
  async send(request: Request, signal: AbortSignal): Promise<Answer> {
    const answer = await this.#once(request, signal);
    if (!wantsCrumb(answer)) return answer;
    // The check of crumbs comes before everything else, so nothing was done and the request may be repeated.
    this.#crumb = await this.#askCrumb(signal);
    return this.#crumb === null ? answer : this.#once(request, signal);
  }

  /** Requests under way end with a fault. */
  close(): Promise<void> {
    return this.#pool.destroy();
  }

  async #once(request: Request, signal: AbortSignal): Promise<Answer> {
    const response = await this.#respond(request, signal);
    const { statusCode: status, headers } = response;
    const what = where(request, this.#base);
    return {
      request,
      what,
      status,
      text: status === 200 ? await wholeText(what, response, signal) : this.#forPeople(await errorText(response)),
      header: name => [headers[name]].flat()[0] ?? null,
      cookies: [headers['set-cookie'] ?? []].flat(),
    };
  }

  #forPeople(text: string): string {
    return withoutSecrets(text, [this.#apikey, this.#authorization.replace('Basic ', ''), this.#crumb?.value ?? '']);
  }

  async #respond(request: Request, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const crumb = request.method === 'POST' ? this.#crumb : null;
    try {
      return await this.#pool.request({
        method: request.method,
        path: this.#base.pathname + request.path,
        signal,
        headers: {
          authorization: this.#authorization,
          ...(request.method === 'POST' && { 'content-type': contentTypeOf(request) }),
          ...(crumb !== null && { [crumb.field]: crumb.value }),
          ...(crumb !== null && crumb.cookie !== '' && { cookie: crumb.cookie }),
        },
        body: request.method === 'POST' ? (request.xml ?? new URLSearchParams(request.form).toString()) : null,
      });
    } catch (error) {
      throw signal.aborted ? signal.reason : noAnswer(where(request, this.#base), error);
    }
  }

  /** Null where the master has crumbs switched off. */
  async #askCrumb(signal: AbortSignal): Promise<Crumb | null> {
    const answer = await this.#once({ method: 'GET', path: 'crumbIssuer/api/json' }, signal);
    if (answer.status === 404) return null;
    const issued = parseJson(answer) as { crumb?: unknown; crumbRequestField?: unknown } | null;
    if (typeof issued?.crumb !== 'string' || !isHeaderName(issued.crumbRequestField)) {
      throw new Fault('jenkins.bad-answer', `${answer.what}: the answer has no crumb`);
    }
    // A crumb is bound to the session that asked for it (jenkins.md 7).
    const cookie = answer.cookies.map(line => line.split(';', 1)[0] ?? '').join('; ');
    return { field: issued.crumbRequestField, value: issued.crumb, cookie };
  }
}

function contentTypeOf({ xml }: Request): string {
  return xml === undefined ? 'application/x-www-form-urlencoded' : 'text/xml; charset=utf-8';
}

/** The one place where the text of a page decides: 403 also means no permission. */
function wantsCrumb(answer: Answer): boolean {
  return answer.request.method === 'POST' && answer.status === 403 && /no valid crumb/i.test(answer.text);
}

function isHeaderName(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.!#$%&'*+^`|~-]+$/.test(value);
}

async function wholeText(what: string, response: Dispatcher.ResponseData, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > bodyBytesMax) break;
      chunks.push(chunk);
    }
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw new Fault('jenkins.bad-answer', `${what}: the answer was cut off`, { cause: error });
  }
  if (bytes > bodyBytesMax) {
    throw new Fault('jenkins.bad-answer', `${what}: the answer is longer than ${bodyBytesMax} bytes`);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** The status has decided already: a page that is cut off or too long takes nothing from it. */
async function errorText(response: Dispatcher.ResponseData): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of response.body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > errorBytesMax) break;
    }
  } catch {
    return '';
  }
  return Buffer.concat(chunks).toString('utf8');
}

function noAnswer(what: string, error: unknown): Fault {
  const isNoHttp = error instanceof errors.HTTPParserError || error instanceof errors.HeadersOverflowError;
  const kind = isNoHttp ? 'jenkins.bad-answer' : 'jenkins.unreachable';
  return new Fault(kind, `${what}: no answer: ${troubleWords(error)}`, { cause: error });
}
