/** What the parts of the store have in common. */

/** Takes the few lines that knex and the store have for the log. */
export type Log = (line: string) => void;

export const deadlines = {
  /** A statement, its wait for locks included. */
  statementMs: 20_000,
  /** How much longer than its own deadline a server may take to say that it passed. */
  answerMs: 2_000,
  /** A connection being made; a loaded PostgreSQL takes seconds. */
  connectMs: 20_000,
  /** A connection being closed politely. */
  disconnectMs: 2_000,
  /** A migration: an ALTER waits for every statement of others on the table. */
  migrationMs: 600_000,
  /** Between two signs of life on the connection that holds the lock. */
  keepaliveMs: 30_000,
} as const;

/** Connections that everything without a slot shares. */
export const sharedConnections = 4;
/** Slots being opened at once: PostgreSQL starts a process for each (measured: 300 at once run into time-outs). */
export const slotsOpeningMax = 20;
