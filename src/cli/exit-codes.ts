/** What the exit codes mean; scripts rely on them (DESIGN 5). */
export const exitCodes = {
  done: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  /** Refused in this state. */
  refused: 4,
  unreachable: 5,
  /** Invalid configuration, or findings of a check. */
  invalid: 6,
  /** `plan --exit-code`: something would change. */
  changes: 7,
  timedOut: 8,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];
