/**
 * W2 over the wire: real builds of the simulated masters, told over ZeroMQ, until the daemon has them in its rows. A time is
 * from the frame to the `node.used` event, which follows the commit; the rows are counted at the end. `--nodes N --engine E`.
 *
 * a: a start every 200 ms; b: 400 at once; c: all that are left, at once; d: the ends of all of them.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { stateCodes } from '../../../src/domain/states.js';
import { eventFrame } from '../../../src/sim/jenkins/event-frame.js';
import { until } from '../../support/until.js';
import { percentile, report } from '../pool/figures.js';
import { openBarePool, wireTimings, type Engine } from './pool.js';

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '500' }, engine: { type: 'string', default: 'postgresql' } },
});
const nodes = Number(values.nodes);
/** Half of what a publisher keeps for one that listens: of 2,000 ends sent at once 273 never came to the rows. */
const endedAtOnce = 500;
const wire = await openBarePool({
  engine: values.engine as Engine,
  providers: 2,
  maxServers: nodes,
  // Only the events are measured: nothing is deleted.
  timings: { ...wireTimings, 'server-list': 1, 'delete-delay': 3_600 },
});
const { pool, database } = wire;
const { world, client } = pool;
await wire.fillTo(nodes);
// Nothing is launched in place of what is used.
await wire.keep({ bare: 0 });
const masters = [...world.masters.values()];
await until(() => masters.flatMap(master => master.slaves()).filter(({ isOnline }) => isOnline).length === nodes, {
  withinMs: 300_000,
});

const sentAt = new Map<string, number>();
const usedAt = new Map<number, number>();
for (const { publisher } of masters) {
  const send = publisher.send.bind(publisher);
  publisher.send = frame => {
    const name = startedOn(frame);
    if (name !== null) sentAt.set(name, Date.now());
    send(frame);
  };
}
const following = new AbortController();
const follow = (async () => {
  for await (const { type, node, at } of client.resumedEvents(following.signal, () => Promise.resolve(true)))
    if (type === 'node.used' && node !== undefined) usedAt.set(node, at);
})();
const names = new Map((await pool.nodes()).map(({ id, nodename }) => [id, nodename]));

const counts = [Math.min(20, nodes), Math.min(400, Math.max(0, nodes - 20)), Math.max(0, nodes - 420)] as const;
// What came of the fill is over: it ends with the second pass.
await delay(25_000);
const slowly = await start(counts[0], 200);
const together = await start(counts[1], 0);
const cost = await wire.meter();
const flood = await start(counts[2], 0);
const { mainMs, otherMs, databaseMs } = await cost();
const used = await database.count(`node where state = ${stateCodes.used}`);
const endedMs = await endAll();

const many = counts[2];
report(
  'W2 wire',
  { nodes, engine: String(values.engine) },
  {
    'a: p99 ms': percentile(slowly.ms, 99),
    'b: p99 ms': percentile(together.ms, 99),
    'c: events': many,
    'c: lost': nodes - used,
    'c: events/s': many === 0 ? null : (1_000 * many) / Math.max(...flood.ms),
    'c: daemon CPU ms/event': many === 0 ? null : (mainMs + otherMs) / many,
    'c: database CPU ms/event': many === 0 ? null : databaseMs / many,
    'd: events/s': (1_000 * nodes) / endedMs,
  },
);
following.abort();
await follow;
await wire.close();

/** So many jobs, for whose start the daemon was told: milliseconds from the frame to the durable `used`. */
async function start(count: number, everyMs: number): Promise<{ readonly ms: readonly number[] }> {
  const before = new Set(usedAt.keys());
  for (let n = 0; n < count; n++) {
    world.jobs.submit({ job: 'demo-job', label: 'bare', durationMs: 3_600_000 });
    if (everyMs > 0) await delay(everyMs);
  }
  await until(() => usedAt.size - before.size === count, { withinMs: 120_000, everyMs: 5 });
  const fresh = [...usedAt].filter(([id]) => !before.has(id));
  return { ms: fresh.map(([id, at]) => at - (sentAt.get(names.get(id) ?? '') ?? NaN)) };
}

/** Milliseconds from the first frame until the database has all ends. */
async function endAll(): Promise<number> {
  const beganAt = performance.now();
  const build = { job: 'demo-job', fullUrl: undefined, number: 1, parameters: undefined, nodeDescription: undefined };
  const slaves = masters.flatMap(master => master.slaves().map(({ name }) => ({ name, publisher: master.publisher })));
  for (let at = 0; at < slaves.length; at += endedAtOnce) {
    const some = slaves.slice(at, at + endedAtOnce);
    for (const { name, publisher } of some)
      publisher.send(
        eventFrame({ ...build, phase: 'FINISHED', status: 'SUCCESS', nodeName: name, hostName: undefined }),
      );
    await wire.untilRows(at + some.length, 'node where job_ended_at is not null');
  }
  return performance.now() - beganAt;
}

/** The node of a frame that tells of a start. */
function startedOn(frame: string): string | null {
  if (!frame.startsWith('onStarted ')) return null;
  const told = JSON.parse(frame.slice(frame.indexOf(' '))) as { build: { node_name?: string } };
  return told.build.node_name ?? null;
}
