/** W4 over the wire: what a pool costs in which nothing happens, at the usual waits. `--nodes N --providers P --seconds S`. */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { stateCodes } from '../../../src/domain/states.js';
import { report } from '../pool/figures.js';
import { instantCloud, openWirePool, type Engine } from './pool.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '200' },
    providers: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '60' },
    engine: { type: 'string', default: 'postgresql' },
  },
});
const nodes = Number(values.nodes);
const seconds = Number(values.seconds);
const names = Array.from({ length: Number(values.providers) }, (_none, index) => `cloud${index + 1}`);
/** As a file has them that says nothing of them. */
const usual = { pass: 10, 'delete-delay': 60, 'server-list': 5, poll: 3 } as const;
const wire = await openWirePool({
  engine: values.engine as Engine,
  clouds: Object.fromEntries(names.map(name => [name, instantCloud])),
  labels: { bare: 0 },
  providers: Object.fromEntries(
    names.map(name => [name, { 'max-servers': nodes, concurrency: { calls: 8, launches: 40 } }]),
  ),
  timings: usual,
});
await wire.keep({ bare: nodes });
await wire.untilRows(nodes, `node where state = ${stateCodes.ready}`);
// What came of the fill is over.
await delay(10_000);
const cost = await wire.meter();
await delay(seconds * 1_000);
const { mainMs, otherMs, databaseMs, statements, calls, connectionsPeak } = await cost();

report(
  'W4 wire',
  { nodes, providers: names.length, engine: String(values.engine) },
  {
    'percent of a core, main thread': mainMs / (10 * seconds),
    'percent of a core, workers': otherMs / (10 * seconds),
    'database percent of a core': databaseMs / (10 * seconds),
    'statements a minute': (60 * statements) / seconds,
    'calls a minute': (60 * calls) / seconds,
    connections: connectionsPeak,
  },
);
await wire.close();
