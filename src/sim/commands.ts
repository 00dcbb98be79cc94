/**
 * What the machines can do: `echo`, and the handful of lines by which a pool copies its scripts to their place and runs
 * them. A script itself is not run: what it does is scripted, and by default it succeeds.
 */
import type { Disk } from './disk.js';

export interface CommandOutcome {
  readonly output: string;
  readonly code: number;
}

/** A script that a machine was asked to run. */
export interface ScriptRun {
  readonly address: string;
  readonly username: string;
  readonly name: string;
  readonly words: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface ScriptOutcome extends Partial<CommandOutcome> {
  readonly tookMs?: number;
  /** The connection breaks instead of an answer. */
  readonly isCut?: boolean;
}

export interface Shell {
  readonly disk: Disk;
  readonly run: (
    name: string,
    words: readonly string[],
    environment: Record<string, string>,
  ) => Promise<CommandOutcome>;
}

/** Runs one line after the other, as with `set -e`. */
export async function runCommands(text: string, shell: Shell): Promise<CommandOutcome> {
  let output = '';
  for (const words of parse(text)) {
    const outcome = await runOne(words, shell);
    output += outcome.output;
    if (outcome.code !== 0) return { output, code: outcome.code };
  }
  return { output, code: 0 };
}

const done: CommandOutcome = { output: '', code: 0 };
/** They do nothing here, or nothing that can be seen. */
const quiet: ReadonlySet<string> = new Set([
  'set',
  'export',
  'if',
  'then',
  'else',
  'fi',
  '[',
  'mkdir',
  'chmod',
  'cd',
  'sync',
  'sleep',
  'true',
]);

async function runOne(all: readonly string[], shell: Shell): Promise<CommandOutcome> {
  const environment: Record<string, string> = {};
  let at = 0;
  for (; at < all.length; at++) {
    const [, name, value] = /^([A-Za-z_]\w*)=(.*)$/s.exec(all[at] ?? '') ?? [];
    if (name === undefined) break;
    environment[name] = value ?? '';
  }
  // "$sudo" stands for nothing where root is logged in.
  if (all[at] === '$sudo' || all[at] === 'sudo') at++;
  const [name = '', ...words] = all.slice(at);
  if (name === '' || quiet.has(name)) return done;
  if (name === 'echo') return { output: `${words.join(' ')}\n`, code: 0 };
  if (name === 'false') return { output: '', code: 1 };
  if (name === 'rm') {
    shell.disk.remove(words.at(-1) ?? '');
    return done;
  }
  if (name === 'mv') {
    shell.disk.move(words[0] ?? '', words[1] ?? '');
    return done;
  }
  if (name.startsWith('./')) return shell.run(name.slice(2), words, environment);
  return { output: `bash: ${name}: command not found\n`, code: 127 };
}

/** Commands as words; quotes and backslashes as a shell has them, and nothing else of its language. */
export function parse(text: string): string[][] {
  const commands: string[][] = [[]];
  let word: string | null = null;
  const endWord = (): void => {
    if (word !== null) commands.at(-1)?.push(word);
    word = null;
  };
  for (let at = 0; at < text.length; at++) {
    const rest = text.slice(at);
    const quoted = /^'([^']*)'/s.exec(rest) ?? /^"((?:[^"\\]|\\.)*)"/s.exec(rest);
    if (quoted) {
      word = `${word ?? ''}${rest.startsWith('"') ? (quoted[1] ?? '').replaceAll(/\\(.)/gs, '$1') : (quoted[1] ?? '')}`;
      at += quoted[0].length - 1;
    } else if (rest.startsWith('\\')) {
      word = `${word ?? ''}${rest[1] ?? ''}`;
      at++;
    } else if (/^(?:\n|;|&&)/.test(rest)) {
      endWord();
      commands.push([]);
      if (rest.startsWith('&&')) at++;
    } else if (/^\s/.test(rest)) {
      endWord();
    } else {
      word = `${word ?? ''}${rest[0] ?? ''}`;
    }
  }
  endWord();
  return commands.filter(words => words.length > 0);
}
