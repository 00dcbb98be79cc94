/** What `bin/nodepoold` runs: the daemon over the real process. */
import { execFile, spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { loadConfig } from '../config/load.js';
import { daemonSignals, runDaemon, type DetachedDaemon } from './nodepoold.js';
import { isDaemonRunning } from './pid-file.js';
import { openServiceManager } from './service-manager.js';

const serviceManager = openServiceManager({
  env: { ...process.env },
  pid: process.pid,
  notify: (socket, assignments) => {
    const env = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', NOTIFY_SOCKET: socket };
    execFile('systemd-notify', [...assignments], { env, timeout: 10_000 }, () => undefined);
  },
  every: (ms, work) => {
    const timer = setInterval(work, ms);
    return () => clearInterval(timer);
  },
});
// Not for those whom we start: PostgreSQL would tell systemd of itself.
delete process.env['NOTIFY_SOCKET'];

// A disk that is full, or a pipe that nobody reads, costs lines and not the daemon; there is nowhere to tell of it.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

const code = await runDaemon(process.argv.slice(2), {
  // Loaded when needed: the parent of a detached daemon does without.
  startDaemon: async options => (await import('../main.js')).startDaemon(options),
  loadConfig,
  env: process.env,
  out: process.stdout,
  err: process.stderr,
  isTerminal: Boolean(process.stderr.isTTY),
  pid: process.pid,
  runtimeDir: '/run/nodepool',
  onSignal: listener => {
    for (const signal of daemonSignals) process.on(signal, listener);
    return () => daemonSignals.forEach(signal => process.off(signal, listener));
  },
  isRunning: isDaemonRunning,
  sleep: ms => wait(ms),
  serviceManager,
  spawn: spawnSelf,
});
// Not left to the event loop: whatever a forced stop has cut off would hold it.
process.exit(code);

function spawnSelf(argv: readonly string[], logFile: string): DetachedDaemon {
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'a', 0o640);
  const begin = statSync(logFile).size;
  const child = spawn(process.execPath, [...process.execArgv, process.argv[1] ?? '', ...argv], {
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  return {
    exited: new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', given => resolve(given ?? 1));
    }),
    output: () => readFileSync(logFile).subarray(begin).toString('utf8'),
    release: () => child.unref(),
    stop: () => void child.kill('SIGTERM'),
  };
}
