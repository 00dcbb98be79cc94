import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { formatProblem, pythonLine, strftime, type LogRecord } from '../../../src/cli/logging/format.js';
import { openLog, openPlan, readLoggingPlan } from '../../../src/cli/logging/log.js';
import { loggerOf } from '../../../src/cli/logging/loggers.js';
import type { SinkPlan } from '../../../src/cli/logging/plan.js';
import { readPythonTuple } from '../../../src/cli/logging/python-literal.js';
import { nextRotation, openSink } from '../../../src/cli/logging/sinks.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nodepool-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const at = Date.UTC(2014, 5, 30, 12, 34, 56, 789);
const record = (more: Partial<LogRecord> = {}): LogRecord => ({
  at,
  level: 'warn',
  logger: 'nodepool.NodeLauncher',
  message: 'node 17: its launch failed',
  fields: {},
  ...more,
});

/** The original's own production file of 2014, in short. */
const production = `[loggers]
keys=root,nodepool,requests,image

[handlers]
keys=console,debug,normal,image

[formatters]
keys=simple

[logger_root]
level=WARNING
handlers=console

[logger_requests]
level=WARNING
handlers=debug,normal
qualname=requests

[logger_nodepool]
level=DEBUG
handlers=debug,normal
qualname=nodepool

[logger_image]
level=INFO
handlers=image
qualname=nodepool.image.build
propagate=0

[handler_console]
level=WARNING
class=StreamHandler
formatter=simple
args=(sys.stdout,)

[handler_debug]
level=DEBUG
class=logging.handlers.WatchedFileHandler
formatter=simple
args=('/var/log/nodepool/debug.log',)

[handler_normal]
level=INFO
class=logging.handlers.TimedRotatingFileHandler
formatter=simple
args=('/var/log/nodepool/nodepool.log', 'midnight', 1, 30,)

[handler_image]
level=INFO
class=logging.handlers.RotatingFileHandler
args=('/var/log/nodepool/image.log', 'a', 10*1024*1024, 5)

[formatter_simple]
format=%(asctime)s %(levelname)s %(name)s: %(message)s
datefmt=
`;

