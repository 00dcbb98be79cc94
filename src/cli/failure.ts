/** How a command fails: what is said on stderr, and the exit code. */
import { CommanderError, InvalidArgumentError } from 'commander';
import { problemText, type Problem } from '../config/problem.js';
import { Fault } from '../domain/fault.js';
import { adviceIn, troubleWords } from '../domain/trouble.js';
import { DaemonUnreachable } from '../http/client.js';
import { ControlError } from '../http/control-error.js';
import { exitCodes, type ExitCode } from './exit-codes.js';

export class CliFailure extends Error {
  override readonly name = 'CliFailure';
  readonly code: ExitCode;
  /** What the user should do. */
  readonly next: string | null;

  constructor(code: ExitCode, message: string, options: { next?: string | null; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.next = options.next ?? null;
  }
}

/** The configuration cannot be used; its problems say where and why. */
export class InvalidConfiguration extends Error {
  override readonly name = 'InvalidConfiguration';

  constructor(problems: readonly Problem[]) {
    super(problems.map(problemText).join('\n'));
  }
}

export interface FailureReport {
  readonly code: ExitCode;
  /** Lines for stderr; empty where it is said already. */
  readonly text: string;
}

/** What is said and answered for whatever a command threw. */
export function reportFailure(error: unknown, isDebug: boolean, program = 'nodepool'): FailureReport {
  // Thrown by an action: commander says it only where its own parsing found it.
  if (error instanceof InvalidArgumentError)
    return { code: exitCodes.usage, text: `error: ${error.message}\n(add --help for how it is used)\n` };
  if (error instanceof CommanderError)
    return { code: error.exitCode === 0 ? exitCodes.done : exitCodes.usage, text: '' };
  if (error instanceof InvalidConfiguration) {
    const next = 'the configuration cannot be used; correct it, or name another one with -c FILE';
    return { code: exitCodes.invalid, text: `${error.message}\n${program}: ${next}\n` };
  }
  const detail = isDebug && error instanceof Error ? `${error.stack ?? ''}\n${causes(error)}` : '';
  const { code, message, next } = readFailure(error);
  const advice = next === null ? '' : `; ${next}`;
  return { code, text: `${program}: ${message}${advice}\n${detail}` };
}

function readFailure(error: unknown): { code: ExitCode; message: string; next: string | null } {
  if (error instanceof CliFailure) return error;
  if (error instanceof DaemonUnreachable)
    return { code: exitCodes.unreachable, message: error.message, next: error.next };
  if (error instanceof ControlError)
    return { code: codeOfStatus(error.status), message: error.message, next: error.next };
  if (error instanceof Fault) return { code: exitCodes.failed, message: error.message, next: error.next };
  const advice = adviceFor(error);
  if (advice !== null) return { code: exitCodes.failed, message: (error as Error).message, next: advice };
  // Anything else is a bug of ours: its stack is what a report needs.
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { code: exitCodes.failed, message: `this is a bug: ${text}`, next: null };
}

/** What the operating system refuses is no bug of ours: its message names the place. */
export function adviceFor(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  switch (error.code) {
    case 'EACCES':
    case 'EPERM':
      return 'run it as a user who may, or give this one the right';
    case 'EROFS':
      return 'mount that file system writable, or name another place';
    case 'ENOENT':
      return 'make it, or correct its name';
    case 'EEXIST':
    case 'ENOTDIR':
    case 'EISDIR':
      return 'move away what is there, or name another place';
    case 'EADDRINUSE':
      return 'stop the program that listens there, or choose another address';
    case 'EADDRNOTAVAIL':
      return 'name an address of this machine';
    default:
      return adviceIn(troubleWords(error));
  }
}

function codeOfStatus(status: number): ExitCode {
  switch (status) {
    case 400:
      return exitCodes.usage;
    case 404:
      return exitCodes.notFound;
    case 409:
      return exitCodes.refused;
    default:
      return exitCodes.failed;
  }
}

function causes(error: Error): string {
  return error.cause instanceof Error
    ? `caused by ${error.cause.stack ?? error.cause.message}\n${causes(error.cause)}`
    : '';
}
