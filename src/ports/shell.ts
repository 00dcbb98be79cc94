/** SSH to a machine. Every call rejects with a `Fault` (`ssh.*`) and nothing else. */

export interface ShellPort {
  /**
   * Connects, again and again until the deadline, and runs `echo access okay` (reference 8, step 8). Every error of the
   * connection is tried again (lesson 123), refused authentication too (lesson 122). Over the connection that is let in
   * the files are written, one try for all of them.
   */
  check(
    login: ShellLogin,
    call: { readonly deadlineMs: number; readonly signal?: AbortSignal; readonly files?: readonly ShellFile[] },
  ): Promise<ShellCheck>;
  /**
   * One connection: copies files and directories, then runs the command. The login is retried like that of `check`; the
   * command never is, and resolves however it ends. Its output goes to the log file as it comes.
   */
  work(
    login: ShellLogin,
    job: ShellJob,
    call: { readonly loginDeadlineMs: number; readonly deadlineMs: number; readonly signal?: AbortSignal },
  ): Promise<ShellResult>;
  close(): Promise<void>;
}

export interface ShellLogin {
  readonly host: string;
  readonly port: number;
  readonly username: string;
  readonly privateKeyFile: string;
  /** `TYPE BASE64` recorded earlier in the machine's life; null accepts any. */
  readonly hostKey: string | null;
}

export interface ShellCheck {
  /** `TYPE BASE64`. */
  readonly hostKey: string;
  readonly attempts: number;
  /** Why not all of the files could be written; null: they are there. */
  readonly notWritten: string | null;
}

export interface ShellJob {
  readonly files: readonly ShellFile[];
  /** Its regular files are copied; directories in it are not. `remote` is below the login's home. */
  readonly directory: { readonly local: string; readonly remote: string } | null;
  readonly command: string | null;
  /** Here the output is appended, up to a limit. */
  readonly logFile: string | null;
}

export interface ShellFile {
  readonly path: string;
  readonly content: string | Uint8Array;
  readonly mode: number;
}

export interface ShellResult {
  /** `TYPE BASE64`. */
  readonly hostKey: string;
  /** Null: a signal ended it. */
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The last of what it wrote, stdout and stderr as they came. */
  readonly output: string;
  readonly droppedBytes: number;
}

/** The shell of one provider's machines, in that provider's worker threads. */
export type OpenShell = (providerName: string) => ShellPort;
