import { connect, type Socket } from 'node:net';
import type { Timers } from '../timers.js';
import { type Packet, PacketReader, request } from './packets.js';

interface ConnectionParts {
  readonly server: { readonly host: string; readonly port: number };
  readonly timers: Timers;
  readonly connected: () => void;
  readonly received: (packet: Packet) => void;
}

const reconnectMs = 500;

/** One connection to a real Gearman server, made anew whenever it is lost. */
export class GearmanConnection {
  readonly #parts: ConnectionParts;
  #socket: Socket | null = null;
  #isClosed = false;

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    this.#connect();
  }

  /** What is sent while there is no connection is lost; `connected` tells when to say it again. */
  send(type: number, ...fields: readonly string[]): void {
    this.#socket?.write(request(type, ...fields));
  }

  /** Drops the connection and makes a new one: the server takes back the job it has just given. */
  restart(): void {
    this.#socket?.destroy();
  }

  /** Lets what was sent go out first. */
  close(): void {
    this.#isClosed = true;
    this.#socket?.end();
    this.#socket = null;
  }

  #connect(): void {
    if (this.#isClosed) return;
    const socket = connect({ ...this.#parts.server, noDelay: true });
    const reader = new PacketReader();
    socket.on('connect', () => {
      if (this.#isClosed) return void socket.destroy();
      this.#socket = socket;
      this.#parts.connected();
    });
    socket.on('data', (chunk: Buffer) => {
      for (const packet of reader.read(chunk)) if (!this.#isClosed) this.#parts.received(packet);
    });
    // `close` follows, and tries again.
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#socket = null;
      this.#parts.timers.after(reconnectMs, () => this.#connect());
    });
  }
}
