import { CronPattern } from 'croner';
import { parseDburi } from '../domain/dburi.js';
import { TemplateError, templateFields } from '../domain/template.js';

/** What is wrong with a value, for people; null when nothing is. */
export interface Complaint {
  readonly message: string;
  readonly suggestion: string | null;
}
export type Check = (value: string) => Complaint | null;

const complain = (message: string, suggestion: string | null = null): Complaint => ({ message, suggestion });

/**
 * The five fields of cron(5), or six with the seconds last as in 0.3. Sunday is 0 and 7, as in cron(5): the original's
 * scheduler began the week with Monday as 0, which no manual said.
 */
export const cronExpression: Check = value => {
  const fields = value.trim().split(/\s+/);
  if (fields.length !== 5 && fields.length !== 6) {
    return complain(`a cron expression has five fields, or six with the seconds last; this has ${fields.length}`);
  }
  try {
    new CronPattern(cronerOrder(value));
    return null;
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^CronPattern: /, '') : String(error);
    return complain(`not a cron expression: ${reason}`);
  }
};

/** croner reads a sixth field as seconds too, but first. */
export function cronerOrder(value: string): string {
  const fields = value.trim().split(/\s+/);
  const seconds = fields[5];
  return seconds === undefined ? fields.join(' ') : [seconds, ...fields.slice(0, 5)].join(' ');
}

/** A template of a name that has these fields and no others. */
export const templateOf =
  (known: readonly string[]): Check =>
  value => {
    if (value.trim() === '') return complain('the template is empty');
    try {
      const unknown = templateFields(value).find(field => !known.includes(field));
      if (unknown === undefined) return null;
      return complain(`the template has an unknown field {${unknown}}`, braced(nearest(unknown, known)));
    } catch (error) {
      if (error instanceof TemplateError) return complain(error.message);
      throw error;
    }
  };

/** Nova takes 65,535 characters of base64. */
const USER_DATA_BYTES_MAX = Math.floor(65_535 / 4) * 3;

export const userData: Check = value => {
  const bytes = new TextEncoder().encode(value).length;
  return bytes <= USER_DATA_BYTES_MAX ? null : complain(`${bytes} bytes; Nova takes at most ${USER_DATA_BYTES_MAX}`);
};

export const zmqEndpoint: Check = value =>
  /^(tcp:\/\/[^\s:/]+|tcp:\/\/\[[0-9a-fA-F:.]+\]):\d+$/.test(value) && portIsValid(value)
    ? null
    : /^(ipc|inproc):\/\/\S+$/.test(value)
      ? null
      : complain('a ZeroMQ endpoint looks like tcp://HOST:PORT', tcpSuggestion(value));

export const loopbackHostPort: Check = value => {
  const host = /^(.*):\d+$/.exec(value)?.[1];
  if (host === undefined || !portIsValid(value)) return complain('wanted HOST:PORT, with a port of 0 to 65535');
  return isLoopback(host) ? null : complain('the control API listens on loopback only', `127.0.0.1${portOf(value)}`);
};

export const loopbackHost: Check = value =>
  isLoopback(value) ? null : complain('the control API listens on loopback only', '127.0.0.1');

/** Never repeats the URI: it holds a password. */
export const databaseUri: Check = value => {
  if (value === 'embedded:') return null;
  const scheme = /^([A-Za-z][\w+.-]*):/.exec(value)?.[1];
  if (scheme === undefined)
    return complain('a database URI begins with a scheme, as in mysql://USER:PASSWORD@HOST/NAME');
  if (!/^(mysql|mariadb|postgres|postgresql)(\+\w+)?$/.test(scheme)) {
    const known = ['mysql', 'mysql+pymysql', 'mariadb', 'postgresql', 'postgresql+psycopg2', 'embedded'];
    return complain(`unknown database ${scheme}: known are ${known.join(', ')}`, nearest(scheme, known));
  }
  if (!/^[^:]+:\/\/[^/]*\/[^/?]+/.test(value)) {
    return complain('the database URI names no database: SCHEME://USER@HOST/NAME');
  }
  try {
    parseDburi(value);
    return null;
  } catch (error) {
    return complain(error instanceof Error ? error.message : String(error));
  }
};

export const httpUrl: Check = value => {
  // The original's in-memory fake; here such a file can be rehearsed.
  if (value === 'fake') return null;
  return URL.canParse(value) && /^https?:$/.test(new URL(value).protocol)
    ? null
    : complain(
        'wanted an http:// or https:// address',
        /^[\w.-]+(:\d+)?(\/|$)/.test(value) ? `https://${value}` : null,
      );
};

export const hostName: Check = value =>
  /^[^\s:/]+$/.test(value) || /^[0-9a-fA-F:]+$/.test(value)
    ? null
    : complain('wanted a host name or address alone; the port has its own key', hostAlone(value));

export const nonEmpty: Check = value => (value.trim() === '' ? complain('must not be empty') : null);

/**
 * The candidate that was probably meant, or null: at most a third of the letters differ, or one contains the other.
 * Ties go to the first.
 */
export function nearest(word: string, candidates: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(1, Math.ceil(word.length / 3)) + 1;
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase(), bestDistance);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** Longer words are not compared: nobody mistypes a key of that length, and the work grows with its square. */
const COMPARED_LENGTH_MAX = 100;

/** Letters inserted, removed, changed or swapped with their neighbour; `limit` and more are all `limit`. */
function editDistance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit || a.length > COMPARED_LENGTH_MAX) return limit;
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (let row = 1; row <= a.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const isSame = a[row - 1] === b[column - 1];
      let cost = Math.min(
        (last[column] ?? limit) + 1,
        (current[column - 1] ?? limit) + 1,
        (last[column - 1] ?? limit) + (isSame ? 0 : 1),
      );
      if (row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1]) {
        cost = Math.min(cost, (beforeLast[column - 2] ?? limit) + 1);
      }
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return Math.min(last[b.length] ?? limit, limit);
}

const braced = (field: string | null): string | null => (field === null ? null : `{${field}}`);
const isLoopback = (host: string): boolean => /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/.test(host);
const portOf = (value: string): string => /:\d+$/.exec(value)?.[0] ?? '';
const portIsValid = (value: string): boolean => Number(portOf(value).slice(1)) <= 65_535;
const tcpSuggestion = (value: string): string | null => (/^[\w.-]+:\d+$/.test(value) ? `tcp://${value}` : null);
const hostAlone = (value: string): string | null => /^(?:\w+:\/\/)?([\w.-]+)(?::\d+)?\/?$/.exec(value)?.[1] ?? null;
