/** A way to a server on which everything may go wrong, and be well again: its port stays the same. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

export type Manner =
  | 'well'
  /** Nobody listens. */
  | 'refusing'
  /** Accepts, reads, and says nothing. */
  | 'silent'
  /** Passes each answer on in small pieces. */
  | 'slow'
  /** Says what is of no protocol. */
  | 'nonsense'
  /** Passes on the first half of an answer, then resets. */
  | 'resetting';

export interface CrookedWay {
  readonly host: string;
  readonly port: number;
  /** From now on; what was connected is cut. */
  become(manner: Manner): Promise<void>;
  close(): Promise<void>;
}

const host = '127.0.0.1';
const pieceBytes = 16;
const pieceMs = 2;

export async function openCrookedWay(target: { readonly host: string; readonly port: number }): Promise<CrookedWay> {
  const way = new Way(target);
  await way.listen();
  return way;
}

class Way implements CrookedWay {
  readonly host = host;
  readonly #target: { readonly host: string; readonly port: number };
  readonly #sockets = new Set<Socket>();
  #server: Server | null = null;
  #port = 0;
  #manner: Manner = 'well';

  constructor(target: { readonly host: string; readonly port: number }) {
    this.#target = target;
  }

  get port(): number {
    return this.#port;
  }

  async become(manner: Manner): Promise<void> {
    this.#manner = manner;
    await this.close();
    if (manner !== 'refusing') await this.listen();
  }

  async listen(): Promise<void> {
    const server = createServer(socket => this.#accept(socket));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.#port, host, resolve);
    });
    this.#server = server;
    this.#port = (server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    if (!server) return;
    const closed = new Promise(resolve => server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  #accept(client: Socket): void {
    this.#keep(client);
    switch (this.#manner) {
      case 'refusing':
        client.destroy();
        return;
      case 'silent':
        client.resume();
        return;
      case 'nonsense':
        client.resume();
        client.write(Buffer.from('\u0001\u0002 what is this?\r\n\r\n'.repeat(20)));
        return;
      case 'well':
      case 'slow':
      case 'resetting':
        this.#relay(client, this.#manner);
    }
  }

  #relay(client: Socket, manner: 'well' | 'slow' | 'resetting'): void {
    const behind = connect(this.#target);
    this.#keep(behind);
    client.on('close', () => behind.destroy());
    behind.on('close', () => client.destroy());
    client.pipe(behind);
    if (manner === 'well') behind.pipe(client);
    else if (manner === 'slow') void trickle(behind, client);
    else {
      behind.once('data', (answer: Buffer) => {
        client.write(answer.subarray(0, Math.floor(answer.length / 2)), () => client.resetAndDestroy());
      });
    }
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#sockets.delete(socket));
  }
}

async function trickle(from: Socket, to: Socket): Promise<void> {
  try {
    for await (const answer of from as AsyncIterable<Buffer>) {
      for (let at = 0; at < answer.length; at += pieceBytes) {
        to.write(answer.subarray(at, at + pieceBytes));
        await new Promise(resolve => setTimeout(resolve, pieceMs));
      }
    }
  } catch {
    // Cut at the other side, and so at this one.
  }
}
