import { loadConfig } from '../config/load.js';
import { dataText } from './data-text.js';
import { problemText } from '../config/problem.js';
import type { Problem } from '../config/problem.js';

/** Invalid configuration: refused as a whole, or with references that lead nowhere. */
const EXIT_INVALID = 6;

const unreadAdvice = 'name the file with -c FILE, the one of the secrets with -s FILE, and let this user read them';

export interface ConfigValidateOptions {
  readonly file: string;
  /** Undefined: the usual one if it is there; null: none. */
  readonly secureFile?: string | null;
  readonly output: 'table' | 'wide' | 'json' | 'yaml' | 'name';
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/**
 * Checks a configuration offline and gives the exit code. Errors go to stderr, one a line, or to stdout as JSON or YAML;
 * warnings go to stderr in either case and change nothing.
 */
export function runConfigValidate({ file, secureFile, output, env, out, err }: ConfigValidateOptions): number {
  const { problems } = loadConfig({ file, secureFile, env, needsDatabase: true });
  const errors = problems.filter(problem => problem.severity === 'error');
  const data = output === 'json' || output === 'yaml' ? output : null;
  for (const problem of problems) {
    if (data === null || problem.severity === 'warning') err(`${problemText(problem)}\n`);
  }
  if (data === null && errors.some(({ line }) => line === null)) err(`nodepool: ${unreadAdvice}\n`);
  if (data !== null) out(dataText(data, errors.map(dataOf)));
  return errors.length === 0 ? 0 : EXIT_INVALID;
}

/** What programs read is a contract: these fields and no others. */
function dataOf({ file, line, column, path, message, suggestion }: Problem) {
  return { file, line, column, path, message, suggestion };
}
