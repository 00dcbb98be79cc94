/**
 * One finding about a configuration file. Lines and columns begin at 1 and lie inside the file (an empty file counts
 * as one line); in a file that cannot be read there is no place, and both are null. Errors refuse the file or disable
 * what they name; warnings do neither.
 */
export interface Problem {
  readonly file: string;
  readonly line: number | null;
  readonly column: number | null;
  /** For example `labels[2].min-ready`; empty for the file as a whole. */
  readonly path: string;
  readonly message: string;
  /** What was probably meant, ready to be put in place. */
  readonly suggestion: string | null;
  readonly severity: 'error' | 'warning';
}

/** Where something is in the file: a key of a map by name, an item of a list by number. */
export type Path = readonly (string | number)[];

export function pathText(path: Path): string {
  return path.reduce<string>(
    (text, part) => (typeof part === 'number' ? `${text}[${part}]` : text === '' ? part : `${text}.${part}`),
    '',
  );
}

/** `FILE:LINE:COLUMN: what is wrong, what was meant`, or `FILE: …` of the file as a whole. */
export function problemText(problem: Problem): string {
  const kind = problem.severity === 'warning' ? 'warning: ' : '';
  const meant = problem.suggestion === null ? '' : `, did you mean ${problem.suggestion}?`;
  const where = [problem.file, problem.line, problem.column].filter(part => part !== null).join(':');
  return `${where}: ${kind}${problem.message}${meant}`.replaceAll(/[\r\n]+/g, ' ');
}

/** By line, then column; the same finding is told once, however many aliases lead to it. */
export function sorted(problems: readonly Problem[]): Problem[] {
  const seen = new Set<string>();
  return problems
    .filter(problem => {
      const text = problemText(problem);
      return !seen.has(text) && seen.add(text);
    })
    .sort((a, b) => Number(a.file > b.file) - Number(a.file < b.file) || inFile(a, b));
}

function inFile(a: Problem, b: Problem): number {
  return (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);
}
