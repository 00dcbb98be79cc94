/**
 * Job events over ZeroMQ: one SUB socket for each publisher, so that one publisher's trouble is seen as its own.
 *
 * A subscription is `connecting` until the first handshake, then `connected` or `lost` by turns, until it is closed.
 * A TCP connection alone says nothing: a web server behind the wrong port gives one too, and is `lost`.
 */
import assert from 'node:assert/strict';
import { isMainThread } from 'node:worker_threads';
import { Subscriber, type Event } from 'zeromq';
import { troubleWords } from '../../domain/trouble.js';
import type { EventListener, EventSource, EventSubscription, LinkState } from '../../ports/events.js';

export interface ZmqOptions {
  /** How long a peer may hold a connection without a handshake. */
  readonly handshakeMs?: number;
}

export function openZmqEvents({ handshakeMs = 10_000 }: ZmqOptions = {}): EventSource {
  // A worker thread that ends with a receive pending aborts the whole process.
  assert(isMainThread, 'ZeroMQ sockets belong to the main thread');
  return {
    open(endpoint, listener) {
      const subscription = new ZmqSubscription(endpoint, listener, handshakeMs);
      subscription.start();
      return subscription;
    },
  };
}

const reconnectMsMin = 100;
const reconnectMsMax = 10_000;

const socketOptions = {
  reconnectInterval: reconnectMsMin,
  reconnectMaxInterval: reconnectMsMax,
  // Ours, below: ZeroMQ's own ends with the first byte, and an HTTP answer reads as one from a peer of ZeroMQ 2.
  handshakeInterval: 0,
  // Heartbeats would need ZMTP 3.1 of the peer; the publishers of 2014 speak 2.0.
  tcpKeepalive: 1,
  tcpKeepaliveIdle: 60,
  tcpKeepaliveInterval: 15,
  tcpKeepaliveCount: 4,
  /**
   * A publisher drops what a subscriber has left more than 1,000 frames behind. ZeroMQ's own thread takes them while the main
   * thread does something else: 10,000 nodes may start at once. Of some 2 kB each; it bounds memory.
   */
  receiveHighWaterMark: 20_000,
  /** A peer that sends more in one frame is cut off by ZeroMQ before the frame is in memory. */
  maxMessageSize: 16 * 1024 * 1024,
  linger: 0,
  ipv6: true,
};

/** An event is below 2 kB; what is longer is passed on cut, and is then no JSON. */
const frameBytesMax = 1024 * 1024;

class ZmqSubscription implements EventSubscription {
  readonly #endpoint: string;
  readonly #listener: EventListener;
  readonly #handshakeMs: number;
  #socket: Subscriber | null = null;
  #state: LinkState | null = null;
  #isClosed = false;
  /** The wait for a handshake, or the pause after there was none. */
  #timer: NodeJS.Timeout | undefined;
  #isPausing = false;
  #refusals = 0;
  #ended: Promise<unknown> = Promise.resolve();

  constructor(endpoint: string, listener: EventListener, handshakeMs: number) {
    this.#endpoint = endpoint;
    this.#listener = listener;
    this.#handshakeMs = handshakeMs;
  }

  /** The listener hears nothing before this has returned. */
  start(): void {
    this.#ended = Promise.resolve().then(() => this.#run());
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#socket?.close();
    await this.#ended;
  }

  async #run(): Promise<void> {
    if (this.#isClosed) return;
    if (this.#state === null) this.#link('connecting', null);
    try {
      this.#socket = new Subscriber(socketOptions);
      // Asked for before `connect`, or the first events are missed.
      const watched = this.#watch(this.#socket);
      const received = this.#receive(this.#socket);
      this.#socket.subscribe();
      this.#socket.connect(this.#endpoint);
      await Promise.all([watched, received]);
    } catch (error) {
      // An endpoint that ZeroMQ cannot even parse, or no descriptor left for a socket.
      this.#link('lost', troubleWords(error));
      this.#socket?.close();
      if (isWantOfDescriptors(error)) this.#beginAgain();
    }
  }

  #beginAgain(): void {
    if (this.#isClosed) return;
    const begin = (): void => {
      this.#ended = this.#run();
    };
    this.#timer = setTimeout(begin, this.#pauseMs());
    this.#refusals += 1;
  }

  #pauseMs(): number {
    return Math.min(reconnectMsMin * 2 ** this.#refusals, reconnectMsMax);
  }

  async #receive(socket: Subscriber): Promise<void> {
    for await (const parts of socket) {
      if (this.#isClosed) return;
      const bytes = parts.length === 1 ? parts[0] : Buffer.concat(parts);
      if (bytes !== undefined) this.#listener.frame(bytes.subarray(0, frameBytesMax).toString('utf8'));
    }
  }

  async #watch(socket: Subscriber): Promise<void> {
    for await (const event of socket.events) {
      if (this.#isClosed) return;
      this.#hear(socket, event);
    }
  }

  #hear(socket: Subscriber, event: Event): void {
    switch (event.type) {
      case 'connect':
        clearTimeout(this.#timer);
        this.#timer = setTimeout(
          () => this.#refuse(socket, `no handshake within ${this.#handshakeMs} ms`),
          this.#handshakeMs,
        );
        return;
      case 'handshake':
        clearTimeout(this.#timer);
        this.#refusals = 0;
        return this.#link('connected', null);
      case 'handshake:error:protocol':
      case 'handshake:error:auth':
      case 'handshake:error:other':
        return this.#refuse(socket, 'what answers is no ZeroMQ publisher');
      case 'disconnect':
        if (this.#state === 'connected') return this.#link('lost', 'the connection broke');
        return this.#refuse(socket, 'closed before the handshake');
      default:
        return;
    }
  }

  /** ZeroMQ itself comes back to such a peer ten times a second for ever, so the pause is ours. */
  #refuse(socket: Subscriber, detail: string): void {
    if (this.#isClosed || this.#isPausing) return;
    this.#link('lost', detail);
    this.#isPausing = true;
    socket.disconnect(this.#endpoint);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#isPausing = false;
      socket.connect(this.#endpoint);
    }, this.#pauseMs());
    this.#refusals += 1;
  }

  /** A change only: a peer that breaks each connection is one message, not ten a second. */
  #link(state: LinkState, detail: string | null): void {
    if (this.#isClosed || this.#state === state) return;
    this.#state = state;
    this.#listener.link(state, detail);
  }
}

function isWantOfDescriptors(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'EMFILE' || error.code === 'ENFILE');
}
