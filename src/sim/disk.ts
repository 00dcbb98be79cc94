export interface DiskFile {
  readonly content: Buffer;
  readonly mode: number;
}

/** The files of a machine. A path that does not begin with a slash is below the home of whoever logs in. */
export class Disk {
  readonly #files: Map<string, DiskFile>;

  constructor(files: Iterable<readonly [string, DiskFile]> = []) {
    this.#files = new Map(files);
  }

  /** What an image keeps of a machine, and what a machine gets of an image. */
  copy(): Disk {
    return new Disk(this.#files);
  }

  read(path: string): DiskFile | null {
    return this.#files.get(path) ?? null;
  }

  write(path: string, file: DiskFile): void {
    this.#files.set(path, file);
  }

  /** The names below a directory. */
  list(directory: string): string[] {
    return this.#below(directory).map(path => path.slice(directory.length + 1));
  }

  remove(directory: string): void {
    for (const path of this.#below(directory)) this.#files.delete(path);
  }

  move(from: string, to: string): void {
    for (const path of this.#below(from)) {
      const file = this.#files.get(path);
      this.#files.delete(path);
      if (file) this.#files.set(`${to}${path.slice(from.length)}`, file);
    }
  }

  #below(directory: string): string[] {
    return [...this.#files.keys()].filter(path => path === directory || path.startsWith(`${directory}/`));
  }
}
