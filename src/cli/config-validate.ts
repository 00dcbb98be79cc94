import { loadConfig } from '../config/load.js';
import { problemText } from '../config/problem.js';
import type { Problem } from '../config/problem.js';

/** Invalid configuration: refused as a whole, or with references that lead nowhere. */
const EXIT_INVALID = 6;

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
 * Checks a configuration offline and gives the exit code. Errors go to stderr, one a line, or to stdout as JSON;
 * warnings go to stderr in either case and change nothing.
 */
export function runConfigValidate({ file, secureFile, output, env, out, err }: ConfigValidateOptions): number {
  const { problems } = loadConfig({ file, secureFile, env, needsDatabase: true });
  const errors = problems.filter(problem => problem.severity === 'error');
  const isJson = output === 'json';
  for (const problem of problems) {
    if (!isJson || problem.severity === 'warning') err(`${problemText(problem)}\n`);
  }
  if (isJson) out(`${JSON.stringify(errors.map(jsonOf), null, 2)}\n`);
  return errors.length === 0 ? 0 : EXIT_INVALID;
}

/** `-o json` is a contract: these fields and no others. */
function jsonOf({ file, line, column, path, message, suggestion }: Problem) {
  return { file, line, column, path, message, suggestion };
}
