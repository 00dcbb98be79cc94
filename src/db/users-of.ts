/**
 * The processes that use one thing on this machine, each by a mark of its own in a directory. The mark of a process that
 * was killed counts for nothing.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAlive, processMark } from './process-mark.js';

export class UsersOf {
  readonly #dir: string;
  readonly #ownMark: string;

  constructor(dir: string) {
    this.#dir = dir;
    this.#ownMark = fileName(processMark(process.pid));
  }

  enter(): void {
    mkdirSync(this.#dir, { recursive: true, mode: 0o700 });
    writeFileSync(join(this.#dir, this.#ownMark), '');
  }

  leave(): void {
    rmSync(join(this.#dir, this.#ownMark), { force: true });
  }

  /** The pids of the others that live; the marks of those that do not are removed. */
  others(): readonly number[] {
    const pids: number[] = [];
    for (const name of this.#marks()) {
      const mark = name.replace('-', ' ');
      if (name === this.#ownMark) continue;
      if (isAlive(mark)) pids.push(Number(mark.split(' ')[0]));
      else rmSync(join(this.#dir, name), { force: true });
    }
    return pids;
  }

  #marks(): readonly string[] {
    try {
      return readdirSync(this.#dir);
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
      throw error;
    }
  }
}

function fileName(mark: string): string {
  return mark.replace(' ', '-');
}
