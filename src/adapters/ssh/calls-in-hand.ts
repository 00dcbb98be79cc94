/** The calls that are made now, each with a signal that its caller or the close of the port aborts. */
export class CallsInHand {
  readonly #calls = new Map<AbortController, Promise<unknown>>();
  #isEnded = false;

  async run<T>(callerSignal: AbortSignal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const stop = new AbortController();
    const onAbort = (): void => {
      stop.abort();
    };
    if (this.#isEnded || callerSignal?.aborted === true) onAbort();
    callerSignal?.addEventListener('abort', onAbort, { once: true });
    const running = work(stop.signal).finally(() => {
      callerSignal?.removeEventListener('abort', onAbort);
      this.#calls.delete(stop);
    });
    this.#calls.set(stop, running);
    return running;
  }

  /** Those in hand are called off, and then waited for: what they work on is to be begun again in any case. */
  async end(): Promise<void> {
    this.#isEnded = true;
    for (const stop of this.#calls.keys()) stop.abort();
    await Promise.allSettled(this.#calls.values());
  }
}
