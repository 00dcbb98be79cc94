/** W4 over the wire: what a pool costs in which nothing happens, at the usual waits. `--nodes N --providers P --seconds S`. */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { until } from '../../support/until.js';
import { report } from '../pool/figures.js';
import { openBarePool, type Engine } from './pool.js';

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
const providers = Number(values.providers);
/** The shared ones and the one that holds the lock. */
const ownConnections = 5;
/** As a file has them that says nothing of them. */
const usual = { pass: 10, 'delete-delay': 60, 'server-list': 5, poll: 3 } as const;
const wire = await openBarePool({ engine: values.engine as Engine, providers, maxServers: nodes, timings: usual });
await wire.fillTo(nodes);
// Those that the fill has opened are closed when they have been idle for a minute.
await until(async () => (await wire.database.connections()) <= ownConnections, { withinMs: 300_000, everyMs: 1_000 });
const cost = await wire.meter();
await delay(seconds * 1_000);
const { mainMs, otherMs, databaseMs, statements, calls, connectionsPeak } = await cost();

report(
  'W4 wire',
  { nodes, providers, engine: String(values.engine) },
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
