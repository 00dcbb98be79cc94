/**
 * What ends when a process is killed. A call that is under way reaches the world all the same; its answer reaches
 * nobody, and nothing that the dead process still wants to do is heard.
 */
import type { Clock } from '../../src/runtime/clock.js';

export class Mortal {
  isDead = false;
  /** Told before each call leaves the process, and before each answer comes back: it may be killed right there. */
  readonly #crossing: (what: string) => void;
  readonly #cancels = new Set<() => void>();

  constructor(crossing: (what: string) => void = () => undefined) {
    this.#crossing = crossing;
  }

  kill(): void {
    this.isDead = true;
    for (const cancel of this.#cancels) cancel();
    this.#cancels.clear();
  }

  /** The process's view of the clock: its timers die with it. */
  clock(world: Clock): Clock {
    return {
      now: () => world.now(),
      monotonic: () => world.monotonic(),
      after: (delayMs, callback) => {
        if (this.isDead) return () => undefined;
        const cancelClock = world.after(delayMs, () => {
          this.#cancels.delete(cancel);
          callback();
        });
        const cancel = (): void => {
          this.#cancels.delete(cancel);
          cancelClock();
        };
        this.#cancels.add(cancel);
        return cancel;
      },
    };
  }

  /** The process's way to a part of the world. `own` replaces what is the process's and not the world's. */
  way<T extends object>(port: T, own: Partial<T> = {}): T {
    return new Proxy(port, {
      get: (target, key) => {
        const value: unknown = Reflect.get(key in own ? own : target, key, key in own ? own : target);
        if (typeof value === 'function') {
          return (...args: unknown[]) => this.#answer(String(key), () => Reflect.apply(value, target, args));
        }
        return typeof value === 'object' && value !== null ? this.way(value) : value;
      },
    });
  }

  #answer(name: string, call: () => unknown): unknown {
    if (!this.#passes(name)) return new Promise(() => undefined);
    const answer = call();
    if (!(answer instanceof Promise)) return answer;
    return new Promise((resolve, reject) => {
      answer.then(
        value => {
          if (this.#passes(`${name} answered`)) resolve(isPort(value) ? this.way(value) : value);
        },
        (error: Error) => {
          if (this.#passes(`${name} failed`)) reject(error);
        },
      );
    });
  }

  #passes(what: string): boolean {
    if (!this.isDead) this.#crossing(what);
    return !this.isDead;
  }
}

/** An answer with calls of its own, such as a slot. */
function isPort(value: unknown): value is object {
  return (
    typeof value === 'object' && value !== null && Object.values(value).some(member => typeof member === 'function')
  );
}