describe("the original's file", () => {
  it('says loggers, levels, handlers and formats', () => {
    const plan = readLoggingPlan('logging.conf', production);
    expect(plan.loggers).toEqual([
      { name: '', level: 'warn', handlers: ['console'], propagates: true },
      { name: 'nodepool', level: 'debug', handlers: ['debug', 'normal'], propagates: true },
      { name: 'requests', level: 'warn', handlers: ['debug', 'normal'], propagates: true },
      { name: 'nodepool.image.build', level: 'info', handlers: ['image'], propagates: false },
    ]);
    expect(plan.handlers.map(({ sink }) => sink)).toEqual([
      { kind: 'stream', to: 'stdout' },
      { kind: 'watched', path: '/var/log/nodepool/debug.log' },
      {
        kind: 'timed',
        path: '/var/log/nodepool/nodepool.log',
        when: 'MIDNIGHT',
        interval: 1,
        backups: 30,
        isUtc: false,
      },
      { kind: 'rotating', path: '/var/log/nodepool/image.log', maxBytes: 10_485_760, backups: 5 },
    ]);
    expect(plan.handlers.map(({ format }) => format.kind)).toEqual(['python', 'python', 'python', 'json']);
  });

  it('that we give away can be read', () => {
    const plan = readLoggingPlan('logging.conf', readFileSync('config/logging.example.conf', 'utf8'));
    expect(plan.handlers.map(({ name, sink }) => [name, sink.kind])).toEqual([
      ['console', 'stream'],
      ['debug', 'watched'],
      ['normal', 'watched'],
      ['image', 'rotating'],
    ]);
  });

  it('may be as short as this', () => {
    const text =
      '[logger_root]\nlevel: ERROR\nhandlers: x\n[handler_x]\nclass=FileHandler\nargs=("/a b.log",\n  "w")\n';
    expect(readLoggingPlan('logging.conf', text)).toEqual({
      loggers: [{ name: '', level: 'error', handlers: ['x'], propagates: true }],
      handlers: [{ name: 'x', level: null, format: { kind: 'json' }, sink: { kind: 'file', path: '/a b.log' } }],
    });
  });

  const handler = (lines: string): string => `[logger_root]\nhandlers=x\n[handler_x]\n${lines}\n`;
  test.each([
    ['class=handlers.SysLogHandler', { host: 'localhost', port: 514 }, 1],
    ["class=handlers.SysLogHandler\nargs=('/dev/log', handlers.SysLogHandler.LOG_DAEMON)", '/dev/log', 3],
    ["class=handlers.SysLogHandler\nargs=(('loghost', 5514), 'local3')", { host: 'loghost', port: 5514 }, 19],
    [
      "class=logging.handlers.SysLogHandler\nargs=(('loghost', handlers.SYSLOG_UDP_PORT),)",
      { host: 'loghost', port: 514 },
      1,
    ],
  ])('%s', (lines, address, facility) => {
    expect(readLoggingPlan('a.conf', handler(lines)).handlers[0]?.sink).toEqual({ kind: 'syslog', address, facility });
  });

  it('takes arguments by name', () => {
    const lines =
      "class=handlers.RotatingFileHandler\nkwargs={'filename': '/a.log', 'maxBytes': 10*10, 'backupCount': 2}";
    expect(readLoggingPlan('a.conf', handler(lines)).handlers[0]?.sink).toEqual({
      kind: 'rotating',
      path: '/a.log',
      maxBytes: 100,
      backups: 2,
    });
  });

  test.each<[text: string, line: number, message: string]>([
    ['', 1, 'there is no section [logger_root]'],
    ['hello\n', 1, 'neither a section nor a setting: hello'],
    ['[loggers]\nkeys=root,nodepool\n[logger_root]\n', 2, 'there is no section [logger_nodepool]'],
    ['[logger_root]\nlevel=LOUD\nhandlers=\n', 2, 'LOUD is no level'],
    ['[logger_root]\nhandlers=x\n', 1, 'there is no section [handler_x]'],
    ['[logger_root]\n[logger_root]\n', 2, 'a second time'],
    [handler('level=INFO'), 3, '[handler_x] names no class'],
    [
      handler("class=handlers.SMTPHandler\nargs=('mx', 'a', 'b', 'c')"),
      4,
      '[handler_x] has the class handlers.SMTPHandler, which is not known here; known are StreamHandler',
    ],
    [handler('class=raven.handlers.logging.SentryHandler'), 4, 'raven.handlers.logging.SentryHandler'],
    [handler('class=FileHandler'), 4, '[handler_x]: no file is named'],
    [handler('class=FileHandler\nargs=(open("/a"),)'), 5, 'neither a comma nor )'],
    [handler("class=handlers.TimedRotatingFileHandler\nargs=('/a', 'noon')"), 5, 'noon is no time to rotate'],
    [handler("class=handlers.SysLogHandler\nargs=('/dev/log', 'loud')"), 5, 'loud is no facility'],
    [handler('class=StreamHandler\nformatter=f'), 5, 'there is no section [formatter_f]'],
    [handler('class=StreamHandler\nformatter=f\n[formatter_f]\nformat=%(colour)s'), 7, '%(colour)s is no field'],
    [handler('class=StreamHandler\nformatter=f\n[formatter_f]\nclass=my.Fancy'), 7, 'my.Fancy'],
  ])('that says %j is refused at its line', (text, line, message) => {
    expect(() => readLoggingPlan('a.conf', text)).toThrow(message);
    expect(() => readLoggingPlan('a.conf', text)).toThrow(expect.objectContaining({ line }));
  });
});

