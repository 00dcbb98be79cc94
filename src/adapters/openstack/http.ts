import type { Readable } from 'node:stream';

import { Agent, request } from 'undici';

import { Fault } from '../../domain/fault.js';
import { secretsIn, withoutSecrets } from '../../domain/redact.js';
import { troubleWords } from '../../domain/trouble.js';
import { lookupName } from '../lookup.js';
import type { Deadline } from './deadline.js';

/** A page of 1000 servers is 2 to 5 MB; a peer that sends without end must not fill the worker's memory. */
const BODY_BYTES_MAX = 32 * 1024 * 1024;
/** The cloud actor bounds the calls in flight; this only stops a mistake there from opening sockets without end. */
const CONNECTIONS_MAX = 64;
/** Long enough for a lost SYN to be repeated three times. */
const CONNECT_TIMEOUT_MS = 10_000;
/**
 * Below the 5 s after which Apache and most proxies close an idle connection: a create that meets a closing connection
 * is in doubt, and a doubt costs a server list. A shorter `Keep-Alive: timeout=` of the peer is obeyed by undici.
 */
const KEEP_ALIVE_MS = 4_000;

export interface HttpRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is, instead of a body. */
  readonly stream?: ByteStream | undefined;
  /** Sent once more when a connection that was kept alive turns out to be closed. */
  readonly repeatable: boolean;
}

/** Opened anew for each time that it is sent. */
export interface ByteStream {
  readonly open: () => Readable;
  readonly bytes: number;
}

export interface HttpAnswer {
  /** Method, host and path, for messages: never a header or a body. */
  readonly what: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Whom to believe that it is the cloud. */
export interface Trust {
  /** PEM, instead of the system's authorities. */
  readonly caCertificates: string | null;
  readonly isPeerVerified: boolean;
}

/** HTTP with every limit named. Rejects with a Fault; an answer of any status is an answer. */
export class Http {
  readonly #agent: Agent;

  constructor({ caCertificates, isPeerVerified }: Trust) {
    this.#agent = new Agent({
      connections: CONNECTIONS_MAX,
      pipelining: 1,
      connect: {
        timeout: CONNECT_TIMEOUT_MS,
        lookup: lookupName,
        rejectUnauthorized: isPeerVerified,
        ...(caCertificates === null ? {} : { ca: caCertificates }),
      },
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      // The deadline of the call aborts; two more clocks would only name the same trouble differently.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  async send(request: HttpRequest, deadline: Deadline): Promise<HttpAnswer> {
    try {
      return await this.#sendOnce(request, deadline);
    } catch (error) {
      if (!request.repeatable || deadline.signal.aborted || !isReset(error)) throw toFault(error, request, deadline);
    }
    try {
      return await this.#sendOnce(request, deadline);
    } catch (error) {
      throw toFault(error, request, deadline);
    }
  }

  /** Breaks what is still in flight: to be called when no call is in hand. */
  async close(): Promise<void> {
    await this.#agent.destroy();
  }

  async #sendOnce(sent: HttpRequest, deadline: Deadline): Promise<HttpAnswer> {
    deadline.throwIfOver();
    const answer = await request(sent.url, {
      method: sent.method,
      headers: {
        accept: 'application/json',
        ...contentHeaders(sent),
        ...sent.headers,
      },
      body: sent.stream?.open() ?? (sent.body === undefined ? null : JSON.stringify(sent.body)),
      dispatcher: this.#agent,
      signal: deadline.signal,
    });
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      bytes += chunk.length;
      if (bytes > BODY_BYTES_MAX) {
        throw new Fault('cloud.bad-answer', `${whatOf(sent)}: the answer is larger than ${BODY_BYTES_MAX} bytes`);
      }
      chunks.push(chunk);
    }
    const whole = Buffer.concat(chunks).toString('utf8');
    const { statusCode: status, headers } = answer;
    // What went wrong is told to people.
    const text = status < 400 ? whole : withoutSecrets(whole, secretsIn({ headers: sent.headers, body: sent.body }));
    return { what: whatOf(sent), status, headers, text };
  }
}

function contentHeaders({ body, stream }: HttpRequest): Record<string, string> {
  if (stream !== undefined) return { 'content-type': 'application/octet-stream', 'content-length': `${stream.bytes}` };
  return body === undefined ? {} : { 'content-type': 'application/json' };
}

function whatOf(request: HttpRequest): string {
  const { host, pathname } = parseUrl(request.url);
  return `${request.method} ${host}${pathname}`;
}

function codeOf(error: unknown): string | null {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
}

function isReset(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'UND_ERR_SOCKET' || code === 'ECONNRESET' || code === 'EPIPE';
}

function toFault(error: unknown, request: HttpRequest, deadline: Deadline): Fault {
  if (deadline.signal.aborted) return deadline.reason();
  if (error instanceof Fault) return error;
  const code = codeOf(error);
  const message = `${whatOf(request)}: ${troubleWords(error)}`;
  const isNotHttp = code === 'UND_ERR_HEADERS_OVERFLOW' || (error instanceof Error && error.name === 'HTTPParserError');
  const kind = isNotHttp ? 'cloud.bad-answer' : isMistrust(code) ? 'cloud.tls' : 'cloud.unreachable';
  return new Fault(kind, message, { cause: error });
}

/** The codes of OpenSSL's verification, of a certificate for another host, and of a peer that speaks no TLS. */
function isMistrust(code: string | null): boolean {
  return code !== null && /^ERR_TLS_|^ERR_SSL_|CERT|CRL|UNABLE_TO_|SIGNATURE|^HOSTNAME_MISMATCH$|^EPROTO$/.test(code);
}

/** A URL of the configuration or the catalogue; one that cannot be parsed is the operator's to mend. */
export function parseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url === null || !/^https?:$/.test(url.protocol)) {
    throw new Fault('cloud.no-endpoint', `"${text.replace(/\/\/[^/]*@/, '//')}" is not the URL of an HTTP service`);
  }
  return url;
}
