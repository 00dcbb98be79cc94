/**
 * Serves the control API: one application on two listeners, a Unix socket for this machine's operators and, if asked
 * for, TCP on loopback. What came over the socket is marked so by its own listener; everything unmarked is checked.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, ListenOptions } from 'node:net';
import fastify, { type FastifyInstance, type FastifyRequest } from 'fastify';
import { Fault } from '../domain/fault.js';
import type { ControlApi, ControlServer, ServeControl } from '../ports/control.js';
import { Allowance } from './allowance.js';
import { checkAccess, isLoopback, type Need, type Tokens } from './access.js';
import { sendProblem } from './answer.js';
import { ControlError } from './control-error.js';
import { EventStream } from './event-stream.js';
import { addOpenApi } from './openapi.js';
import { addPage, builtPage } from './page.js';
import { addRoutes } from './routes.js';
import { claimSocket, restrictSocket } from './socket-file.js';

export interface ServeOptions {
  readonly socket: string;
  /** Port 0 takes a free one. */
  readonly http: { readonly host: string; readonly port: number } | null;
  readonly writeToken: string | null;
  readonly readToken: string | null;
  readonly version: string;
  /** Where the live page is; by default where `npm run build` puts it. */
  readonly page?: string;
  /** Milliseconds of a clock that only goes forward. */
  readonly now?: () => number;
  log(line: string): void;
}

/** Requests are small: a reason, a path. */
const bodyBytesMax = 64 * 1024;
/** Operators, a scraper, some live pages: more is a client gone wild. */
const connectionsMax = 256;
/** Over TCP, from all clients together: a page asks every second or two, a scraper every few. */
const requestsPerSecond = 50;
const requestsAtOnce = 200;
const requestMs = 30_000;
const headersMs = 10_000;
const keepAliveMs = 5_000;
/** What an answer in hand gets when the daemon stops. */
const closeMs = 1_000;

export function serveControl(options: ServeOptions): ServeControl {
  return async api => {
    const { socket, http } = options;
    if (http !== null && !isLoopback(http.host)) {
      throw new ControlError(`control.http must be on loopback, not on ${http.host}`, {
        next: 'use 127.0.0.1:PORT, and a proxy that authenticates in front of it',
      });
    }
    await claimSocket(socket);
    const fromSocket = new WeakSet<IncomingMessage>();
    const events = new EventStream(api);
    const app = await application(options, { api, events, fromSocket });
    const servers: Server[] = [];
    const close = async (): Promise<void> => {
      events.close();
      await Promise.all(servers.map(closeServer));
      await app.close();
    };
    try {
      servers.push(
        await listen({ path: socket }, (request, response) => {
          fromSocket.add(request);
          app.routing(request, response);
        }),
      );
      await restrictSocket(socket);
      if (http !== null) servers.push(await listen(http, (request, response) => app.routing(request, response)));
    } catch (error) {
      await close();
      throw error;
    }
    const url = http === null ? null : urlOf(servers.at(-1), http.host);
    options.log(`control API on ${socket}${url === null ? '' : ` and ${url}`}`);
    return { socket, url, close } satisfies ControlServer;
  };
}

async function application(
  options: ServeOptions,
  parts: { api: ControlApi; events: EventStream; fromSocket: WeakSet<IncomingMessage> },
): Promise<FastifyInstance> {
  const tokens: Tokens = { write: options.writeToken, read: options.readToken };
  const app = fastify({ bodyLimit: bodyBytesMax, logger: false });
  const isFromSocket = (request: FastifyRequest): boolean => parts.fromSocket.has(request.raw);
  const allowance = new Allowance({
    perSecond: requestsPerSecond,
    most: requestsAtOnce,
    now: options.now ?? (() => performance.now()),
  });
  app.addHook('onRequest', async (request, reply) => {
    void reply.headers({
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    if (isFromSocket(request)) return;
    if (!allowance.take()) {
      void reply.header('retry-after', '1');
      throw new ControlError('too many requests', { status: 429, next: 'ask less often, or over the Unix socket' });
    }
    checkAccess(request.raw, needOf(request.raw), tokens);
  });
  app.addHook('onResponse', async (request, reply) => {
    if (needOf(request.raw) !== 'write') return;
    const from = isFromSocket(request) ? 'the socket' : request.ip;
    options.log(`${request.method} ${request.url.slice(0, 200)} from ${from}: ${reply.statusCode}`);
  });
  app.setNotFoundHandler(request => {
    const next = 'GET /api/v1/openapi.json tells what there is';
    throw new ControlError(`nothing is at ${request.method} ${request.url.slice(0, 200)}`, { status: 404, next });
  });
  app.setErrorHandler((error, request, reply) => {
    const { status, message, next } = refusal(error);
    if (status >= 500) options.log(`${request.method} ${request.url.slice(0, 200)} failed: ${describe(error)}`);
    if (status === 401) void reply.header('www-authenticate', needOf(request.raw) === 'write' ? 'Bearer' : 'Basic');
    return sendProblem(reply, status, message, next);
  });
  addRoutes(addOpenApi(app), { api: parts.api, events: parts.events, version: options.version });
  await addPage(app, options.page ?? builtPage);
  await app.ready();
  return app;
}

function needOf(request: IncomingMessage): Need {
  if (request.url === '/healthz') return 'nothing';
  return request.method === 'GET' || request.method === 'HEAD' ? 'read' : 'write';
}

function refusal(error: unknown): { status: number; message: string; next: string | null } {
  if (error instanceof ControlError) return error;
  if (error instanceof Fault) return { status: 503, message: error.message, next: error.next };
  const status = error instanceof Error && 'statusCode' in error ? Number(error.statusCode) : 500;
  // Fastify's own refusals of a request: a body too big, or that is no JSON.
  if (status >= 400 && status < 500) return { status, message: describe(error), next: null };
  return { status: 500, message: 'the daemon failed to answer', next: 'see its log' };
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function listen(where: ListenOptions, onRequest: Parameters<typeof createServer>[1]): Promise<Server> {
  const server = createServer(
    { requestTimeout: requestMs, headersTimeout: headersMs, keepAliveTimeout: keepAliveMs },
    onRequest,
  );
  server.maxConnections = connectionsMax;
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => {
      server.off('error', reject);
      resolve(server);
    });
  });
}

/** Lets the answers in hand go out, but not for long. */
function closeServer(server: Server): Promise<void> {
  return new Promise(resolve => {
    const late = setTimeout(() => server.closeAllConnections(), closeMs);
    server.close(() => {
      clearTimeout(late);
      resolve();
    });
    server.closeIdleConnections();
  });
}

function urlOf(server: Server | undefined, host: string): string {
  const address = server?.address() as AddressInfo;
  return `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${address.port}`;
}
