/**
 * W2: what Jenkins tells, until it is durable: the `node.used` event follows the commit, and the database says the rest.
 * `--nodes N --engine E`.
 *
 * a: a start every 200 ms; b: 400 at once; c: all that are left, at most 5,000, at once; d: the ends of all of them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startDatabase, type Engine } from './database.js';
import { cpuMeter, percentile, report } from './figures.js';
import { startBenchPool } from './pool.js';

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '500' }, engine: { type: 'string', default: 'postgresql' } },
});
const nodes = Number(values.nodes);
const database = await startDatabase(values.engine as Engine, 400);
const pool = await startBenchPool({
  dburi: database.dburi,
  // Only the events are measured: nothing is launched in place of what is used, and nothing deleted.
  labels: [{ name: 'bare', minReady: 0 }],
  providers: [{ name: 'cloud-1', maxServers: nodes }],
  timings: { deleteDelay: 3_600_000 },
  readyNodes: nodes,
});
await pool.served();
// What came of the start is over: it ends with the second pass.
await delay(25_000);
const names = [...pool.masters.values()].flatMap(master => [...master.slaves.keys()]);
const [few, burst, many] = [names.slice(0, 20), names.slice(20, 420), names.slice(420, 5_420)];

const slowly = await starts(few, 200);
const together = await starts(burst, 0);
const cpu = cpuMeter();
const databaseBefore = database.cpuMs();
const flood = await starts(many, 0);
const [cpuMs, databaseMs] = [cpu(), database.cpuMs() - databaseBefore];
const started = few.length + burst.length + many.length;
const ended = await ends(names.slice(0, started));

report(
  'W2',
  { nodes, engine: String(values.engine) },
  {
    'a: p99 ms': percentile(slowly.ms, 99),
    'b: p99 ms': percentile(together.ms, 99),
    'c: events': many.length,
    'c: lost': many.length - flood.ms.length,
    'c: events/s': (1_000 * many.length) / flood.tookMs,
    'c: daemon CPU ms/event': many.length === 0 ? null : cpuMs / many.length,
    'c: database CPU ms/event': many.length === 0 ? null : databaseMs / many.length,
    'd: events/s': (1_000 * started) / ended.tookMs,
    'd: connections through the delay': pool.slots(),
    'event loop p99 ms': pool.lateMs(),
  },
);
await pool.stop();
await database.stop();

/** Publishes the start of a job on each node: milliseconds from the frame to the durable `used`. */
async function starts(chosen: readonly string[], everyMs: number): Promise<{ ms: number[]; tookMs: number }> {
  const sentAt = new Map<number, number>();
  const ms: number[] = [];
  const began = performance.now();
  const done = pool.until(
    () => ms.length === chosen.length,
    event => {
      const at = event.type === 'node.used' ? sentAt.get(event.node ?? 0) : undefined;
      if (at !== undefined) ms.push(performance.now() - at);
    },
  );
  for (const name of chosen) {
    sentAt.set(Number(/\d+$/.exec(name)?.[0]), performance.now());
    pool.publish(name, 'STARTED');
    if (everyMs > 0) await delay(everyMs);
  }
  await done;
  return { ms, tookMs: performance.now() - began };
}

/** Publishes the ends, and asks the database until it has them all. */
async function ends(chosen: readonly string[]): Promise<{ tookMs: number }> {
  const began = performance.now();
  for (const name of chosen) pool.publish(name, 'FINISHED');
  while ((await database.count('node where job_ended_at is not null')) < chosen.length) await delay(10);
  return { tookMs: performance.now() - began };
}
