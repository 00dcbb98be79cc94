/**
 * What a command that waits says of it on standard error: on a terminal one line that is drawn over and taken away at
 * the end, elsewhere nothing, so that a log of a script does not fill with it.
 */
import type { CliContext } from './context.js';
import { plainText } from './plain-text.js';

/** Back to the left, and what stood there is gone. */
const clearLine = '\r\u001b[K';

export class ProgressLine {
  readonly #context: CliContext;
  #isShown = false;

  constructor(context: CliContext) {
    this.#context = context;
  }

  /** A line longer than the terminal would wrap, and could not be drawn over. */
  show(text: string): void {
    const columns = this.#context.progressColumns();
    if (columns === null) return;
    this.#context.err.write(`${clearLine}${plainText(text).slice(0, columns - 1)}`);
    this.#isShown = true;
  }

  clear(): void {
    if (this.#isShown) this.#context.err.write(clearLine);
    this.#isShown = false;
  }
}

/** Does the work, and takes the line away whatever becomes of it. */
export async function withProgress<Result>(
  context: CliContext,
  work: (line: ProgressLine) => Promise<Result>,
): Promise<Result> {
  const line = new ProgressLine(context);
  try {
    return await work(line);
  } finally {
    line.clear();
  }
}

const barWidth = 20;

/** `[########------------]`: how much of something is done, from 0 to 1. */
export function bar(fraction: number, width = barWidth): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return `[${'#'.repeat(full)}${'-'.repeat(width - full)}]`;
}
