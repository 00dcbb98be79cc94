/** How many requests are answered: a bucket that fills by itself. A page and a scraper together need a few a second. */
export class Allowance {
  readonly #perSecond: number;
  readonly #most: number;
  readonly #now: () => number;
  #left: number;
  #at: number;

  /** `most` at once, `perSecond` in the long run; `now` in milliseconds of a clock that only goes forward. */
  constructor({ perSecond, most, now }: { perSecond: number; most: number; now: () => number }) {
    this.#perSecond = perSecond;
    this.#most = most;
    this.#now = now;
    this.#left = most;
    this.#at = now();
  }

  /** False: this request is one too many. */
  take(): boolean {
    const now = this.#now();
    this.#left = Math.min(this.#most, this.#left + ((now - this.#at) / 1000) * this.#perSecond);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
