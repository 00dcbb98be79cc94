import type { QueueFunction, QueueStatus } from '../../ports/demand.js';

/** A big Zuul has some thousand functions of less than 200 bytes each. */
const answerBytesMax = 16 * 1024 * 1024;
/** Enough to see what is wrong. */
const malformedMax = 100;
const malformedCharsMax = 200;

export type ReadOutcome = 'more' | 'done' | { readonly wrong: string };

/** Collects the lines of one answer, in whatever pieces they arrive. */
export class StatusReader {
  readonly #functions: QueueFunction[] = [];
  readonly #malformed: string[] = [];
  #rest: Buffer[] = [];
  #bytes = 0;
  #lines = 0;

  read(chunk: Buffer): ReadOutcome {
    this.#bytes += chunk.length;
    if (this.#bytes > answerBytesMax) return { wrong: `the answer is longer than ${answerBytesMax} bytes` };
    let start = 0;
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, start)) {
      const outcome = this.#line(this.#takeLine(chunk.subarray(start, at)));
      if (outcome !== 'more') return outcome;
      start = at + 1;
    }
    if (start < chunk.length) this.#rest.push(chunk.subarray(start));
    return 'more';
  }

  hasBytes(): boolean {
    return this.#bytes > 0;
  }

  status(): QueueStatus {
    return { functions: this.#functions, malformed: this.#malformed };
  }

  #takeLine(tail: Buffer): string {
    const line = Buffer.concat([...this.#rest, tail]).toString('utf8');
    this.#rest = [];
    return line.endsWith('\r') ? line.slice(0, -1) : line;
  }

  #line(line: string): ReadOutcome {
    this.#lines += 1;
    if (line === '.') return 'done';
    if (this.#lines === 1 && /^(ERR|HTTP\/|SSH-)/.test(line) && !line.includes('\t')) {
      return { wrong: `this is no Gearman server, it says: ${line.slice(0, malformedCharsMax)}` };
    }
    const row = parseFunction(line);
    if (row !== null) this.#functions.push(row);
    else if (this.#malformed.length < malformedMax) this.#malformed.push(line.slice(0, malformedCharsMax));
    return 'more';
  }
}

/** `NAME TAB TOTAL TAB RUNNING TAB WORKERS`. A name may hold spaces, which is why only tabs count (lesson 47). */
function parseFunction(line: string): QueueFunction | null {
  const [name, ...numbers] = line.split('\t');
  const [total, running, workers] = numbers.map(text => (/^\d{1,15}$/.test(text) ? Number(text) : null));
  if (name === undefined || name === '' || numbers.length !== 3) return null;
  if (total == null || running == null || workers == null) return null;
  return { name, total, running, workers };
}
