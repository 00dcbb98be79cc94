/**
 * The logging file as YAML: our own short form, or the tree of Python's `dictConfig` that later generations use, told
 * apart by its `version`.
 */
import { isMap, isScalar, LineCounter, parseDocument, type Document } from 'yaml';
import { z } from 'zod';
import { Arguments, knownHandlers, sinkOf } from './handler-classes.js';
import { formatProblem } from './format.js';
import {
  LoggingFileError,
  logLevels,
  pythonLevel,
  type HandlerPlan,
  type LineFormat,
  type LoggerPlan,
  type LoggingPlan,
} from './plan.js';
import type { PythonValue } from './python-literal.js';

export function readYamlPlan(text: string): LoggingPlan {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [error] = document.errors;
  if (error) throw new LoggingFileError(lines.linePos(error.pos[0]).line, `not YAML: ${error.message}`);
  const lineOf = (path: readonly PropertyKey[]): number => lineIn(document, lines, path);
  const raw = plainOf(document);
  return isMap(document.contents) && document.has('version')
    ? treePlan(decode(treeFile, raw, lineOf), lineOf)
    : shortPlan(decode(shortFile, raw, lineOf), lineOf);
}

/** Aliases that grow to more than any logging file has are refused by the YAML reader with an error of its own. */
function plainOf(document: Document): unknown {
  try {
    return document.toJS();
  } catch (error) {
    throw new LoggingFileError(1, `not to be used: ${error instanceof Error ? error.message : String(error)}`);
  }
}

type LineOf = (path: readonly PropertyKey[]) => number;

function decode<Schema extends z.ZodType>(schema: Schema, raw: unknown, lineOf: LineOf): z.output<Schema> {
  const read = schema.safeParse(raw);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const path = issue?.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0] ?? ''] : (issue?.path ?? []);
  const where = path.length === 0 ? '' : `${path.map(String).join('.')}: `;
  throw new LoggingFileError(lineOf(path), `${where}${issue?.message ?? 'not a logging configuration'}`);
}

/** The line of the nearest thing on the way to the path that is there. */
function lineIn(document: Document, lines: LineCounter, path: readonly PropertyKey[]): number {
  for (let length = path.length; length > 0; length--) {
    const parent: unknown = document.getIn(path.slice(0, length - 1), true);
    const last = path[length - 1];
    const pair = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && key.value === last) : undefined;
    const node: unknown = pair?.key ?? document.getIn(path.slice(0, length), true);
    const offset = isScalar(node) || isMap(node) ? node.range?.[0] : undefined;
    if (offset !== undefined) return lines.linePos(offset).line;
  }
  return 1;
}

// ── Our own ──────────────────────────────────────────────────────────────────────────────────────────────────────

const shortFile = z.strictObject({
  level: z.enum(logLevels).default('info'),
  outputs: z
    .array(
      z.strictObject({
        file: z.string().min(1).nullable().default(null),
        level: z.enum(logLevels).optional(),
        format: z.string().min(1).default('json'),
      }),
    )
    .min(1),
});

function shortPlan({ level, outputs }: z.output<typeof shortFile>, lineOf: LineOf): LoggingPlan {
  const handlers = outputs.map(({ file, format, ...output }, index): HandlerPlan => ({
    name: String(index),
    level: output.level ?? level,
    format: shortFormat(format, lineOf(['outputs', index, 'format'])),
    sink: file === null ? { kind: 'stream', to: 'stderr' } : { kind: 'watched', path: file },
  }));
  const lowest = logLevels.find(each => handlers.some(handler => handler.level === each)) ?? level;
  const root = { name: '', level: lowest, handlers: handlers.map(({ name }) => name), propagates: true };
  return { loggers: [root], handlers };
}

function shortFormat(format: string, line: number): LineFormat {
  if (format === 'json') return { kind: 'json' };
  if (format === 'text') return { kind: 'readable' };
  return pythonFormat(format, null, line);
}