describe('a YAML file', () => {
  it('may be short', () => {
    const text = 'level: warn\noutputs:\n  - {file: /a.log, format: text}\n  - {level: debug}\n';
    expect(readLoggingPlan('logging.yaml', text)).toEqual({
      loggers: [{ name: '', level: 'debug', handlers: ['0', '1'], propagates: true }],
      handlers: [
        { name: '0', level: 'warn', format: { kind: 'readable' }, sink: { kind: 'watched', path: '/a.log' } },
        { name: '1', level: 'debug', format: { kind: 'json' }, sink: { kind: 'stream', to: 'stderr' } },
      ],
    });
  });

  it('may be the tree of later generations', () => {
    const text = `version: 1
formatters:
  simple: {format: '%(asctime)s %(message)s', datefmt: '%H:%M'}
handlers:
  console: {class: logging.StreamHandler, stream: ext://sys.stdout, level: INFO, formatter: simple}
  file: {class: logging.handlers.RotatingFileHandler, filename: /a.log, maxBytes: 100, backupCount: 2}
loggers:
  nodepool: {level: DEBUG, handlers: [file], propagate: false}
root: {level: WARNING, handlers: [console]}
`;
    const { loggers, handlers } = readLoggingPlan('logging.yaml', text);
    expect(loggers).toEqual([
      { name: '', level: 'warn', handlers: ['console'], propagates: true },
      { name: 'nodepool', level: 'debug', handlers: ['file'], propagates: false },
    ]);
    expect(handlers).toEqual([
      {
        name: 'console',
        level: 'info',
        format: { kind: 'python', format: '%(asctime)s %(message)s', dateFormat: '%H:%M' },
        sink: { kind: 'stream', to: 'stdout' },
      },
      {
        name: 'file',
        level: null,
        format: { kind: 'json' },
        sink: { kind: 'rotating', path: '/a.log', maxBytes: 100, backups: 2 },
      },
    ]);
  });

  test.each<[text: string, line: number, message: string]>([
    ['outputs: []\n', 1, 'outputs'],
    ['level: info\noutputs:\n  - fil: /a\n', 3, 'fil'],
    ['level: loud\noutputs: [{}]\n', 1, 'level'],
    ['outputs: [\n', 2, 'not YAML'],
    ['version: 1\nhandlers:\n  x:\n    class: my.Handler\nroot: {handlers: [x]}\n', 4, 'my.Handler'],
    ['version: 1\nroot: {handlers: [x]}\n', 1, 'no handler x'],
  ])('that says %j is refused at its line', (text, line, message) => {
    expect(() => readLoggingPlan('a.yaml', text)).toThrow(message);
    expect(() => readLoggingPlan('a.yaml', text)).toThrow(expect.objectContaining({ line }));
  });

  it('is refused with file and line', () => {
    const file = join(folder, 'logging.conf');
    writeFileSync(file, '[logger_root]\nlevel=LOUD\n');
    expect(() => openLog({ file, err: { write: () => true }, isTerminal: false })).toThrow(
      `${file}:2: LOUD is no level; known are DEBUG, INFO, WARNING, ERROR, CRITICAL`,
    );
  });
});

test('values of Python', () => {
  expect(readPythonTuple("('a', \"b\\n\", 2*3*4, -1.5, None, True, sys.stderr, ('h', 1), r'\\d')")).toEqual([
    'a',
    'b\n',
    24,
    -1.5,
    null,
    true,
    { name: 'sys.stderr' },
    ['h', 1],
    '\\d',
  ]);
  expect(readPythonTuple('()')).toEqual([]);
  expect(readPythonTuple("('a',)")).toEqual(['a']);
  expect(readPythonTuple("('a')")).toEqual(['a']);
  for (const bad of ['', '(', "('a' 'b')", "'a'*2", "('a',) x", '{}']) {
    expect(() => readPythonTuple(bad), bad).toThrow(SyntaxError);
  }
});

describe('a line', () => {
  it("has the fields of the original's formats", () => {
    const format = '%(levelname)-8s|%(name)s|%(levelno)d|%(msecs)03d|%(module)s|%(message)s|%(threadName)s|100%%';
    const fields = { provider: 'rax-ord', actor: '/pool' };
    expect(pythonLine(record({ fields }), format, null)).toBe(
      'WARNING |nodepool.NodeLauncher|30|789|NodeLauncher|' +
        'node 17: its launch failed provider=rax-ord actor=/pool|/pool|100%\n',
    );
  });

  it('has the time as Python writes it, or as the file says', () => {
    expect(pythonLine(record(), '%(asctime)s', null)).toMatch(/^2014-0\d-\d\d \d\d:\d\d:56,789\n$/);
    expect(pythonLine(record(), '%(asctime)s', '%y%m')).toMatch(/^140[67]\n$/);
    expect(strftime('%Y-%m-%d %H:%M:%S %p %I %a %B %z %Z %%', new Date(at), true)).toBe(
      '2014-06-30 12:34:56 PM 12 Mon June +0000 UTC %',
    );
  });

  it('ends with the stack of an error', () => {
    const error = new Error('no');
    expect(pythonLine(record({ fields: { error } }), '%(message)s', null)).toContain('\nError: no\n    at ');
  });

  it('has no line breaks of others in it', () => {
    expect(pythonLine(record({ message: 'a\nb' }), '%(message)s', null)).toBe('a b\n');
  });

  it.each(['%(message)s', '%(process)5d %%', 'plain', '%(relativeCreated)d %(created)f'])('%s is a format', format => {
    expect(formatProblem(format)).toBeNull();
  });
  it.each(['%(msg)s', '%s', '%(message)', '{message}%'])('%s is none', format => {
    expect(formatProblem(format)).not.toBeNull();
  });
});

