import { once } from 'node:events';
import { createServer } from 'node:net';
import { onOwnPort } from '../../src/sim/own-port.js';

/** A loopback port that nothing listens on now; what takes it should be ready to ask for another. */
export function freePort(): Promise<number> {
  return onOwnPort(async port => {
    const server = createServer().listen(port, '127.0.0.1');
    await once(server, 'listening');
    server.close();
    await once(server, 'close');
    return port;
  });
}