function pythonFormat(format: string, dateFormat: string | null, line: number): LineFormat {
  const problem = formatProblem(format);
  if (problem !== null) throw new LoggingFileError(line, problem);
  return { kind: 'python', format, dateFormat };
}

// ── Python's ─────────────────────────────────────────────────────────────────────────────────────────────────────

const loggerTree = z.object({
  level: z.string().nullable().default(null),
  handlers: z.array(z.string()).default([]),
  propagate: z.union([z.boolean(), z.literal(0), z.literal(1)]).default(true),
});

const treeFile = z.object({
  version: z.literal(1),
  formatters: z
    .record(
      z.string(),
      z.object({
        format: z.string().default('%(message)s'),
        datefmt: z.string().nullable().default(null),
        class: z.string().optional(),
        '()': z.string().optional(),
      }),
    )
    .default({}),
  handlers: z
    .record(
      z.string(),
      z.looseObject({
        class: z.string(),
        level: z.string().nullable().default(null),
        formatter: z.string().nullable().default(null),
      }),
    )
    .default({}),
  loggers: z.record(z.string(), loggerTree).default({}),
  root: loggerTree.prefault({}),
});

type Tree = z.output<typeof treeFile>;

function treePlan(tree: Tree, lineOf: LineOf): LoggingPlan {
  const loggers = [
    treeLogger('', tree.root, lineOf(['root', 'level'])),
    ...Object.entries(tree.loggers).map(([name, logger]) => {
      return treeLogger(name, logger, lineOf(['loggers', name, 'level']));
    }),
  ];
  const used = new Set(loggers.flatMap(({ handlers }) => handlers));
  for (const name of used) {
    if (!Object.hasOwn(tree.handlers, name)) throw new LoggingFileError(lineOf(['handlers']), `no handler ${name}`);
  }
  const handlers = Object.keys(tree.handlers)
    .filter(name => used.has(name))
    .map(name => treeHandler(name, tree, lineOf));
  return { loggers, handlers };
}

function treeLogger(
  name: string,
  { level, handlers, propagate }: z.output<typeof loggerTree>,
  line: number,
): LoggerPlan {
  return { name, level: pythonLevel(level, line), handlers, propagates: Boolean(propagate) };
}

function treeHandler(name: string, tree: Tree, lineOf: LineOf): HandlerPlan {
  const { class: className, level, formatter, ...rest } = tree.handlers[name] ?? { class: '' };
  const line = lineOf(['handlers', name, 'class']);
  const sink = sinkWith(className, new Arguments([], new Map(Object.entries(rest).map(asPython))), line);
  return {
    name,
    level: pythonLevel(level ?? null, lineOf(['handlers', name, 'level'])),
    format: treeFormat(formatter ?? null, tree, lineOf),
    sink,
  };
}

function sinkWith(className: string, given: Arguments, line: number): HandlerPlan['sink'] {
  try {
    const sink = sinkOf(className, given);
    if (sink) return sink;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new LoggingFileError(line, error.message);
  }
  throw new LoggingFileError(line, `the class ${className} is not known here; known are ${knownHandlers}`);
}

/** `ext://sys.stdout` is Python's way to name a thing. */
function asPython([key, value]: [string, unknown]): [string, PythonValue] {
  return [key, typeof value === 'string' ? value.replace(/^ext:\/\//, '') : (value as PythonValue)];
}

function treeFormat(name: string | null, { formatters }: Tree, lineOf: LineOf): LineFormat {
  if (name === null) return { kind: 'json' };
  const formatter = formatters[name];
  if (!formatter) throw new LoggingFileError(lineOf(['formatters']), `there is no formatter ${name}`);
  const className = formatter['()'] ?? formatter.class ?? 'logging.Formatter';
  if (/json/i.test(className)) return { kind: 'json' };
  if (!/^(logging\.)?Formatter$/.test(className)) {
    const line = lineOf(['formatters', name]);
    throw new LoggingFileError(line, `the class ${className} is not known here; known are logging.Formatter and JSON`);
  }
  return pythonFormat(formatter.format, formatter.datefmt, lineOf(['formatters', name, 'format']));
}
