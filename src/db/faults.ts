/**
 * Trouble with the database as faults. Away means that the connection or the server failed, or that the server takes no
 * writes for now, and that the same statement may succeed later on another connection; whatever else it says is a refusal.
 */
import { Fault } from '../domain/fault.js';
import { troubleWords } from '../domain/trouble.js';

/** Node's and mysql2's names for a connection that could not be made or was lost. */
const awayCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  'EACCES',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
  'ENOBUFS',
  'EADDRNOTAVAIL',
  'PROTOCOL_CONNECTION_LOST',
  'PROTOCOL_SEQUENCE_TIMEOUT',
  'PROTOCOL_ENQUEUE_AFTER_FATAL_ERROR',
]);

/** MySQL and MariaDB: too many connections, shutting down, killed, or stopped by a deadline of the server. */
const awayErrnos = new Set([
  1040, 1043, 1053, 1077, 1129, 1152, 1158, 1159, 1160, 1161, 1184, 1203, 1205, 1226, 1317, 1927, 1969, 3024, 3169,
  4031,
]);

/**
 * MySQL and MariaDB: read-only, as a server is that somebody fails over from; the disk or a table space is full, a file
 * cannot be written; out of memory, or of threads.
 */
const writelessErrnos = new Set([3, 1021, 1026, 1030, 1037, 1038, 1041, 1114, 1135, 1290, 1792, 1836]);

/**
 * PostgreSQL: connection exceptions, shutting down, cancelled, lock not available; too many connections, out of memory,
 * disk full; an error of input or output; read-only, as a standby is.
 */
const awaySqlState = /^(08...|25006|53...|57014|57P0[1-5]|55P03|58030)$/;

/** The transaction was undone by the server because another one was in its way: it may be repeated as it is. */
const conflictErrnos = new Set([1213]);
const conflictSqlState = /^(40001|40P01)$/;

/** pg gives these no code. */
const awayMessage =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|Connection ended|timeout e|Connection lost|Can't add new command|Timeout acquiring a connection|Query read timeout|The server closed)/;

/** knex's answers after its pool was closed by us. */
const stoppedMessage = /^(aborted|Unable to acquire a connection)$/;

export function toFault(error: unknown): Fault {
  if (error instanceof Fault) return error;
  const trouble = native(error);
  const message =
    trouble.sqlMessage ?? (isConnection(trouble) ? troubleWords(trouble.error) : withoutStatement(trouble.message));
  if (isTableMissing(error)) {
    return new Fault('store.away', 'its tables are not made yet', { cause: error });
  }
  if (stoppedMessage.test(trouble.message)) return new Fault('store.stopped', 'the store is closed', { cause: error });
  return new Fault(isAway(trouble) ? 'store.away' : 'store.refused', message, { cause: error });
}

/** Who asks early finds no table: the control API answers while the first start still makes them. */
export function isTableMissing(error: unknown): boolean {
  const { code, errno } = native(error);
  return errno === 1146 || code === '42P01';
}

/** Whether the server undid the transaction for the sake of another: a deadlock or a serialization failure. */
export function isConflict(error: unknown): boolean {
  const { errno, code } = native(error);
  return (errno !== null && conflictErrnos.has(errno)) || (code !== null && conflictSqlState.test(code));
}

interface Native {
  readonly code: string | null;
  readonly errno: number | null;
  readonly message: string;
  /** The driver's. */
  readonly error: unknown;
  /** mysql2: the server's own words. */
  readonly sqlMessage: string | null;
}

/** Node's own error, which may have no text at all. */
function isConnection({ code }: Native): boolean {
  return code !== null && (awayCodes.has(code) || /^ERR_|CERT|^UNABLE_TO_/.test(code));
}

function isAway({ code, errno, message }: Native): boolean {
  if (code !== null && (awayCodes.has(code) || awaySqlState.test(code))) return true;
  if (errno !== null && (awayErrnos.has(errno) || writelessErrnos.has(errno))) return true;
  return awayMessage.test(withoutStatement(message));
}

/** knex puts the statement before the server's words. */
function withoutStatement(message: string): string {
  return message.replace(/^(select|insert|update|delete|begin|start|commit|rollback|set|create|alter)\b.*? - /is, '');
}

/** Objection wraps the driver's error; what the driver said is inside. */
function native(error: unknown): Native {
  const record: Readonly<Record<string, unknown>> = typeof error === 'object' && error !== null ? { ...error } : {};
  if (record['nativeError'] !== undefined) return native(record['nativeError']);
  const { code, errno, sqlMessage } = record;
  return {
    code: typeof code === 'string' ? code : null,
    errno: typeof errno === 'number' ? errno : null,
    message: error instanceof Error ? error.message : String(error),
    error,
    sqlMessage: typeof sqlMessage === 'string' ? sqlMessage : null,
  };
}
