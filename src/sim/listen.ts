import type { Server } from 'node:net';
import { onOwnPort } from './own-port.js';

/** Starts to listen and tells the port, a free one for port 0; rejects where the address is taken. */
export function listen(
  server: Server,
  { host, port }: { readonly host: string; readonly port: number },
): Promise<number> {
  return port === 0 ? onOwnPort(own => listenAt(server, host, own)) : listenAt(server, host, port);
}

function listenAt(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, backlog: 1024 }, () => {
      server.off('error', reject);
      // An accepted connection may still fail in the kernel; such an error concerns nobody here.
      server.on('error', () => {});
      resolve(port);
    });
  });
}

/** Resolves once the server has closed; open connections must be ended by their owner. */
export function stopListening(server: Server): Promise<void> {
  return new Promise(resolve => {
    server.close(() => resolve());
  });
}
