/** The daemon's log: JSON lines by pino, text where the logging file has a format for it, readable lines on a terminal. */
import { readFileSync } from 'node:fs';
import pino from 'pino';
import type { Log, LogFields } from '../../ports/log.js';
import type { TextSink } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { adviceFor, CliFailure } from '../failure.js';
import { pythonLine, readableLine, type LogRecord } from './format.js';
import { readIniPlan } from './ini.js';
import { loggerOf } from './loggers.js';
import { LoggingFileError, logLevels, planOfOne, type HandlerPlan, type LineFormat, type LoggingPlan } from './plan.js';
import type { LogLevel } from './plan.js';
import { openSink, type Sink, type SinkSurroundings } from './sinks.js';
import { readYamlPlan } from './yaml.js';

export interface LogOptions {
  /** The file of `-l`; null: everything to `err`, from `info` up. */
  readonly file: string | null;
  readonly out?: TextSink;
  readonly err: TextSink;
  readonly isTerminal: boolean;
}

export interface OpenLog {
  readonly log: Log;
  /** Opens the files again, after somebody has moved them away. */
  reopen(): void;
  close(): void;
}

export function openLog({ file, err, out = err, isTerminal }: LogOptions): OpenLog {
  const usual: LineFormat = { kind: isTerminal ? 'readable' : 'json' };
  const plan = file === null ? planOfOne(usual) : readPlan(file);
  try {
    return openPlan(plan, { out, err, now: () => Date.now() });
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new CliFailure(exitCodes.failed, `the log cannot be opened: ${reason}`, { cause, next: adviceFor(cause) });
  }
}

export function readLoggingPlan(name: string, text: string): LoggingPlan {
  return /\.ya?ml$/.test(name) ? readYamlPlan(text) : readIniPlan(text);
}

function readPlan(name: string): LoggingPlan {
  try {
    return readLoggingPlan(name, readFileSync(name, 'utf8'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    const where = cause instanceof LoggingFileError ? `${name}:${cause.line}` : name;
    const next = 'correct it, or name another one with -l FILE';
    throw new CliFailure(exitCodes.invalid, `${where}: ${reason}`, { cause, next });
  }
}

export function openPlan(plan: LoggingPlan, around: SinkSurroundings): OpenLog {
  const handlers = new Map(plan.handlers.map(handler => [handler.name, openHandler(handler, around)]));
  const routes = new Map<string, Route>();
  const routeOf = (logger: string): Route => {
    const known = routes.get(logger);
    if (known) return known;
    const route = findRoute(plan, logger, handlers);
    // Names of images and providers are in some of them: few, and yet without number.
    if (routes.size < routesMax) routes.set(logger, route);
    return route;
  };
  const write = (level: LogLevel, message: string, fields: LogFields = {}): void => {
    const logger = loggerOf(fields);
    const route = routeOf(logger);
    if (isBelow(level, route.level)) return;
    const record = { at: around.now(), level, logger, message, fields };
    for (const handler of route.handlers) handler.take(record);
  };
  return {
    log: {
      debug: (message, fields) => write('debug', message, fields),
      info: (message, fields) => write('info', message, fields),
      warn: (message, fields) => write('warn', message, fields),
      error: (message, fields) => write('error', message, fields),
    },
    reopen: () => handlers.forEach(({ sink }) => sink.reopen()),
    close: () => handlers.forEach(({ sink }) => sink.close()),
  };
}

const routesMax = 10_000;

interface Handler {
  readonly sink: Sink;
  take(record: LogRecord): void;
}

interface Route {
  readonly level: LogLevel;
  readonly handlers: readonly Handler[];
}

/** The level is that of the nearest logger that has one; the handlers are those of all, up to one that keeps its lines. */
function findRoute({ loggers }: LoggingPlan, name: string, handlers: ReadonlyMap<string, Handler>): Route {
  const above = loggers
    .filter(logger => logger.name === '' || name === logger.name || name.startsWith(`${logger.name}.`))
    .sort((a, b) => b.name.length - a.name.length);
  const last = above.findIndex(({ propagates }) => !propagates);
  const used = new Set(above.slice(0, last < 0 ? above.length : last + 1).flatMap(logger => logger.handlers));
  return {
    // Python's root is at WARNING where nothing is said.
    level: above.find(({ level }) => level !== null)?.level ?? 'warn',
    handlers: [...used].flatMap(each => handlers.get(each) ?? []),
  };
}

function isBelow(level: LogLevel, limit: LogLevel | null): boolean {
  return limit !== null && logLevels.indexOf(level) < logLevels.indexOf(limit);
}

function openHandler({ level, format, sink: plan }: HandlerPlan, around: SinkSurroundings): Handler {
  const sink = openSink(plan, around);
  const render = renderer(format);
  return {
    sink,
    take(record) {
      if (!isBelow(record.level, level)) sink.write(render(record), record.level);
    },
  };
}

function renderer(format: LineFormat): (record: LogRecord) => string {
  switch (format.kind) {
    case 'json':
      return jsonRenderer();
    case 'readable':
      return readableLine;
    case 'python':
      return record => pythonLine(record, format.format, format.dateFormat);
  }
}

function jsonRenderer(): (record: LogRecord) => string {
  let line = '';
  const logger = pino(
    { level: 'debug', base: null, timestamp: false, formatters, serializers },
    { write: (written: string) => void (line = written) },
  );
  return ({ at, level, logger: name, message, fields }) => {
    logger[level]({ time: new Date(at).toISOString(), logger: name, ...fields }, message);
    return line;
  };
}

const formatters = { level: (label: string) => ({ level: label }) };
const serializers = { error: (error: unknown) => (error instanceof Error ? pino.stdSerializers.err(error) : error) };
