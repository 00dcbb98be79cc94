import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Timers } from '../timers.js';
import { listen, stopListening } from '../listen.js';
import { faultReply, type HttpFault, type HttpFaults } from './faults.js';
import { Refusal, type Reply, type SimRequest } from './reply.js';

/** One kind of call, and how to serve it. */
export interface Call {
  /** Names the call in the counts and in the fault script. */
  readonly operation: string;
  readonly run: () => Reply | Promise<Reply>;
}

export interface SiteOptions {
  readonly timers: Timers;
  readonly faults: HttpFaults;
  readonly callFor: (request: SimRequest) => Call;
  readonly latencyMs: (operation: string) => number;
}

/** Larger requests are cut off. What is larger than a megabyte is an image. */
const bodyBytesMax = 64 << 20;

/** One HTTP server on loopback: counts calls, applies faults and latency, and can be down on the same port. */
export class Site {
  readonly calls: Record<string, number> = {};
  readonly #options: SiteOptions;
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;

  constructor(options: SiteOptions) {
    this.#options = options;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts to listen: on a free port the first time, then always on the same one. */
  async up(): Promise<void> {
    if (this.#server) return;
    const server = createServer((incoming, response) => void this.#serve(incoming, response));
    server.keepAliveTimeout = 60_000;
    server.on('connection', socket => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#server = server;
    this.#port = await listen(server, { host: '127.0.0.1', port: this.#port });
  }

  /** Refuses connections and cuts the open ones, as a machine whose service has died. */
  async down(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    const stopped = stopListening(server);
    for (const socket of this.#sockets) socket.destroy();
    await stopped;
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(incoming);
    if (!request) return;
    const { operation, run } = this.#options.callFor(request);
    this.calls[operation] = (this.calls[operation] ?? 0) + 1;
    const fault = this.#options.faults.take(operation);
    await this.#options.timers.wait(this.#options.latencyMs(operation));
    await this.#answer({ response, fault, run: () => settle(run) });
  }

  async #answer(exchange: {
    response: ServerResponse;
    fault: HttpFault | null;
    run: () => Promise<Reply>;
  }): Promise<void> {
    const { response, fault, run } = exchange;
    switch (fault?.kind) {
      case undefined:
        return send(response, await run());
      case 'answer':
      case 'html':
        return send(response, faultReply(fault));
      case 'lose-reply':
        await run();
        response.destroy();
        return;
      case 'reset':
        response.destroy();
        return;
      case 'half-answer':
        return sendHalf(response, await run());
      case 'hang':
        if (fault.takesEffect) await run();
        return;
      case 'slow':
        await this.#options.timers.wait(fault.delayMs);
        return send(response, await run());
    }
  }
}

/** Null when the client went away before its request was whole, or sent too much. */
async function readRequest(incoming: IncomingMessage): Promise<SimRequest | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    for await (const chunk of incoming as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > bodyBytesMax) {
        incoming.destroy();
        return null;
      }
      chunks.push(chunk);
    }
  } catch {
    // The client has closed the connection: nobody is left to answer.
    return null;
  }
  const [path = '/', query = ''] = splitOnce(incoming.url ?? '/', '?');
  const headers: Record<string, string | undefined> = {};
  for (const [name, value] of Object.entries(incoming.headers)) headers[name] = String(value);
  const body = Buffer.concat(chunks).toString('utf8');
  const method = incoming.method ?? 'GET';
  return { method, path, query: new URLSearchParams(query), headers, body, bodyBytes: size };
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}

async function settle(run: Call['run']): Promise<Reply> {
  try {
    return await run();
  } catch (error) {
    if (error instanceof Refusal) return error.reply;
    throw error;
  }
}

function send(response: ServerResponse, reply: Reply): void {
  const body = reply.body ?? '';
  const length = reply.status === 204 ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  response.writeHead(reply.status, { ...reply.headers, ...length });
  response.end(body);
}

function sendHalf(response: ServerResponse, reply: Reply): void {
  const body = Buffer.from(reply.body ?? '');
  response.writeHead(reply.status, { ...reply.headers, 'content-length': String(body.length + 1) });
  response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
}
