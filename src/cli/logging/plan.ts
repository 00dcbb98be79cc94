/** Where the log goes and how much of it: what a logging file says, whichever way it is written. */

export const logLevels = ['debug', 'info', 'warn', 'error'] as const;
export type LogLevel = (typeof logLevels)[number];

export interface LoggingPlan {
  readonly loggers: readonly LoggerPlan[];
  readonly handlers: readonly HandlerPlan[];
}

/** As in Python's logging: a line goes to the handlers of its logger and of all loggers above it. */
export interface LoggerPlan {
  /** `nodepool.image.build`; empty for the root. */
  readonly name: string;
  /** Null: that of the logger above. */
  readonly level: LogLevel | null;
  readonly handlers: readonly string[];
  /** Whether its lines also go to the handlers of the loggers above. */
  readonly propagates: boolean;
}

export interface HandlerPlan {
  readonly name: string;
  /** Lines below it are left out; null: none is. */
  readonly level: LogLevel | null;
  readonly format: LineFormat;
  readonly sink: SinkPlan;
}

export type LineFormat =
  | { readonly kind: 'json' }
  /** A line for people, with the time of the day. */
  | { readonly kind: 'readable' }
  /** In the words of Python: `%(asctime)s %(levelname)s %(name)s: %(message)s`. */
  | { readonly kind: 'python'; readonly format: string; readonly dateFormat: string | null };

export type SinkPlan =
  | { readonly kind: 'stream'; readonly to: 'stdout' | 'stderr' }
  | { readonly kind: 'file'; readonly path: string }
  /** Opened again by itself when somebody has moved the file away. */
  | { readonly kind: 'watched'; readonly path: string }
  | { readonly kind: 'rotating'; readonly path: string; readonly maxBytes: number; readonly backups: number }
  | {
      readonly kind: 'timed';
      readonly path: string;
      readonly when: TimedWhen;
      readonly interval: number;
      readonly backups: number;
      readonly isUtc: boolean;
    }
  | {
      readonly kind: 'syslog';
      /** A path: the socket of the local syslog. */
      readonly address: string | { readonly host: string; readonly port: number };
      readonly facility: number;
    }
  | { readonly kind: 'nowhere' };

/** `W0` is Monday. */
export const timedWhens = ['S', 'M', 'H', 'D', 'MIDNIGHT', 'W0', 'W1', 'W2', 'W3', 'W4', 'W5', 'W6'] as const;
export type TimedWhen = (typeof timedWhens)[number];

/** Thrown with what is wrong and where, for people. */
export class LoggingFileError extends Error {
  override readonly name = 'LoggingFileError';
  readonly line: number;

  constructor(line: number, message: string) {
    super(message);
    this.line = line;
  }
}

/** Without a file: everything from `info` up to one place. */
export function planOfOne(format: LineFormat, level: LogLevel = 'info'): LoggingPlan {
  return {
    loggers: [{ name: '', level, handlers: ['all'], propagates: true }],
    handlers: [{ name: 'all', level: null, format, sink: { kind: 'stream', to: 'stderr' } }],
  };
}

/** Python's names of levels. Null: NOTSET, or none given. */
export function pythonLevel(name: string | null, line: number): LogLevel | null {
  switch (name?.toUpperCase() ?? '') {
    case '':
    case 'NOTSET':
      return null;
    case 'DEBUG':
      return 'debug';
    case 'INFO':
      return 'info';
    case 'WARN':
    case 'WARNING':
      return 'warn';
    case 'ERROR':
    case 'CRITICAL':
    case 'FATAL':
      return 'error';
    default:
      throw new LoggingFileError(line, `${name} is no level; known are DEBUG, INFO, WARNING, ERROR, CRITICAL`);
  }
}
