import { readFileSync, statSync } from 'node:fs';
import { troubleWords } from '../domain/trouble.js';
import { FILE_BYTES_MAX } from './document.js';

/** Why a file has no text for us, and where in it; nowhere, if it could not be read. */
export interface Unread {
  readonly trouble: string;
  readonly line: number | null;
  readonly column: number | null;
}

/** Sizes are asked first: `/dev/zero` by mistake is not to fill the memory. */
export function readText(file: string): { readonly text: string } | Unread {
  const nowhere = { line: null, column: null };
  try {
    const { size } = statSync(file);
    if (size > FILE_BYTES_MAX)
      return { ...nowhere, trouble: `larger than ${FILE_BYTES_MAX / 1_048_576} MiB: not a configuration` };
    return decoded(readFileSync(file));
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const troubles: Readonly<Record<string, string>> = {
      ENOENT: 'there is no such file',
      EACCES: 'no permission to read this file',
      EISDIR: 'this is a directory',
      ENOTDIR: 'a part of this path is no directory',
    };
    return { ...nowhere, trouble: troubles[code] ?? `it cannot be read: ${troubleWords(error)}` };
  }
}

/** Text of a UTF-8 file, or the place of its first byte that is not. */
export function decoded(bytes: Uint8Array): { readonly text: string } | Unread {
  try {
    return { text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    const before = new TextDecoder('utf-8').decode(bytes).split('\uFFFD', 1)[0] ?? '';
    const lines = before.split('\n');
    return { trouble: 'not UTF-8 text', line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
  }
}