test.each([
  [{ actor: '/targets/jenkins01' }, 'nodepool.JenkinsManager'],
  [{ actor: 'targets/jenkins01' }, 'nodepool.JenkinsManager'],
  [{ actor: '/providers/rax/cloud' }, 'nodepool.ProviderManager'],
  [{ actor: '/providers/rax/images/trusty' }, 'nodepool.ImageUpdater'],
  [{ actor: '/providers/rax/nodes/17' }, 'nodepool.NodeLauncher'],
  [{ actor: '/demand/zuul_4730' }, 'nodepool.GearmanClient'],
  [{ actor: '/events/tcp:jenkins01:8888' }, 'nodepool.NodeUpdateListener'],
  [{ actor: '/pool' }, 'nodepool.NodePool'],
  [{ node: 17, provider: 'rax' }, 'nodepool.NodeLauncher'],
  [{ provider: 'rax' }, 'nodepool.ProviderManager'],
  [{ logger: 'nodepool.image.build.rax.trusty', node: 1 }, 'nodepool.image.build.rax.trusty'],
  [{}, 'nodepool.NodePool'],
])('%j is of the logger %s', (fields, logger) => {
  expect(loggerOf(fields)).toBe(logger);
});

describe('a line goes', () => {
  const file = (name: string) => join(folder, name);
  const lines = (name: string): string[] => {
    try {
      return readFileSync(file(name), 'utf8').trimEnd().split('\n');
    } catch {
      return [];
    }
  };
  const plan = () =>
    readLoggingPlan(
      'logging.conf',
      `[logger_root]
level=WARNING
handlers=all
[logger_nodepool]
level=DEBUG
handlers=debug,normal
qualname=nodepool
[logger_quiet]
level=ERROR
handlers=
qualname=nodepool.GearmanClient
[logger_image]
level=INFO
handlers=image
qualname=nodepool.image.build
propagate=0
${['all', 'debug', 'normal', 'image'].map(name => `[handler_${name}]\nclass=FileHandler\nformatter=f\nlevel=${name === 'normal' ? 'INFO' : 'NOTSET'}\nargs=('${file(name)}',)\n`).join('')}
[formatter_f]
format=%(message)s
`,
    );
  const write = () => {
    const sink = { write: () => true };
    const { log, ...opened } = openPlan(plan(), { out: sink, err: sink, now: () => at });
    log.debug('a', { actor: '/pool' });
    log.info('b', { actor: '/pool' });
    log.info('c', { logger: 'nodepool.image.build.rax.trusty' });
    log.warn('d', { actor: '/demand/zuul_4730' });
    log.error('e', { actor: '/demand/zuul_4730' });
    log.info('f', { logger: 'other' });
    log.warn('g', { logger: 'other' });
    opened.close();
  };

  it('to the handlers of its logger and of those above, from the level of the nearest', () => {
    write();
    const text = (name: string) => lines(name).map(line => line.slice(0, 1));
    expect(text('debug')).toEqual(['a', 'b', 'e']);
    expect(text('normal')).toEqual(['b', 'e']);
    // A handler above takes what is passed on, whatever the level of its own logger is: as in Python.
    expect(text('all')).toEqual(['a', 'b', 'e', 'g']);
    expect(text('image')).toEqual(['c']);
  });
});

