/** What is told of a script that failed. */
import type { ShellResult } from '../ports/shell.js';

/** So much of what a script said at last is in the fault. */
const toldChars = 4_000;

/** `how` goes with the name of the script, `said` comes last. */
export function scriptEnding({ exitCode, signal, output }: Pick<ShellResult, 'exitCode' | 'signal' | 'output'>): {
  readonly how: string;
  readonly said: string;
} {
  const said = output.trim().slice(-toldChars);
  return {
    how: exitCode === null ? `was ended by ${signal ?? 'a signal'}` : `ended with ${exitCode}`,
    said: said === '' ? ', without a word' : `; it said:\n${said}`,
  };
}
