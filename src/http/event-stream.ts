/**
 * The event stream: every event of the pool gets a number, the last ones are kept, and each reader gets what it has
 * not seen (`Last-Event-ID`), or at its first time as many of the last ones as it asks for, and then what happens. A
 * reader that does not keep up is dropped; it comes back with the number of the last event it saw and misses nothing
 * that is still kept. Where something is not kept any more it is told so: `stream.gap`.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { ControlApi, PoolEvent } from '../ports/control.js';
import { ControlError } from './control-error.js';

/** Each costs a buffer and a write per event. */
const readersMax = 64;
/** Some minutes of a busy pool: long enough to come back after a broken connection. */
export const keptMax = 1_000;
/** What one slow reader may hold of the daemon's memory. */
const unsentBytesMax = 1024 * 1024;
/** Proxies close a silent connection after 30 s or more. */
const heartbeatMs = 15_000;

interface Kept {
  readonly id: number;
  readonly frame: string;
}

export class EventStream {
  readonly #readers = new Set<ServerResponse>();
  readonly #kept: Kept[] = [];
  readonly #unsubscribe: () => void;
  readonly #heartbeat: NodeJS.Timeout;
  /** Starts at the time of day, so that numbers grow over restarts of the daemon too. */
  #lastId = Date.now();

  constructor(api: Pick<ControlApi, 'subscribe'>) {
    this.#unsubscribe = api.subscribe(event => this.#publish(event));
    this.#heartbeat = setInterval(() => this.#sendAll(': still here\n\n'), heartbeatMs).unref();
  }

  get readers(): number {
    return this.#readers.size;
  }

  /** Answers one request with the stream. `last`: how many of the kept events one gets that has seen none. */
  serve(request: IncomingMessage, response: ServerResponse, last: number): void {
    if (this.#readers.size >= readersMax) {
      throw new ControlError(`${readersMax} clients follow the events already`, {
        status: 503,
        next: 'end one of them',
      });
    }
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' });
    response.write(': following\n\n');
    response.write(this.#missed(request.headers['last-event-id'], last));
    // Who loses the connection before anything happens knows where it was, too.
    response.write(`: up to now\nid: ${this.#lastId}\n\n`);
    this.#readers.add(response);
    response.once('close', () => this.#readers.delete(response));
  }

  close(): void {
    this.#unsubscribe();
    clearInterval(this.#heartbeat);
    for (const reader of this.#readers) reader.end();
    this.#readers.clear();
  }

  #publish(event: PoolEvent): void {
    const id = ++this.#lastId;
    const frame = frameOf(id, event);
    this.#kept.push({ id, frame });
    if (this.#kept.length > keptMax) this.#kept.shift();
    this.#sendAll(frame);
  }

  #missed(lastEventId: string | string[] | undefined, last: number): string {
    const seen = Number(lastEventId ?? Number.NaN);
    if (!Number.isSafeInteger(seen)) return framesOf(last === 0 ? [] : this.#kept.slice(-last));
    const oldest = this.#kept[0]?.id ?? this.#lastId + 1;
    const isKnown = seen >= oldest - 1 && seen <= this.#lastId;
    return isKnown ? framesOf(this.#kept.filter(({ id }) => id > seen)) : gap(oldest - 1) + framesOf(this.#kept);
  }

  #sendAll(text: string): void {
    for (const reader of this.#readers) {
      if (reader.writableLength > unsentBytesMax) this.#drop(reader);
      else reader.write(text);
    }
  }

  #drop(reader: ServerResponse): void {
    this.#readers.delete(reader);
    reader.destroy();
  }
}

function frameOf(id: number, event: PoolEvent): string {
  return `id: ${id}\nevent: ${event.type.replace(/[\r\n]/g, ' ')}\ndata: ${JSON.stringify(event)}\n\n`;
}

function framesOf(kept: readonly Kept[]): string {
  return kept.map(({ frame }) => frame).join('');
}

/** What was missed is to be read from the lists instead. */
function gap(id: number): string {
  const message = 'what happened meanwhile is not kept any more';
  return frameOf(id, { at: Date.now(), type: 'stream.gap', message });
}
