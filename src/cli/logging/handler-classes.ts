/** Python's classes of handlers and formatters, as far as there is the like of them here. */
import { timedWhens, type SinkPlan, type TimedWhen } from './plan.js';
import type { PythonValue } from './python-literal.js';

/** The arguments of a constructor, by position or by name. */
export class Arguments {
  readonly #positional: readonly PythonValue[];
  readonly #named: ReadonlyMap<string, PythonValue>;

  constructor(positional: readonly PythonValue[], named: ReadonlyMap<string, PythonValue> = new Map()) {
    this.#positional = positional;
    this.#named = named;
  }

  text(position: number, ...names: string[]): string | null {
    const value = this.#value(position, names);
    if (value === null || typeof value === 'string') return value;
    throw new RangeError(`${names[0] ?? ''} is no text`);
  }

  number(position: number, name: string, otherwise: number): number {
    const value = this.#value(position, [name]);
    if (value === null) return otherwise;
    if (typeof value === 'number' && value >= 0) return value;
    throw new RangeError(`${name} is no number`);
  }

  flag(position: number, name: string): boolean {
    return this.#value(position, [name]) === true;
  }

  any(position: number, ...names: string[]): PythonValue {
    return this.#value(position, names);
  }

  #value(position: number, names: readonly string[]): PythonValue {
    for (const name of names) {
      const value = this.#named.get(name);
      if (value !== undefined) return value;
    }
    return this.#positional[position] ?? null;
  }
}

export const knownHandlers =
  'StreamHandler, FileHandler, handlers.WatchedFileHandler, handlers.RotatingFileHandler, ' +
  'handlers.TimedRotatingFileHandler, handlers.SysLogHandler, NullHandler';

/** Null: there is nothing like this class here. Throws a `RangeError` for arguments that cannot be used. */
export function sinkOf(className: string, given: Arguments): SinkPlan | null {
  switch (className.replace(/^(logging\.)?(handlers\.)?/, '')) {
    case 'StreamHandler':
      return { kind: 'stream', to: streamOf(given.any(0, 'stream', 'strm')) };
    case 'FileHandler':
      return { kind: 'file', path: pathOf(given) };
    case 'WatchedFileHandler':
      return { kind: 'watched', path: pathOf(given) };
    case 'RotatingFileHandler': {
      const [maxBytes, backups] = [given.number(2, 'maxBytes', 0), given.number(3, 'backupCount', 0)];
      return { kind: 'rotating', path: pathOf(given), maxBytes, backups };
    }
    case 'TimedRotatingFileHandler':
      return {
        kind: 'timed',
        path: pathOf(given),
        when: whenOf(given.text(1, 'when') ?? 'H'),
        interval: Math.max(1, given.number(2, 'interval', 1)),
        backups: given.number(3, 'backupCount', 0),
        isUtc: given.flag(6, 'utc'),
      };
    case 'SysLogHandler':
      return {
        kind: 'syslog',
        address: addressOf(given.any(0, 'address')),
        facility: facilityOf(given.any(1, 'facility')),
      };
    case 'NullHandler':
      return { kind: 'nowhere' };
    default:
      return null;
  }
}

function pathOf(given: Arguments): string {
  const path = given.text(0, 'filename');
  if (path === null || path === '') throw new RangeError('no file is named');
  return path;
}

function streamOf(value: PythonValue): 'stdout' | 'stderr' {
  const name = typeof value === 'string' ? value : isName(value) ? value.name : 'sys.stderr';
  if (name.endsWith('stdout')) return 'stdout';
  if (name.endsWith('stderr')) return 'stderr';
  throw new RangeError(`${name} is no stream; known are sys.stdout and sys.stderr`);
}

function whenOf(text: string): TimedWhen {
  const found = timedWhens.find(each => each === text.toUpperCase());
  if (found === undefined) throw new RangeError(`${text} is no time to rotate; known are ${timedWhens.join(', ')}`);
  return found;
}

/** Python's default is the UDP port on this machine. */
function addressOf(value: PythonValue): string | { host: string; port: number } {
  if (value === null) return { host: 'localhost', port: 514 };
  if (typeof value === 'string') return value;
  if (Array.isArray(value)) {
    const [host, port] = value as readonly PythonValue[];
    const number = typeof port === 'number' ? port : isName(port ?? null) ? 514 : null;
    if (typeof host === 'string' && number !== null) return { host, port: number };
  }
  throw new RangeError('address is neither a socket nor (HOST, PORT)');
}

const facilities = (
  'kern user mail daemon auth syslog lpr news uucp cron authpriv ftp ntp security console solcron ' +
  'local0 local1 local2 local3 local4 local5 local6 local7'
).split(' ');

function facilityOf(value: PythonValue): number {
  if (value === null) return facilities.indexOf('user');
  if (typeof value === 'number' && value < facilities.length) return value;
  const name = typeof value === 'string' ? value : isName(value) ? value.name : '';
  const facility = facilities.indexOf(name.replace(/^.*LOG_/, '').toLowerCase());
  if (facility < 0)
    throw new RangeError(`${name || JSON.stringify(value)} is no facility; known are ${facilities.join(', ')}`);
  return facility;
}

function isName(value: PythonValue): value is { readonly name: string } {
  return typeof value === 'object' && value !== null && 'name' in value;
}
