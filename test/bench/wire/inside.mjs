/**
 * Goes into the daemon by NODE_OPTIONS: counts its statements, and says how many there were, and how many timers there are,
 * to whoever connects.
 */
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { isMainThread } from 'node:worker_threads';

const socket = process.env['BENCH_STATEMENTS'];
if (isMainThread && socket !== undefined) count(socket);

function count(path) {
  let statements = 0;
  const byKind = {};
  const require = createRequire(import.meta.url);
  for (const { prototype } of [require('pg').Client, require('mysql2').Connection]) {
    const { query } = prototype;
    prototype.query = function (...args) {
      statements++;
      const kind = (args[0].text ?? args[0].sql ?? args[0]).replaceAll(/["`]/g, '').split(/\s+/).slice(0, 3).join(' ');
      byKind[kind] = (byKind[kind] ?? 0) + 1;
      return query.apply(this, args);
    };
  }
  const timers = () => process.getActiveResourcesInfo().filter(name => name === 'Timeout').length;
  createServer(asker => asker.end(JSON.stringify({ statements, byKind, timers: timers() })))
    .listen(path)
    .unref();
}
