import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runDaemon, type DaemonContext, type DaemonSignal, type RunningDaemon } from '../../../src/cli/nodepoold.js';
import { loadConfig } from '../../../src/config/load.js';
import { serveControl } from '../../../src/http/serve.js';
import type { ControlServer } from '../../../src/ports/control.js';
import { actor, FakeControl } from '../../contract/http/fake-control.js';
import { minimalConfig } from './harness.js';

let folder: string;
let config: string[];
let texts: { out: string; err: string };
let signal: (name: DaemonSignal) => void;
let calls: string[];

const never = new Promise<never>(() => undefined);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'daemon-'));
  await writeFile(join(folder, 'nodepool.yaml'), minimalConfig);
  config = ['-c', join(folder, 'nodepool.yaml')];
  texts = { out: '', err: '' };
  calls = [];
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

function daemon(patch: Partial<RunningDaemon> = {}): RunningDaemon {
  return {
    stop: async () => void calls.push('stop'),
    forced: () => void calls.push('forced'),
    tree: async () => actor('/'),
    reload: async () => void calls.push('reload'),
    isAlive: async () => true,
    failed: never,
    ...patch,
  };
}

function context(patch: Partial<DaemonContext> = {}): DaemonContext {
  return {
    startDaemon: async ({ socket }) => {
      calls.push(`start ${socket}`);
      return daemon();
    },
    loadConfig,
    env: { STATE_DIRECTORY: folder },
    out: { write: text => (texts.out += text) },
    err: { write: text => (texts.err += text) },
    isTerminal: false,
    pid: 42,
    runtimeDir: join(folder, 'run'),
    onSignal: listener => {
      signal = listener;
      return () => calls.push('deaf');
    },
    isRunning: () => false,
    sleep: async () => never,
    serviceManager: {
      ready: () => undefined,
      stopping: () => undefined,
      watch: () => undefined,
      close: () => undefined,
    },
    spawn: () => {
      throw new Error('not detached');
    },
    ...patch,
  };
}

async function untilReady(): Promise<void> {
  while (!texts.err.includes('nodepoold ready\n')) await new Promise(resolve => setImmediate(resolve));
}

