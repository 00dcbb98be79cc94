/** What happened in a run, point by point; its sum alone is enough to tell whether two runs were the same. */
export class Trace {
  /** Points so far. */
  length = 0;
  /** The last of them; all of them where the whole is kept. */
  readonly lines: string[] = [];
  readonly #isWhole: boolean;
  /** FNV-1a over all lines. */
  #sum = 0x811c9dc5;

  constructor(isWhole: boolean) {
    this.#isWhole = isWhole;
  }

  add(line: string): void {
    this.length++;
    for (let at = 0; at < line.length; at++) this.#sum = Math.imul(this.#sum ^ line.charCodeAt(at), 0x01000193);
    this.lines.push(line);
    if (!this.#isWhole && this.lines.length > 2 * lastLines) this.lines.splice(0, lastLines);
  }

  get sum(): string {
    return (this.#sum >>> 0).toString(16).padStart(8, '0');
  }
}

const lastLines = 40;
