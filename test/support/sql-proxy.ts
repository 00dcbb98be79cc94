/**
 * A way to a database server that stays the same while the server comes and goes, and that can lose a statement, lose an
 * answer, and be slow.
 */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

export interface SqlProxy {
  readonly port: number;
  /** Where the server is now. */
  upstream: number;
  /** Connections through it that the server has not closed. */
  readonly open: number;
  /** The most that there were of them since this was set. */
  peak: number;
  /** The answer to the next statement like this is lost, with its connection. */
  lose(statement: RegExp): void;
  /** The next statement like this is lost, with its connection: the server never sees it. */
  cut(statement: RegExp): void;
  /** A statement that was to be lost, or its answer, has not come yet. */
  readonly isWaiting: boolean;
  /** Each answer is so late. */
  delayMs: number;
  close(): Promise<void>;
}

export async function startSqlProxy(upstream: number): Promise<SqlProxy> {
  const sockets = new Set<Socket>();
  const behinds = new Set<Socket>();
  let wanted: { readonly statement: RegExp; readonly isCut: boolean } | null = null;
  /** PostgreSQL is told the text of a statement once for each connection, and later its name. */
  const texts = new Map<string, string>();
  const textOf = (chunk: Buffer): string => {
    const text = chunk.toString('latin1');
    for (const [, name = '', told = ''] of text.matchAll(/(nodepool_\d+)\0([^\0]+)\0/g)) texts.set(name, told);
    const named = [...text.matchAll(/\0(nodepool_\d+)\0/g)].map(([, name = '']) => texts.get(name) ?? '');
    return [text, ...named].join('\n');
  };
  // Each side says goodbye for itself, so that it is seen when the server does.
  const server = createServer({ allowHalfOpen: true }, client => {
    const behind = connect({ port: proxy.upstream, host: '127.0.0.1', allowHalfOpen: true });
    behinds.add(behind);
    proxy.peak = Math.max(proxy.peak, behinds.size);
    const gone = (): void => void behinds.delete(behind);
    behind.on('close', gone);
    behind.on('end', gone);
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
      const text = textOf(chunk);
      if (wanted?.statement.test(text) === true) {
        isLosing = true;
        const { isCut } = wanted;
        wanted = null;
        if (isCut) {
          end();
          return;
        }
      }
      behind.write(chunk);
    });
    const inTime = (say: () => void): void => {
      if (proxy.delayMs === 0) say();
      else setTimeout(say, proxy.delayMs);
    };
    behind.on('data', chunk => {
      if (isLosing) end();
      else inTime(() => client.write(chunk));
    });
    client.on('end', () => behind.end());
    behind.on('end', () => inTime(() => client.end()));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const proxy: SqlProxy = {
    port: (server.address() as AddressInfo).port,
    upstream,
    get open() {
      return behinds.size;
    },
    peak: 0,
    lose: statement => (wanted = { statement, isCut: false }),
    cut: statement => (wanted = { statement, isCut: true }),
    get isWaiting() {
      return wanted !== null;
    },
    delayMs: 0,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
  return proxy;
}
