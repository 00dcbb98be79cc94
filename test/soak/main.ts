/**
 *     npm run soak -- --minutes 30 [--nodes 500] [--providers 3] [--engine mariadb] …
 *
 * The real daemon on a simulated world and a real database, in trouble all the time; a table at the end, and exit code 1
 * where something happened that never should.
 */
import { parseArgs } from 'node:util';
import { broken, tableOf } from './report.js';
import { soak } from './soak.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '30' },
    nodes: { type: 'string', default: '500' },
    providers: { type: 'string', default: '3' },
    masters: { type: 'string', default: '2' },
    'fail-percent': { type: 'string', default: '2' },
    'kill-every': { type: 'string', default: '120' },
    'database-restarts': { type: 'string', default: '2' },
    'silence-every': { type: 'string', default: '60' },
    'build-every': { type: 'string', default: '10' },
    engine: { type: 'string', default: 'postgresql' },
    'job-seconds': { type: 'string', default: '120' },
    connections: { type: 'string', default: '60' },
    'rest-seconds': { type: 'string', default: '900' },
    seed: { type: 'string', default: '1' },
  },
});

const { engine } = values;
if (engine !== 'postgresql' && engine !== 'mariadb')
  throw new Error(`--engine is postgresql or mariadb, not ${engine}`);
const beganMs = performance.now();
const report = await soak({
  seconds: 60 * number('minutes'),
  nodes: number('nodes'),
  providers: number('providers'),
  masters: number('masters'),
  failRate: number('fail-percent') / 100,
  killEverySeconds: number('kill-every'),
  databaseRestarts: number('database-restarts'),
  silenceEverySeconds: number('silence-every'),
  buildEverySeconds: number('build-every'),
  engine,
  jobSeconds: number('job-seconds'),
  connections: number('connections'),
  restSeconds: number('rest-seconds'),
  seed: number('seed'),
  say: line => console.error(`${((performance.now() - beganMs) / 1000).toFixed(1).padStart(7)} s  ${line}`),
});
console.log(tableOf(report));
process.exitCode = broken(report).length === 0 ? 0 : 1;

function number(name: Exclude<keyof typeof values, 'engine'>): number {
  const value = Number(values[name]);
  if (!Number.isFinite(value) || value < 0) throw new Error(`--${name} takes a number, not ${values[name]}`);
  return value;
}