describe('a file', () => {
  const path = () => join(folder, 'sub', 'a.log');
  const said: string[] = [];
  let time = at;
  const open = (plan: SinkPlan) => {
    time = at;
    said.length = 0;
    const err = { write: (text: string) => said.push(text) };
    return openSink(plan, { out: err, err, now: () => time });
  };
  const files = () => readdirSync(join(folder, 'sub')).sort();
  const text = (name: string) => readFileSync(join(folder, 'sub', name), 'utf8');

  it('is appended to, and opened again on request', () => {
    const sink = open({ kind: 'file', path: path() });
    sink.write('1\n', 'info');
    renameSync(path(), `${path()}.old`);
    sink.write('2\n', 'info');
    sink.reopen();
    sink.write('3\n', 'info');
    sink.close();
    expect([text('a.log.old'), text('a.log')]).toEqual(['1\n2\n', '3\n']);
  });

  it('that is watched is opened again by itself when it was moved or removed', () => {
    const sink = open({ kind: 'watched', path: path() });
    sink.write('1\n', 'info');
    renameSync(path(), `${path()}.1`);
    sink.write('2\n', 'info');
    rmSync(path());
    sink.write('3\n', 'info');
    sink.close();
    expect([text('a.log.1'), text('a.log')]).toEqual(['1\n', '3\n']);
  });

  it('rotates by size and keeps so many', () => {
    const sink = open({ kind: 'rotating', path: path(), maxBytes: 4, backups: 2 });
    for (const n of [1, 2, 3, 4, 5, 6, 7]) sink.write(`${n}\n`, 'info');
    sink.close();
    expect(files()).toEqual(['a.log', 'a.log.1', 'a.log.2']);
    expect([text('a.log.2'), text('a.log.1'), text('a.log')]).toEqual(['3\n4\n', '5\n6\n', '7\n']);
  });

  it.each([
    [0, 5],
    [4, 0],
  ])('never rotates with a size of %i and %i backups', (maxBytes, backups) => {
    const sink = open({ kind: 'rotating', path: path(), maxBytes, backups });
    for (let n = 0; n < 9; n++) sink.write('1234567\n', 'info');
    sink.close();
    expect(files()).toEqual(['a.log']);
  });

  it('rotates by time and keeps so many', () => {
    const sink = open({ kind: 'timed', path: path(), when: 'H', interval: 1, backups: 2, isUtc: true });
    utimesSync(path(), at / 1000, at / 1000);
    for (let hour = 0; hour < 5; hour++) {
      sink.write(`${hour}\n`, 'info');
      time += 3_600_000;
    }
    sink.close();
    expect(files()).toEqual(['a.log', 'a.log.2014-06-30_14', 'a.log.2014-06-30_15']);
    expect(text('a.log')).toBe('4\n');
  });

  it.each([
    ['S', 3, Date.UTC(2014, 5, 30, 12, 34, 59, 789)],
    ['D', 2, Date.UTC(2014, 6, 2, 12, 34, 56, 789)],
    ['MIDNIGHT', 1, Date.UTC(2014, 6, 1)],
    // It is Monday: the file of the week that ends today is rotated tonight, that of Sunday in a week.
    ['W0', 1, Date.UTC(2014, 6, 1)],
    ['W6', 1, Date.UTC(2014, 6, 7)],
  ] as const)('rotates at the right time: %s', (when, interval, expected) => {
    expect(new Date(nextRotation(at, { when, interval, isUtc: true }))).toEqual(new Date(expected));
  });

  it('that cannot be opened fails the start', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(() => open({ kind: 'file', path: join(folder, 'file', 'a.log') })).toThrow(/ENOTDIR|EEXIST/);
  });

  it('that cannot be written to any more is told once, and tried again', () => {
    const sink = open({ kind: 'watched', path: path() });
    rmSync(join(folder, 'sub'), { recursive: true });
    writeFileSync(join(folder, 'sub'), '');
    sink.write('1\n', 'info');
    sink.write('2\n', 'info');
    expect(said).toEqual([expect.stringContaining('the log cannot be written to')]);
    rmSync(join(folder, 'sub'));
    sink.write('3\n', 'info');
    sink.close();
    expect(text('a.log')).toBe('3\n');
  });
});

test('syslog gets packets with facility and severity', async () => {
  const server = createSocket('udp4');
  server.bind(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  const err = { write: () => true };
  const sink = openSink(
    { kind: 'syslog', address: { host: '127.0.0.1', port }, facility: 3 },
    { out: err, err, now: () => at },
  );
  const heard = once(server, 'message') as Promise<[Buffer]>;
  sink.write('it broke\n', 'error');
  expect((await heard)[0].toString()).toBe('<27>nodepoold: it broke\0');
  sink.close();
  server.close();
});
