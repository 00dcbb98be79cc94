/** What `bin/nodepool` runs: the command line over the real process. */
import { hostname } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { loadConfig } from '../config/load.js';
import { runCli } from './main.js';

// A reader that has seen enough (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0);
  process.stderr.write(`nodepool: the output cannot be written: ${error.message}\n`);
  process.exit(1);
});

const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());
process.once('SIGTERM', () => interrupt.abort());

process.exitCode = await runCli(process.argv.slice(2), {
  // Loaded when needed: the daemon's half of the program takes longer to load than most commands run.
  openStore: async config => (await import('../main.js')).openStoreFor(config),
  openCloud: async provider => (await import('../main.js')).openCloudFor(provider),
  openWorld: async () => (await import('../main.js')).openOutsideWorld(),
  loadConfig,
  env: process.env,
  out: process.stdout,
  err: process.stderr,
  isTerminal: Boolean(process.stdout.isTTY),
  // A terminal that does not know its size says 0.
  screenSize: () => ({ rows: process.stdout.rows || 24, columns: process.stdout.columns || 80 }),
  progressColumns: () => (process.stderr.isTTY ? process.stderr.columns : null),
  terminal: process.stdin.isTTY && process.stdout.isTTY ? { stdin: process.stdin, stdout: process.stdout } : null,
  now: () => Date.now(),
  sleep: ms => wait(Math.max(0, ms), undefined, { signal: interrupt.signal }).catch(() => undefined),
  signal: interrupt.signal,
  runtimeDir: '/run/nodepool',
  host: hostname(),
  pid: process.pid,
});
