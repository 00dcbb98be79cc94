/** How a list is printed: the original's table, or what programs read. */
import Table from 'cli-table3';
import type { CliContext } from './context.js';
import { dataText } from './data-text.js';
import type { Output } from './options.js';
import { plainText } from './plain-text.js';

export interface Column<Row> {
  readonly header: string;
  readonly value: (row: Row) => string | number | null;
  /** Shown with `-o wide` alone. */
  readonly isWide?: boolean;
}

export interface Listing<Row> {
  readonly columns: readonly Column<Row>[];
  /** One line of `-o name`. */
  readonly name: (row: Row) => string;
}

export function printList<Row>(context: CliContext, output: Output, listing: Listing<Row>, rows: readonly Row[]): void {
  switch (output) {
    case 'table':
    case 'wide': {
      const columns = listing.columns.filter(({ isWide }) => output === 'wide' || isWide !== true);
      const cells = rows.map(row => columns.map(({ value }) => value(row)));
      context.out.write(
        drawTable(
          columns.map(({ header }) => header),
          cells,
        ),
      );
      return;
    }
    case 'json':
    case 'yaml':
      return printData(context, output, rows);
    case 'name':
      return printNames(context, rows.map(listing.name));
  }
}

export function printNames(context: CliContext, names: readonly string[]): void {
  context.out.write(names.map(name => `${plainText(name)}\n`).join(''));
}

export function printData(context: CliContext, output: 'json' | 'yaml', data: unknown): void {
  context.out.write(dataText(output, data));
}

/** Borders as the original drew them: around the whole and below the header, all columns left aligned. */
export function drawTable(headers: readonly string[], rows: readonly (readonly (string | number | null)[])[]): string {
  const table = new Table({ head: [...headers], chars: plainBorders, style: { head: [], border: [] } });
  table.push(...rows.map(row => row.map(value => (value === null ? 'None' : plainText(String(value))))));
  const lines = table.toString().split('\n');
  // The package draws a line between all rows or none; a cell never begins a line with +.
  const borders = lines.flatMap((line, index) => (line.startsWith('+') ? [index] : []));
  const kept = new Set([borders[0], borders[1], borders.at(-1)]);
  return `${lines.filter((line, index) => !line.startsWith('+') || kept.has(index)).join('\n')}\n`;
}

const plainBorders = {
  top: '-',
  'top-mid': '+',
  'top-left': '+',
  'top-right': '+',
  bottom: '-',
  'bottom-mid': '+',
  'bottom-left': '+',
  'bottom-right': '+',
  left: '|',
  'left-mid': '+',
  mid: '-',
  'mid-mid': '+',
  right: '|',
  'right-mid': '+',
  middle: '|',
};
