/** The last bytes of an output of any length. */
export class Tail {
  readonly #limit: number;
  readonly #chunks: Buffer[] = [];
  #bytes = 0;
  droppedBytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
    while (this.#bytes > this.#limit) {
      const [first] = this.#chunks;
      if (!first) return;
      const over = Math.min(first.length, this.#bytes - this.#limit);
      if (over === first.length) this.#chunks.shift();
      // A copy, so that the rest of a large chunk is not kept alive by it.
      else this.#chunks[0] = Buffer.from(first.subarray(over));
      this.#bytes -= over;
      this.droppedBytes += over;
    }
  }

  /** As text; a terminal ends its lines with CR LF. */
  text(): string {
    return Buffer.concat(this.#chunks).toString('utf8').replaceAll('\r\n', '\n');
  }
}
