/** All timers of a world, so that closing it leaves none behind. */
export class Timers {
  readonly #live = new Set<NodeJS.Timeout>();
  #isClosed = false;

  /** Runs `act` after the delay; the returned function calls it off. */
  after(delayMs: number, act: () => void): () => void {
    if (this.#isClosed) return () => {};
    const timer = setTimeout(() => {
      this.#live.delete(timer);
      act();
    }, delayMs);
    this.#live.add(timer);
    return () => {
      clearTimeout(timer);
      this.#live.delete(timer);
    };
  }

  /** Never resolves once the world is closed: whoever waits has no caller left. */
  wait(delayMs: number): Promise<void> {
    if (delayMs <= 0 && !this.#isClosed) return Promise.resolve();
    return new Promise(resolve => this.after(delayMs, resolve));
  }

  close(): void {
    this.#isClosed = true;
    for (const timer of this.#live) clearTimeout(timer);
    this.#live.clear();
  }
}
