/** Lines for people and machines. Every line about a node names node id and provider (lesson 173). */
export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

export interface LogFields {
  readonly node?: number;
  readonly provider?: string;
  readonly target?: string;
  readonly label?: string;
  readonly image?: string;
  readonly actor?: string;
  /** The original's name of the logger, where the other fields do not tell it: `nodepool.image.build.PROVIDER.IMAGE`. */
  readonly logger?: string;
  /** The stable kind of a fault. */
  readonly fault?: string;
  /** What an operator should do. */
  readonly next?: string;
  readonly error?: unknown;
}
