import { createServer, type Server, type Socket } from 'node:net';
import { listen, stopListening } from '../listen.js';
import type { FunctionCount } from '../local-dispatch.js';

/** What can go wrong with one `status` question. */
export type StatusFault =
  /** Never answers. */
  | { readonly kind: 'silent' }
  /** Ends the connection in the middle of a line. */
  | { readonly kind: 'half-answer' }
  /** Ends the connection without a word. */
  | { readonly kind: 'reset' }
  /** Answers an error line instead. */
  | { readonly kind: 'error' }
  /** Puts these lines before the true ones. */
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  /** Sends every byte by itself. */
  | { readonly kind: 'byte-wise' };

/** A command line longer than this is no command. */
const lineBytesMax = 1024;

/** The administrative side of a Gearman server: text commands, one a line. */
export class StatusServer {
  readonly host = '127.0.0.1';
  /** How many `status` questions were asked. */
  asked = 0;
  port = 0;
  readonly #counts: () => readonly FunctionCount[];
  readonly #sockets = new Set<Socket>();
  readonly #faults: StatusFault[] = [];
  #server: Server | null = null;

  constructor(counts: () => readonly FunctionCount[]) {
    this.#counts = counts;
  }

  /** Starts to listen: on a free port the first time, then always on the same one. */
  async up(): Promise<void> {
    if (this.#server) return;
    this.#server = createServer(socket => this.#converse(socket));
    this.port = await listen(this.#server, { host: this.host, port: this.port });
  }

  /** Refuses connections and cuts the open ones. */
  async down(): Promise<void> {
    const server = this.#server;
    if (!server) return;
    this.#server = null;
    const stopped = stopListening(server);
    for (const socket of this.#sockets) socket.destroy();
    await stopped;
  }

  /** The next `times` answers to `status` go wrong this way. */
  failNext(fault: StatusFault, times = 1): void {
    for (let i = 0; i < times; i++) this.#faults.push(fault);
  }

  #converse(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.setNoDelay(true);
    let unread = '';
    socket.setEncoding('latin1').on('data', (text: string) => {
      const lines = (unread + text).split('\n');
      unread = lines.pop() ?? '';
      if (unread.length > lineBytesMax) socket.destroy();
      for (const line of lines) this.#obey(socket, line.replace(/\r$/, ''));
    });
  }

  #obey(socket: Socket, line: string): void {
    switch (line) {
      case 'status':
        this.asked++;
        this.#answerStatus(socket, this.#faults.shift() ?? null);
        return;
      case 'version':
        socket.write('OK 1.1.20\n');
        return;
      default:
        socket.write('ERR UNKNOWN_COMMAND Unknown+server+command\n');
    }
  }

  #answerStatus(socket: Socket, fault: StatusFault | null): void {
    const lines = this.#counts().map(({ name, total, running, workers }) => [name, total, running, workers].join('\t'));
    switch (fault?.kind) {
      case undefined:
        // Line by line, as Zuul's server sends it: one answer is not one read.
        for (const line of lines) socket.write(`${line}\n`);
        socket.write('.\n');
        return;
      case 'silent':
        return;
      case 'reset':
        socket.destroy();
        return;
      case 'half-answer':
        socket.end(['build:half\t1', ...lines].reverse().join('\n'));
        return;
      case 'error':
        socket.write('ERR UNKNOWN_ERROR Something+is+wrong\n');
        return;
      case 'lines':
        socket.write(`${[...fault.lines, ...lines, '.'].join('\n')}\n`);
        return;
      case 'byte-wise':
        for (const byte of `${[...lines, '.'].join('\n')}\n`) socket.write(byte, 'latin1');
    }
  }
}
