/**
 * W1 over the wire: one node after the other, from its grant to ready, without the cloud's own time: from the call that makes
 * a server to the SSH port that answers. `--nodes N --engine E`.
 */
import { parseArgs } from 'node:util';
import { stateCodes } from '../../../src/domain/states.js';
import type { NodeStoryView } from '../../../src/ports/control.js';
import { percentile, report } from '../pool/figures.js';
import { openWirePool, type Engine } from './pool.js';

const { values } = parseArgs({
  options: { nodes: { type: 'string', default: '9' }, engine: { type: 'string', default: 'postgresql' } },
});
const nodes = Number(values.nodes);
const bootMs = 1_000;
const sshDelayMs = 300;
const wire = await openWirePool({
  engine: values.engine as Engine,
  clouds: { cloud1: { bootMs: [bootMs, bootMs], sshDelayMs: [sshDelayMs, sshDelayMs] } },
  labels: { bare: 0 },
  providers: { cloud1: { 'max-servers': nodes + 1 } },
});
const { client } = wire.pool;
/** The first one of its kind pays for connections and for code that is not compiled yet. */
const launches: NodeStoryView[] = [];
for (let count = 1; count <= nodes + 1; count++) {
  await wire.keep({ bare: count });
  await wire.untilRows(count, `node where state = ${stateCodes.ready}`);
  const { id } = (await client.nodes()).reduce((newest, node) => (node.id > newest.id ? node : newest));
  const found = await client.node(id);
  if (found !== null && count > 1) launches.push(found);
}

const ownMs = launches.map(({ story }) => at(story, 'ready') - at(story, 'queued') - bootMs - sshDelayMs);
report(
  'W1 one',
  { nodes, cloud: `${bootMs + sshDelayMs} ms`, engine: String(values.engine) },
  {
    'ms from grant to ready, above the cloud’s': percentile(ownMs, 50),
    '… the worst': percentile(ownMs, 100),
    '… to the server': percentile(spans('queued', 'boot'), 50),
    '… until it was seen to be ACTIVE': percentile(spans('boot', 'ssh'), 50),
    '… until SSH let us in': percentile(spans('ssh', 'register'), 50),
    '… until Jenkins had it': percentile(spans('register', 'ready'), 50),
  },
);
await wire.close();

function spans(from: string, to: string): number[] {
  return launches.map(({ story }) => at(story, to) - at(story, from));
}

function at(story: NodeStoryView['story'], what: string): number {
  const entry = story.find(each => each.what === what && each.kind !== 'fact');
  if (!entry) throw new Error(`a node has no "${what}" in its story: ${JSON.stringify(story)}`);
  return entry.at;
}
