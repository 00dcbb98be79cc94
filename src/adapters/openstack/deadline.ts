import { setMaxListeners } from 'node:events';
import type { CallOptions } from '../../ports/cloud.js';
import { Fault } from '../../domain/fault.js';

/**
 * The time one call may take, whatever it consists of: authentication, discovery, all pages. Its signal aborts the HTTP
 * request in hand, and the reason of the abort is the fault that the caller gets.
 */
export class Deadline {
  readonly signal: AbortSignal;
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;
  readonly #outer: AbortSignal | null;
  readonly #onOuterAbort: () => void;

  constructor(what: string, call: CallOptions) {
    this.signal = this.#controller.signal;
    // A call may consist of many requests at once, each of which listens.
    setMaxListeners(0, this.signal);
    this.#timer = setTimeout(() => {
      this.#controller.abort(new Fault('cloud.timeout', `${what}: no answer within ${call.deadlineMs} ms`));
    }, call.deadlineMs);
    this.#outer = call.signal ?? null;
    this.#onOuterAbort = () => {
      this.#controller.abort(new Fault('cloud.timeout', `${what}: no longer wanted by its caller`));
    };
    if (this.#outer?.aborted) this.#onOuterAbort();
    else this.#outer?.addEventListener('abort', this.#onOuterAbort, { once: true });
  }

  /** Waits for something shared with others, no longer than this deadline; the shared thing goes on. */
  async race<T>(shared: Promise<T>): Promise<T> {
    this.throwIfOver();
    let onAbort = (): void => undefined;
    const over = new Promise<never>((_, reject) => {
      onAbort = () => {
        reject(this.reason());
      };
      this.signal.addEventListener('abort', onAbort, { once: true });
    });
    try {
      return await Promise.race([shared, over]);
    } finally {
      this.signal.removeEventListener('abort', onAbort);
    }
  }

  throwIfOver(): void {
    if (this.signal.aborted) throw this.reason();
  }

  reason(): Fault {
    const reason: unknown = this.signal.reason;
    return reason instanceof Fault ? reason : new Fault('cloud.timeout', 'the call ended', { cause: reason });
  }

  /** To be called once the call has settled: frees the timer and the listener. */
  end(): void {
    clearTimeout(this.#timer);
    this.#outer?.removeEventListener('abort', this.#onOuterAbort);
  }
}
