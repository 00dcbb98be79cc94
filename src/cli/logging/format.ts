/** Lines of the log as text: in the words of Python's `logging.Formatter`, or for people at a terminal. */
import type { LogFields } from '../../ports/log.js';
import { plainText } from '../plain-text.js';
import type { LogLevel } from './plan.js';

export interface LogRecord {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly level: LogLevel;
  readonly logger: string;
  readonly message: string;
  readonly fields: LogFields;
}

const pythonNames: Readonly<Record<LogLevel, readonly [name: string, number: number]>> = {
  debug: ['DEBUG', 10],
  info: ['INFO', 20],
  warn: ['WARNING', 30],
  error: ['ERROR', 40],
};

/** What a field of the format shows. What has no like here (a line of source, a thread) shows the nearest that has. */
const pythonFields: Readonly<Record<string, (record: LogRecord, dateFormat: string | null) => string | number>> = {
  asctime: ({ at }, dateFormat) => (dateFormat === null ? pythonTime(at) : strftime(dateFormat, new Date(at))),
  created: ({ at }) => at / 1000,
  filename: lastOfLogger,
  funcName: lastOfLogger,
  levelname: ({ level }) => pythonNames[level][0],
  levelno: ({ level }) => pythonNames[level][1],
  lineno: () => 0,
  message: textOf,
  module: lastOfLogger,
  msecs: ({ at }) => at % 1000,
  name: ({ logger }) => logger,
  pathname: ({ logger }) => logger,
  process: () => process.pid,
  processName: () => 'nodepoold',
  relativeCreated: ({ at }) => Math.max(0, at - startedAt),
  thread: () => 0,
  threadName: ({ fields }) => fields.actor ?? 'MainThread',
};

const startedAt = Date.now() - Math.round(process.uptime() * 1000);
const fieldPattern = /%(?:%|\((\w+)\)([-0 +#]*)(\d*)(?:\.(\d+))?([sdfirx]))/g;

/** What is wrong with a format; null: nothing. */
export function formatProblem(format: string): string | null {
  const rest = format.replace(fieldPattern, (whole, name?: string) =>
    name === undefined || Object.hasOwn(pythonFields, name) ? '' : whole,
  );
  const [unknown] = /%\(?\w*\)?\S?/.exec(rest) ?? [];
  return unknown === undefined ? null : `${unknown} is no field of a log line`;
}

export function pythonLine(record: LogRecord, format: string, dateFormat: string | null): string {
  const line = format.replace(
    fieldPattern,
    (whole, name?: string, flags: string = '', width: string = '', precision?: string, type: string = 's') => {
      if (name === undefined) return '%';
      const value = pythonFields[name]?.(record, dateFormat);
      return value === undefined ? whole : padded(value, { flags, width: Number(width), precision, type });
    },
  );
  return `${line}${stackOf(record)}\n`;
}

/** `08:30:00 WARN message node=17 provider=rax-ord`. */
export function readableLine(record: LogRecord): string {
  const time = new Date(record.at).toISOString().slice(11, 19);
  return `${time} ${record.level.toUpperCase().padEnd(5)} ${textOf(record)}${stackOf(record)}\n`;
}

/** The message, and the fields that it does not say (lesson 173). */
function textOf({ message, fields }: LogRecord): string {
  const named = Object.entries(fields).flatMap(([name, value]) =>
    name === 'error' || name === 'logger' ? [] : `${name}=${valueText(value)}`,
  );
  return plainText([message, ...named].join(' '));
}

function valueText(value: unknown): string {
  return typeof value === 'string' && /^[^\s"=]+$/.test(value) ? value : JSON.stringify(value);
}

function stackOf({ fields: { error } }: LogRecord): string {
  if (error === undefined) return '';
  return `\n${error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(error)}`;
}

function lastOfLogger({ logger }: LogRecord): string {
  return logger.slice(logger.lastIndexOf('.') + 1);
}

interface Padding {
  readonly flags: string;
  readonly width: number;
  readonly precision: string | undefined;
  readonly type: string;
}

function padded(value: string | number, { flags, width, precision, type }: Padding): string {
  const number = typeof value === 'number' && type !== 's' && type !== 'r';
  const digits = number && type === 'f' ? value.toFixed(precision === undefined ? 6 : Number(precision)) : null;
  const text = digits ?? (number ? String(Math.trunc(value)) : String(value));
  if (flags.includes('-')) return text.padEnd(width);
  return text.padStart(width, number && flags.includes('0') ? '0' : ' ');
}

/** `2014-06-30 12:34:56,789`, in local time. */
function pythonTime(at: number): string {
  const date = new Date(at);
  return `${strftime('%Y-%m-%d %H:%M:%S', date)},${String(date.getMilliseconds()).padStart(3, '0')}`;
}

const days = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const months = 'January February March April May June July August September October November December'.split(' ');

/** C's strftime, local time, in English: the letters that logs use. */
export function strftime(format: string, date: Date, isUtc = false): string {
  const shifted = isUtc ? date : new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const [day, month, hour] = [shifted.getUTCDay(), shifted.getUTCMonth(), shifted.getUTCHours()];
  const offset = isUtc ? 0 : -date.getTimezoneOffset();
  const letters: Readonly<Record<string, string>> = {
    Y: String(shifted.getUTCFullYear()),
    y: two(shifted.getUTCFullYear() % 100),
    m: two(month + 1),
    d: two(shifted.getUTCDate()),
    H: two(hour),
    I: two(hour % 12 === 0 ? 12 : hour % 12),
    p: hour < 12 ? 'AM' : 'PM',
    M: two(shifted.getUTCMinutes()),
    S: two(shifted.getUTCSeconds()),
    A: days[day] ?? '',
    a: (days[day] ?? '').slice(0, 3),
    B: months[month] ?? '',
    b: (months[month] ?? '').slice(0, 3),
    z: `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}${two(Math.abs(offset) % 60)}`,
    Z: isUtc ? 'UTC' : '',
    '%': '%',
  };
  return format.replace(/%([A-Za-z%])/g, (whole, letter: string) => letters[letter] ?? whole);
}