describe('in the foreground', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGUSR1'] as const)(
    'says ready, and stops in order at %s, lessons 98 and 99',
    async how => {
      const running = runDaemon([...config, '-d'], context());
      await untilReady();
      signal(how);
      expect(await running).toBe(0);
      expect(calls).toEqual([`start ${join(folder, 'nodepoold.sock')}`, 'stop', 'deaf']);
    },
  );

  it('tells the service manager that it is ready, that it lives, and that it stops', async () => {
    const serviceManager = {
      ready: () => void calls.push('ready'),
      stopping: () => void calls.push('stopping'),
      watch: (isAlive: () => Promise<boolean>) => void isAlive().then(is => calls.push(`alive ${is}`)),
      close: () => void calls.push('unwatched'),
    };
    const running = runDaemon([...config, '-d'], context({ serviceManager }));
    await untilReady();
    signal('SIGTERM');
    await running;
    expect(calls.slice(1)).toEqual(['ready', 'alive true', 'stopping', 'stop', 'unwatched', 'deaf']);
  });

  it('is forced by the second signal', async () => {
    const running = runDaemon([...config, '-d'], context({ startDaemon: async () => daemon({ stop: () => never }) }));
    await untilReady();
    signal('SIGUSR1');
    signal('SIGINT');
    expect(await running).toBe(1);
    expect(calls).toEqual(['forced', 'deaf']);
  });

  it('is forced when the stop takes too long', async () => {
    const slept: number[] = [];
    const sleep = async (ms: number): Promise<void> => void slept.push(ms);
    const startDaemon = async (): Promise<RunningDaemon> => daemon({ stop: () => never });
    const running = runDaemon([...config, '-d'], context({ startDaemon, sleep }));
    await untilReady();
    signal('SIGTERM');
    expect(await running).toBe(1);
    expect(slept).toEqual([35_000]);
  });

  it('is stopped by a signal while it starts, once the start is over', async () => {
    let begin: (started: RunningDaemon) => void = () => undefined;
    const startDaemon = (): Promise<RunningDaemon> => new Promise(resolve => (begin = resolve));
    const running = runDaemon([...config, '-d'], context({ startDaemon }));
    signal('SIGTERM');
    begin(daemon());
    expect(await running).toBe(0);
    expect(calls).toEqual(['stop', 'deaf']);
  });

  it('reloads at SIGHUP and dumps the tree at SIGUSR2', async () => {
    const running = runDaemon([...config, '-d'], context());
    await untilReady();
    signal('SIGHUP');
    signal('SIGUSR2');
    while (!texts.err.includes('ACTOR')) await new Promise(resolve => setImmediate(resolve));
    signal('SIGTERM');
    expect(await running).toBe(0);
    expect(calls).toContain('reload');
  });

  it('ends with 1 and the reason when the start fails or the tree gives up', async () => {
    const startDaemon = async (): Promise<never> => Promise.reject(new TypeError('no tree'));
    expect(await runDaemon([...config, '-d'], context({ startDaemon }))).toBe(1);
    expect(texts.err).toContain('no tree');
    const failed = Promise.resolve(new Error('store gave up'));
    expect(await runDaemon([...config, '-d'], context({ startDaemon: async () => daemon({ failed }) }))).toBe(1);
    expect(texts.err).toContain('store gave up');
    expect(calls).toContain('forced');
  });

  it('writes a pid file only if asked, breaks up a stale one, and respects a live one', async () => {
    const pidFile = join(folder, 'nodepool.pid');
    await writeFile(pidFile, '7\n');
    let written = '';
    const startDaemon = async (): Promise<RunningDaemon> => {
      written = await readFile(pidFile, 'utf8');
      return daemon();
    };
    const running = runDaemon([...config, '-d', '-p', pidFile], context({ startDaemon }));
    await untilReady();
    signal('SIGTERM');
    await running;
    expect(written).toBe('42\n');
    await expect(readFile(pidFile)).rejects.toThrow('ENOENT');
    await writeFile(pidFile, '7\n');
    expect(await runDaemon([...config, '-d', '-p', pidFile], context({ isRunning: pid => pid === 7 }))).toBe(1);
    expect(texts.err).toContain('runs already with pid 7');
  });

  it('ends with 6 on an invalid configuration, and 2 on wrong usage', async () => {
    await writeFile(join(folder, 'nodepool.yaml'), 'lables: []\n');
    expect(await runDaemon([...config, '-d'], context())).toBe(6);
    expect(texts.err).toContain('nodepool.yaml:1:1: ');
    expect(await runDaemon([...config], context())).toBe(6);
    expect(await runDaemon(['--nope'], context())).toBe(2);
    expect(await runDaemon(['--version'], context())).toBe(0);
    expect(await runDaemon([...config, '-d', '-l', join(folder, 'missing.conf')], context())).toBe(6);
  });
});

describe('detached', () => {
  it('returns when the socket answers', async () => {
    const socket = join(folder, 'nodepoold.sock');
    const options = { socket, http: null, writeToken: null, readToken: null, version: '1', log: () => undefined };
    let server: ControlServer | null = null;
    const code = await runDaemon(
      config,
      context({
        spawn: argv => {
          calls.push(argv.join(' '));
          const release = (): void => void calls.push('release');
          return { exited: never, output: () => '', release, stop: () => undefined };
        },
        sleep: async () => {
          server ??= await serveControl(options)(new FakeControl());
        },
      }),
    );
    expect(code).toBe(0);
    expect(calls).toEqual([`${config.join(' ')} -d -p ${join(folder, 'nodepool.pid')}`, 'release']);
    expect(await runDaemon(config, context())).toBe(1);
    expect(texts.err).toContain(`a daemon answers on ${socket} already`);
    await (server as ControlServer | null)?.close();
  });

  it.each([
    [1, 1],
    [6, 6],
    [134, 1],
  ])('a child that ends with %i gives %i and its text', async (ended, expected) => {
    const spawn = () => ({
      exited: Promise.resolve(ended),
      output: () => 'the reason\n',
      release: () => undefined,
      stop: () => undefined,
    });
    expect(await runDaemon(config, context({ spawn }))).toBe(expected);
    expect(texts.err).toBe('the reason\n');
  });
});

describe('the logging file', () => {
  it('sends the log to its file', async () => {
    const log = join(folder, 'logs', 'nodepool.log');
    const conf = join(folder, 'logging.conf');
    await writeFile(conf, `[logger_root]\nlevel=INFO\nhandlers=f\n[handler_f]\nclass=FileHandler\nargs=('${log}',)\n`);
    const running = runDaemon([...config, '-d', '-l', conf], context());
    await untilReady();
    signal('SIGTERM');
    await running;
    expect(JSON.parse((await readFile(log, 'utf8')).split('\n')[0] ?? '')).toMatchObject({
      level: 'info',
      msg: 'stopping; a second signal forces it',
    });
    expect(texts.err).toBe('nodepoold ready\n');
  });
});
