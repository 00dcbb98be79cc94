/** Tables for people, and their place in a page. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

export function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = head.map((title, i) => Math.max(3, title.length, ...rows.map(row => row[i]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, i) => (cells[i] ?? '').padEnd(width)).join(' | ')} |`;
  return [line(head), `| ${widths.map(width => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)];
}

/** Puts the text in place of what the command wrote last. */
export function writeBetween(file: string, command: string, text: string): void {
  const begin = `<!-- written by ${command} -->`;
  const end = '<!-- until here -->';
  const page = existsSync(file) ? readFileSync(file, 'utf8') : '';
  const [before, rest] = page.split(begin);
  const [, ...after] = rest?.split(end) ?? [];
  if (before === undefined || after.length === 0) throw new Error(`${file} has no place for it: ${begin} … ${end}`);
  writeFileSync(file, `${before}${begin}\n\n${text}\n\n${end}${after.join(end)}`);
}
