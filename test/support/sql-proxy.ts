/** A way to a database server that stays the same while the server comes and goes, and that can lose an answer. */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

export interface SqlProxy {
  readonly port: number;
  /** Where the server is now. */
  upstream: number;
  /** Connections that are open through it. */
  readonly open: number;
  /** The answer to the next statement like this is lost, with its connection. */
  lose(statement: RegExp): void;
  close(): Promise<void>;
}

export async function startSqlProxy(upstream: number): Promise<SqlProxy> {
  const sockets = new Set<Socket>();
  const behinds = new Set<Socket>();
  let wanted: RegExp | null = null;
  const server = createServer(client => {
    const behind = connect(proxy.upstream, '127.0.0.1');
    behinds.add(behind);
    behind.on('close', () => behinds.delete(behind));
    let isLosing = false;
    const end = (): void => {
      client.destroy();
      behind.destroy();
    };
    for (const socket of [client, behind]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
    client.on('data', chunk => {
      if (wanted?.test(chunk.toString('latin1')) === true) {
        isLosing = true;
        wanted = null;
      }
      behind.write(chunk);
    });
    behind.on('data', chunk => {
      if (isLosing) end();
      else client.write(chunk);
    });
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const proxy: SqlProxy = {
    port: (server.address() as AddressInfo).port,
    upstream,
    get open() {
      return behinds.size;
    },
    lose: statement => (wanted = statement),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return proxy;
}
