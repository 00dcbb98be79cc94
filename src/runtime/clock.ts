import { steady } from './steady.js';

/** Time, as the whole program sees it. Tests put a clock of their own in its place and run a week in a second. */
export interface Clock {
  /** Epoch milliseconds. */
  now(): number;
  /** Milliseconds that only go forward, whatever is done to the machine's clock. */
  monotonic(): number;
  /** Calls back once, never earlier than after `delayMs`; the returned function cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

/** Node keeps a delay in 32 bits and fires at once beyond it; a longer one is made of pieces. */
const longestDelayMs = 2 ** 31 - 1;

const machineClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    let cancelled = false;
    let timer: NodeJS.Timeout;
    const arm = (leftMs: number): void => {
      timer = setTimeout(
        () => {
          if (cancelled) return;
          if (leftMs > longestDelayMs) arm(leftMs - longestDelayMs);
          else callback();
        },
        Math.min(Math.max(leftMs, 0), longestDelayMs),
      );
    };
    arm(delayMs);
    return () => {
      cancelled = true;
      clearTimeout(timer);
    };
  },
};

export const systemClock: Clock = steady(machineClock);
