/** An OpenStack made by hand, for the answers that no OpenStack should give: each route answers what the test says. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { CloudAccess } from '../../src/adapters/openstack/cloud.js';
import { accessTo } from './cloud-access.js';

export type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

export interface Peer {
  readonly url: string;
  /** Method and path with query, in order. */
  readonly requests: readonly string[];
  /** The last body of each route. */
  readonly bodies: ReadonlyMap<string, unknown>;
  /** `GET /v2.1/servers/detail`: the answers in turn, the last one for ever. */
  on(route: string, ...answers: Answer[]): void;
  access(more?: Partial<CloudAccess>): CloudAccess;
  countOf(route: string): number;
  close(): Promise<void>;
}

export interface PeerOptions {
  readonly tokenSeconds?: number;
  readonly services?: readonly string[];
}

export async function startPeer(options: PeerOptions = {}): Promise<Peer> {
  const requests: string[] = [];
  const bodies = new Map<string, unknown>();
  const routes = new Map<string, Answer[]>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    // A peer that is cut off by its client is everyday here.
    response.on('error', () => undefined);
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString('utf8');
      const route = `${request.method} ${(request.url ?? '').split('?')[0]}`;
      requests.push(`${request.method} ${request.url}`);
      if (body !== '') bodies.set(route, JSON.parse(body));
      const answers = routes.get(route) ?? [];
      const answer = answers.length > 1 ? answers.shift() : answers[0];
      (answer ?? sendJson(404, { itemNotFound: { code: 404, message: `no route ${route}` } }))(request, response, body);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const on = (route: string, ...answers: Answer[]): void => void routes.set(route, answers);
  on('POST /v3/auth/tokens', tokenAnswer(url, options));
  return {
    url,
    requests,
    bodies,
    on,
    access: more => accessTo({ authUrl: `${url}/v3`, username: 'u', password: 'secret', projectName: 'p' }, more),
    countOf: route => requests.filter(request => request.split('?')[0] === route).length,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** A new token at each call: `t1`, `t2`… */
function tokenAnswer(url: string, { tokenSeconds = 3600, services = ['compute', 'image'] }: PeerOptions): Answer {
  let count = 0;
  return (request, response, body) => {
    count += 1;
    const at = (seconds: number): string => new Date(Date.UTC(2014, 5, 1) + seconds * 1000).toISOString();
    const catalog = services.map(type => ({
      type,
      name: type,
      endpoints: [{ interface: 'public', region: 'R1', url: type === 'compute' ? `${url}/v2.1` : url }],
    }));
    const token = { issued_at: at(0), expires_at: at(tokenSeconds), catalog };
    sendJson(201, { token }, { 'x-subject-token': `t${count}` })(request, response, body);
  };
}

export function sendJson(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return send(status, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
}

export function sendHtml(status: number, headers: Readonly<Record<string, string>> = {}): Answer {
  const page = `<html><head><title>${status}</title><style>p {}</style></head><body><h1>Welcome to nginx!</h1></body></html>`;
  return send(status, page, { 'content-type': 'text/html', ...headers });
}

export function send(status: number, text: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_request, response) => response.writeHead(status, headers).end(text);
}

/** Takes the request and says nothing. */
export const silent: Answer = () => undefined;

/** Cuts the connection without a byte. */
export const reset: Answer = request => void request.socket.resetAndDestroy();

/** Promises more than it sends, then cuts the connection. */
export const half: Answer = (request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '1000' });
  response.write('{"servers": [{"id": ', () => request.socket.destroy());
};

/** A kept-alive connection that the peer's proxy closes just when it is used again. */
export const ok: Answer = sendJson(200, { servers: [] });
