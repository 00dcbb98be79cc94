import { STATUS_CODES } from 'node:http';

/** What the control API answers with, and what its client throws, when a request could not be served. */
export class ControlError extends Error {
  override readonly name = 'ControlError';
  /** HTTP status of the answer. */
  readonly status: number;
  /** What an operator should do. */
  readonly next: string | null;

  constructor(message: string, options: { status?: number; next?: string | null; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.status = options.status ?? 500;
    this.next = options.next ?? null;
  }
}

/** JSON of every answer that is an error: problem details of RFC 9457, and what to do next. */
export interface Problem {
  readonly type: 'about:blank';
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly next?: string;
}

export function problem(status: number, detail: string, next: string | null): Problem {
  const title = STATUS_CODES[status] ?? 'Error';
  return { type: 'about:blank', title, status, detail, ...(next === null ? {} : { next }) };
}
