import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface PeerRequest {
  /** For example `POST /computer/a/doDelete`, without the query. */
  readonly line: string;
  readonly query: URLSearchParams;
  readonly form: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** Told apart by port. */
  readonly connection: number;
}

export type PeerAnswer = (request: PeerRequest, response: ServerResponse) => void;

export interface Peer {
  readonly url: string;
  readonly requests: PeerRequest[];
  lines(): string[];
  close(): Promise<void>;
}

/** A server that answers what its test says, and remembers what it was asked. */
export async function startPeer(answer: PeerAnswer): Promise<Peer> {
  const requests: PeerRequest[] = [];
  const server = createServer((incoming, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
      const url = new URL(incoming.url ?? '/', 'http://peer');
      const request = {
        line: `${incoming.method ?? ''} ${url.pathname}`,
        query: url.searchParams,
        form: new URLSearchParams(Buffer.concat(chunks).toString()),
        headers: incoming.headers,
        connection: incoming.socket.remotePort ?? 0,
      };
      requests.push(request);
      answer(request, response);
    })();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    lines: () => requests.map(request => request.line),
    async close() {
      server.closeAllConnections();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

/** Answers by status, headers and body. */
export function reply(status: number, body = '', headers: Record<string, string | string[]> = {}): PeerAnswer {
  return (_, response) => {
    response.writeHead(status, headers).end(body);
  };
}
