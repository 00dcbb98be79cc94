/** W1 over the wire: what a node costs from nothing to min-ready. `--nodes N --providers P --engine E`. */
import { parseArgs } from 'node:util';
import { stateCodes } from '../../../src/domain/states.js';
import { report } from '../pool/figures.js';
import { instantCloud, openWirePool, type Engine } from './pool.js';

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '50' },
    providers: { type: 'string', default: '1' },
    engine: { type: 'string', default: 'postgresql' },
    kinds: { type: 'boolean', default: false },
  },
});
const nodes = Number(values.nodes);
const names = Array.from({ length: Number(values.providers) }, (_none, index) => `cloud${index + 1}`);
const wire = await openWirePool({
  engine: values.engine as Engine,
  clouds: Object.fromEntries(names.map(name => [name, instantCloud])),
  labels: { bare: 0 },
  providers: Object.fromEntries(
    names.map(name => [name, { 'max-servers': nodes, concurrency: { calls: 8, launches: 40 } }]),
  ),
});
const cost = await wire.meter();
await wire.keep({ bare: nodes });
await wire.untilRows(nodes, `node where state = ${stateCodes.ready}`);
const { seconds, mainMs, otherMs, databaseMs, statements, calls, connectionsPeak, byKind } = await cost();

report(
  'W1 wire',
  { nodes, providers: names.length, engine: String(values.engine) },
  {
    seconds,
    'daemon CPU ms/node': (mainMs + otherMs) / nodes,
    'main thread CPU ms/node': mainMs / nodes,
    'database CPU ms/node': databaseMs / nodes,
    'statements/node': statements / nodes,
    'calls/node': calls / nodes,
    connections: connectionsPeak,
  },
);
if (values.kinds) console.log([...byKind].sort((a, b) => b[1] - a[1]).slice(0, 15));
await wire.close();
