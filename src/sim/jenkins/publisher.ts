import { Publisher } from 'zeromq';
import { onOwnPort } from '../own-port.js';

/** Frames one subscriber may lag behind before the rest is dropped: the plugin's own limit. */
const highWaterMark = 1000;

/** The ZeroMQ side of a master. Frames published while it is stopped are lost, as they are with the plugin. */
export class EventPublisher {
  /** How many frames were handed to the socket. */
  sent = 0;
  /** How often each frame is sent: 0 loses it on the way, 2 has it come twice. May be changed at any time. */
  copies: () => number = () => 1;
  #endpoint: string | null = null;
  #socket: Publisher | null = null;
  #sending: Promise<void> = Promise.resolve();

  /** Always the same once it has been started. */
  get endpoint(): string {
    if (this.#endpoint === null) throw new Error('the publisher was never started');
    return this.#endpoint;
  }

  async start(): Promise<void> {
    if (this.#socket) return;
    const socket = new Publisher({ sendHighWaterMark: highWaterMark, linger: 0 });
    if (this.#endpoint !== null) await socket.bind(this.#endpoint);
    else this.#endpoint = await bindAnywhere(socket);
    this.#socket = socket;
  }

  async stop(): Promise<void> {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    await this.#sending;
    await unbind(socket, this.endpoint);
    socket.close();
  }

  /** Sends any text as one frame, well formed or not. */
  send(frame: string): void {
    const socket = this.#socket;
    if (!socket) return;
    for (let copies = this.copies(); copies > 0; copies--) {
      this.sent++;
      // A socket takes one send at a time.
      this.#sending = this.#sending.then(() => socket.send(frame));
    }
  }
}

/** Binds to a free port of the loopback and tells the endpoint. */
export function bindAnywhere(socket: Publisher): Promise<string> {
  return onOwnPort(async port => {
    const endpoint = `tcp://127.0.0.1:${String(port)}`;
    await socket.bind(endpoint);
    return endpoint;
  });
}

/** Resolves when the port is free: the socket's own thread closes it, and that some time after `unbind` has returned. */
export async function unbind(socket: Publisher, endpoint: string): Promise<void> {
  const closed = new Promise<void>(resolve => socket.events.on('close', () => resolve()));
  await socket.unbind(endpoint);
  await closed;
}
