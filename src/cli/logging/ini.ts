/**
 * The original's logging file: INI, as Python's `logging.config.fileConfig` reads it. Loggers, levels, handlers and
 * formatters are honoured; a class that has no like here is refused by its name, and not replaced by something else.
 */
import { Arguments, knownHandlers, sinkOf } from './handler-classes.js';
import { formatProblem } from './format.js';
import {
  LoggingFileError,
  pythonLevel,
  type HandlerPlan,
  type LineFormat,
  type LoggerPlan,
  type LoggingPlan,
} from './plan.js';
import { readPythonTuple, readPythonValue, type PythonValue } from './python-literal.js';

interface Setting {
  readonly value: string;
  readonly line: number;
}

interface Section {
  readonly line: number;
  readonly settings: ReadonlyMap<string, Setting>;
}

type Sections = ReadonlyMap<string, Section>;

export function readIniPlan(text: string): LoggingPlan {
  const sections = readSections(text);
  const loggers = listed(sections, 'loggers', 'logger').map(([name, section]) => loggerOf(name, section));
  if (!loggers.some(({ name }) => name === '')) throw new LoggingFileError(1, 'there is no section [logger_root]');
  const used = new Set(loggers.flatMap(({ handlers }) => handlers));
  const handlers = listed(sections, 'handlers', 'handler')
    .filter(([name]) => used.has(name))
    .map(([name, section]) => handlerOf(name, section, sections));
  for (const logger of loggers) {
    for (const name of logger.handlers) {
      if (handlers.some(handler => handler.name === name)) continue;
      const { line } = sections.get(`logger_${logger.name === '' ? 'root' : logger.name}`) ?? { line: 1 };
      throw new LoggingFileError(line, `there is no section [handler_${name}]`);
    }
  }
  return { loggers, handlers };
}

/** Those that the list names; without a list, all that there are. */
function listed(sections: Sections, list: string, kind: string): [name: string, section: Section][] {
  const keys = sections.get(list)?.settings.get('keys');
  if (keys === undefined) {
    return [...sections].flatMap(([title, section]): [string, Section][] =>
      title.startsWith(`${kind}_`) ? [[title.slice(kind.length + 1), section]] : [],
    );
  }
  return names(keys.value).map(name => {
    const section = sections.get(`${kind}_${name}`);
    if (section === undefined) throw new LoggingFileError(keys.line, `there is no section [${kind}_${name}]`);
    return [name, section];
  });
}

function loggerOf(name: string, { settings }: Section): LoggerPlan {
  const level = settings.get('level');
  return {
    name: name === 'root' ? '' : (settings.get('qualname')?.value ?? name),
    level: pythonLevel(level?.value ?? null, level?.line ?? 1),
    handlers: names(settings.get('handlers')?.value),
    propagates: settings.get('propagate')?.value !== '0',
  };
}

function handlerOf(name: string, section: Section, sections: Sections): HandlerPlan {
  const { settings, line } = section;
  const className = settings.get('class');
  if (className === undefined) throw new LoggingFileError(line, `[handler_${name}] names no class`);
  const level = settings.get('level');
  const sink = at(settings.get('args')?.line ?? className.line, `[handler_${name}]`, () =>
    sinkOf(className.value, argumentsOf(settings)),
  );
  if (sink === null) {
    const what = `[handler_${name}] has the class ${className.value}, which is not known here`;
    throw new LoggingFileError(className.line, `${what}; known are ${knownHandlers}`);
  }
  return {
    name,
    level: pythonLevel(level?.value ?? null, level?.line ?? line),
    format: formatOf(settings.get('formatter'), sections),
    sink,
  };
}

function argumentsOf(settings: Section['settings']): Arguments {
  const args = settings.get('args')?.value ?? '()';
  const named = settings.get('kwargs')?.value;
  return new Arguments(readPythonTuple(args), named === undefined ? new Map() : readDict(named));
}

/** `{'filename': '/var/log/x', 'backupCount': 3}` */
function readDict(text: string): ReadonlyMap<string, PythonValue> {
  const body = /^\{(.*)\}$/s.exec(text.trim())?.[1];
  if (body === undefined) throw new SyntaxError(`kwargs is no map: ${text.slice(0, 80)}`);
  const pairs = body.matchAll(/['"](\w+)['"]\s*:\s*((?:\([^)]*\)|'[^']*'|"[^"]*"|[^,])+)/g);
  return new Map([...pairs].map(([, key, value]) => [key ?? '', readPythonValue((value ?? '').trim())]));
}

function formatOf(name: Setting | undefined, sections: Sections): LineFormat {
  if (name === undefined || name.value === '') return { kind: 'json' };
  const section = sections.get(`formatter_${name.value}`);
  if (section === undefined) throw new LoggingFileError(name.line, `there is no section [formatter_${name.value}]`);
  const { settings } = section;
  const className = settings.get('class');
  if (className !== undefined && /json/i.test(className.value)) return { kind: 'json' };
  if (className !== undefined && !/^(logging\.)?Formatter$/.test(className.value)) {
    const what = `[formatter_${name.value}] has the class ${className.value}, which is not known here`;
    throw new LoggingFileError(className.line, `${what}; known are logging.Formatter and those of JSON`);
  }
  const format = settings.get('format')?.value ?? '%(message)s';
  const problem = formatProblem(format);
  if (problem !== null) throw new LoggingFileError(settings.get('format')?.line ?? section.line, problem);
  return { kind: 'python', format, dateFormat: settings.get('datefmt')?.value || null };
}

/** What is wrong with the arguments of a class is told with their line. */
function at<T>(line: number, where: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SyntaxError) && !(error instanceof RangeError)) throw error;
    throw new LoggingFileError(line, `${where}: ${error.message}`);
  }
}

function names(list: string | undefined): string[] {
  return (list ?? '').split(',').flatMap(name => name.trim() || []);
}

/** INI as Python reads it: `=` or `:`, comments at the start of a line, continued lines are indented. */
function readSections(text: string): Sections {
  const sections = new Map<string, { line: number; settings: Map<string, Setting> }>();
  let section: { line: number; settings: Map<string, Setting> } | null = null;
  let key: string | null = null;
  for (const [index, whole] of text.split(/\r?\n/).entries()) {
    const line = index + 1;
    if (/^\s*([#;]|$)/.test(whole)) continue;
    const title = /^\[([^\]]+)\]/.exec(whole)?.[1];
    const [, name, value] = /^([^\s=:][^=:]*?)\s*[=:]\s*(.*)$/.exec(whole) ?? [];
    if (title !== undefined) {
      if (sections.has(title)) throw new LoggingFileError(line, `the section [${title}] a second time`);
      section = { line, settings: new Map() };
      sections.set(title, section);
      key = null;
    } else if (/^\s/.test(whole) && section !== null && key !== null) {
      const before = section.settings.get(key);
      if (before) section.settings.set(key, { ...before, value: `${before.value} ${whole.trim()}` });
    } else if (section !== null && name !== undefined && value !== undefined) {
      key = name.toLowerCase();
      section.settings.set(key, { value: value.trim(), line });
    } else {
      throw new LoggingFileError(line, `neither a section nor a setting: ${whole.slice(0, 80)}`);
    }
  }
  return sections;
}
