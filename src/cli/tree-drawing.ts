/** The supervisor tree as text: one line per actor, branches on the left, what it does on the right. */
import type { TreeView } from '../ports/control.js';
import { plainText } from './plain-text.js';

export interface DrawingStyle {
  /** Unicode branches; plain ASCII otherwise, for files and mails. */
  readonly hasUnicode: boolean;
  readonly hasColour: boolean;
  /** Also the kind, the mailbox's high-water mark and the count of messages handled. */
  readonly isWide: boolean;
  /** Lines are cut there; null: nowhere. */
  readonly columns: number | null;
}

/** Line by line. */
export function drawTree(tree: TreeView, style: DrawingStyle): string[] {
  const lines = [...linesOf(tree, '', '', style)];
  const headers = ['ACTOR', 'MAILBOX', 'RESTARTS', ...(style.isWide ? wideHeaders : []), ...lastHeaders];
  const rows = [headers, ...lines.map(({ name, actor }) => [name, ...cellsOf(actor, style.isWide)])];
  const widths = headers.map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)));
  return rows.map((row, index) => {
    const text = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    return coloured(text.slice(0, style.columns ?? undefined).trimEnd(), lines[index - 1]?.actor, style);
  });
}

const wideHeaders = ['KIND', 'MOST', 'HANDLED'];
/** The state is a sentence and comes last, so that a long one pushes nothing away. */
const lastHeaders = ['TASK', 'CONNECTION', 'STATE'];

interface Line {
  readonly name: string;
  readonly actor: TreeView;
}

function* linesOf(actor: TreeView, prefix: string, below: string, style: DrawingStyle): Generator<Line> {
  const branches = style.hasUnicode ? unicode : ascii;
  // The first line names the actor in full: it may be the middle of the tree.
  const name = prefix === '' && below === '' ? actor.path : actor.path.slice(actor.path.lastIndexOf('/') + 1);
  yield { name: prefix + plainText(name), actor };
  for (const [index, child] of actor.children.entries()) {
    const isLast = index === actor.children.length - 1;
    yield* linesOf(
      child,
      below + (isLast ? branches.last : branches.fork),
      below + (isLast ? branches.gap : branches.line),
      style,
    );
  }
}

const unicode = { fork: '├─ ', last: '└─ ', line: '│  ', gap: '   ' };
const ascii = { fork: '|- ', last: '`- ', line: '|  ', gap: '   ' };

function cellsOf(actor: TreeView, isWide: boolean): string[] {
  const { task, connection, failure } = actor;
  return [
    String(actor.mailbox),
    String(actor.restarts),
    ...(isWide ? [plainText(actor.kind), String(actor.highWater), String(actor.handled)] : []),
    task === null ? '-' : `${plainText(task.name)} ${shortAge(task.ageSeconds)}`,
    connection === null ? '-' : `${connection.state} ${shortAge(connection.ageSeconds)}`,
    plainText(actor.state) +
      (failure === null ? '' : `; last failure: ${plainText(failure.message)} (${failure.count})`),
  ];
}

/** Not `styleText` of Node: it looks at this process's own output, which may be another. */
const sgr = { bold: 1, red: 31, yellow: 33 };

function coloured(text: string, actor: TreeView | undefined, style: DrawingStyle): string {
  if (!style.hasColour) return text;
  const paint = (colour: keyof typeof sgr): string => `\u001b[${sgr[colour]}m${text}\u001b[0m`;
  if (actor === undefined) return paint('bold');
  if (actor.state.startsWith('parked')) return paint('red');
  return actor.restarts > 0 ? paint('yellow') : text;
}

export function shortAge(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)}s`;
  if (seconds < 120) return `${Math.round(seconds)}s`;
  if (seconds < 7_200) return `${Math.round(seconds / 60)}m`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}
