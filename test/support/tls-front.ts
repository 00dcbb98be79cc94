/** A TLS server on a free loopback port: in front of a plain one, or with an answer of its own. */
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { connect, type Socket } from 'node:net';
import { createServer, type TlsOptions, type TLSSocket } from 'node:tls';
import type { Certificates } from './certificates.js';

export interface TlsFront {
  readonly host: string;
  readonly port: number;
  /** What each client spoke: `TLSv1.3`. */
  readonly protocols: readonly (string | null)[];
  end(): Promise<void>;
}

/** Demands a certificate of the same authority. */
export async function startTlsFront(
  files: Certificates,
  answer: (socket: TLSSocket) => void,
  options: TlsOptions = {},
): Promise<TlsFront> {
  const [ca, cert, key] = await Promise.all([files.ca, files.cert, files.key].map(file => readFile(file)));
  if (!ca || !cert || !key) throw new Error('three files are read');
  const sockets = new Set<Socket>();
  const protocols: (string | null)[] = [];
  const server = createServer({ ca, cert, key, requestCert: true, rejectUnauthorized: true, ...options }, socket => {
    protocols.push(socket.getProtocol());
    socket.setNoDelay().on('error', () => undefined);
    answer(socket);
  });
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  return {
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    protocols,
    async end() {
      for (const socket of sockets) socket.destroy();
      await new Promise(resolve => server.close(resolve));
    },
  };
}

/** Passes everything on to a server that speaks without TLS, and is gone with it. */
export function passOnTo(place: { readonly host: string; readonly port: number }): (socket: TLSSocket) => void {
  return socket => {
    const behind = connect(place);
    behind.on('error', () => socket.destroy());
    socket.on('close', () => behind.destroy());
    behind.on('close', () => socket.destroy());
    socket.pipe(behind).pipe(socket);
  };
}
