/** What a command needs of the world. `entry.ts` makes the real one, tests make another; a plain object, it is copied. */
import type { ConfigReader } from './configuration.js';
import type { PoolConfig, Provider } from '../domain/pool-config.js';
import type { CloudPort } from '../ports/cloud.js';
import type { StorePort } from '../ports/store.js';
import type { OutsideWorld } from '../ports/world.js';
import type { ExitCode } from './exit-codes.js';

export interface CliContext {
  /** Makes the store of the configuration's database; connects nowhere yet. */
  readonly openStore: (config: PoolConfig) => Promise<StorePort>;
  /** The cloud of a provider, asked from this process; makes no call yet. */
  readonly openCloud: (provider: Provider) => Promise<CloudPort>;
  /** For a look at clouds, masters, publishers and Gearman servers; asks nobody yet. */
  readonly openWorld: () => Promise<OutsideWorld>;
  readonly loadConfig: ConfigReader;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What was asked for: tables, JSON. */
  readonly out: TextSink;
  /** Everything else: errors, remarks, progress. */
  readonly err: TextSink;
  /** Whether `out` is a terminal. */
  readonly isTerminal: boolean;
  /** How big that terminal is now. */
  readonly screenSize: () => { readonly rows: number; readonly columns: number };
  /** How wide `err` is where it is a terminal; null: it is none, and no progress is drawn. */
  readonly progressColumns: () => number | null;
  /** What a program needs that draws on the whole screen and hears keys; null: there is none. */
  readonly terminal: Terminal | null;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Resolves after the time, or at once when the signal aborts. */
  readonly sleep: (ms: number) => Promise<void>;
  /** Aborts when the user interrupts. */
  readonly signal: AbortSignal;
  /** Where a packaged daemon keeps its socket: `/run/nodepool`. */
  readonly runtimeDir: string;
  /** Who we are when we take the database's lock. */
  readonly host: string;
  readonly pid: number;
}

export interface Terminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
}

export interface TextSink {
  write(text: string): unknown;
}

/** One run of a command: the context, and the way to end other than with 0. */
export interface CliSession extends CliContext {
  readonly exit: (code: ExitCode) => void;
}
