/** Measuring by CPU time: on a busy machine time on the wall says nothing. */

export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** CPU seconds of this process from now on. */
export function stopwatch(): () => number {
  const start = cpuMs();
  return () => (cpuMs() - start) / 1_000;
}

const timerMs = 1;

/**
 * A timer of 1 ms set over and over. How late it comes is the CPU time that went by since it was set, less that
 * millisecond. At each time `onTimer` is called, so that something else can be tried then.
 */
export class DelayMeter {
  worstMs = 0;
  fired = 0;
  #setAt = cpuMs();
  #ended: (() => void) | null = null;
  readonly #onTimer: () => void;

  constructor(onTimer: () => void = () => undefined) {
    this.#onTimer = onTimer;
    setTimeout(this.#fire, timerMs);
  }

  readonly #fire = (): void => {
    this.fired++;
    this.worstMs = Math.max(this.worstMs, cpuMs() - this.#setAt - timerMs);
    if (this.#ended) {
      this.#ended();
      return;
    }
    this.#onTimer();
    this.#setAt = cpuMs();
    setTimeout(this.#fire, timerMs);
  };

  /** Resolves when the timer that is set has come: one that was kept waiting by all of the work counts as that late. */
  end(): Promise<void> {
    return new Promise(resolve => (this.#ended = resolve));
  }
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
