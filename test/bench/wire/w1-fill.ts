/**
 * W1 over the wire: what a node costs from nothing to min-ready, in a daemon that has just begun, and in one that has made
 * `--warm` nodes. `--nodes N --providers P --engine E`.
 */
import { parseArgs } from 'node:util';
import { report } from '../pool/figures.js';
import { openBarePool, type Engine } from './pool.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '50' },
    providers: { type: 'string', default: '1' },
    engine: { type: 'string', default: 'postgresql' },
    warm: { type: 'string', default: '1000' },
    kinds: { type: 'boolean', default: false },
  },
});
const nodes = Number(values.nodes);
const providers = Number(values.providers);
const whenWarm = Math.max(nodes, Number(values.warm));
const wire = await openBarePool({ engine: values.engine as Engine, providers, maxServers: whenWarm + nodes });
const began = await wire.meter();
await wire.fillTo(nodes);
const { seconds, mainMs, otherMs, databaseMs, statements, calls, connectionsPeak, byKind } = await began();
await wire.fillTo(whenWarm);
const beganWarm = await wire.meter();
await wire.fillTo(whenWarm + nodes);
const again = await beganWarm();

report(
  'W1 wire',
  { nodes, providers, engine: String(values.engine) },
  {
    seconds,
    'daemon CPU ms/node': (mainMs + otherMs) / nodes,
    'main thread CPU ms/node': mainMs / nodes,
    '… of a warm daemon': (again.mainMs + again.otherMs) / nodes,
    '… of its main thread': again.mainMs / nodes,
    'database CPU ms/node': databaseMs / nodes,
    'statements/node': statements / nodes,
    'calls/node': calls / nodes,
    connections: connectionsPeak,
  },
);
if (values.kinds) console.log([...byKind].sort((a, b) => b[1] - a[1]).slice(0, 15));
await wire.close();
