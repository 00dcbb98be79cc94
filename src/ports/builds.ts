/**
 * What image builds need of this machine: a key for each, a log for each, and the files of disk images. Every call
 * rejects with a `Fault` (`build.*`) and nothing else, but for the log, which never breaks what it tells of.
 */
import type { Tag } from '../domain/ids.js';
import type { DiskImage } from '../domain/pool-config.js';

export interface BuildsPort {
  /** The key pair of one build: made at the first question, and the same from then on, also after a restart. */
  key(build: Tag): Promise<BuildKey>;
  /** Resolves also where there is none. */
  forgetKey(build: Tag): Promise<void>;
  /** The file that the build's log is in. Logs of the same image beyond their retention go when a new one begins. */
  logFile(build: BuildPlace): string;
  log(build: BuildPlace, at: number, text: string): Promise<void>;
  /** The environment that scripts are given: every variable of ours that begins with `NODEPOOL_`. */
  readonly environment: Readonly<Record<string, string>>;
  /** A disk image that somebody else makes: its file as it lies there. */
  look(file: string): Promise<DiskFile>;
  /** The newest file that was made of this disk image, in this format. Null: there is none. */
  newest(diskimage: string, format: string): Promise<MadeFile | null>;
  /** Makes a disk image in all formats, its output in the log; older versions than the one before it go. */
  make(wish: DiskWish, call: { readonly deadlineMs: number; readonly signal: AbortSignal }): Promise<void>;
}

export interface BuildKey {
  /** One line, as in `authorized_keys`. */
  readonly publicKey: string;
  readonly privateKeyFile: string;
}

/** Which build a log is of. */
export interface BuildPlace {
  readonly provider: string;
  readonly image: string;
  readonly version: number;
}

export interface DiskFile {
  readonly file: string;
  readonly bytes: number;
  /** Another one whenever the file is another one. */
  readonly fingerprint: string;
}

export interface MadeFile extends DiskFile {
  /** Epoch seconds when its making began. */
  readonly version: number;
}

export interface DiskWish {
  readonly diskimage: DiskImage;
  readonly version: number;
  /** `qcow2`, `raw`…, each a file beside the others. */
  readonly formats: readonly string[];
}
