/** A pool at rest: when it is, and what there is then. */
import type { ImageView, NodeView } from '../../src/ports/control.js';
import type { E2ePool } from '../support/e2e-pool.js';
import type { Rest } from './report.js';

const lookMs = 250;
/** The one that is used, and the one before it. */
const keptImages = 2;

/** Waits until nothing is under way and nothing is astray; what keeps it from that, where the time is over. */
export async function comeToRest(pool: E2ePool, withinMs: number, look: () => Promise<void>): Promise<string | null> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    await look();
    const unrest = await unrestOf(pool);
    if (unrest === null || performance.now() > endMs) return unrest;
    await new Promise(resolve => setTimeout(resolve, lookMs));
  }
}

async function unrestOf(pool: E2ePool): Promise<string | null> {
  const { jobs } = pool.world;
  if (jobs.queued() + jobs.running() > 0) return `${jobs.queued()} jobs wait, ${jobs.running()} run`;
  const rows = await rowsOf(pool);
  if (rows === null) return 'the daemon does not answer';
  const restless = [...rows.nodes, ...rows.images].filter(row => row.state !== 'ready');
  if (restless.length > 0) return JSON.stringify(restless.slice(0, 3));
  if (rows.nodes.length === 0) return 'there are no nodes';
  const builders = new Set(rows.images.map(row => row.provider));
  if (rows.images.length > keptImages * builders.size) return `${rows.images.length} images are there`;
  const { strays } = census(pool, rows);
  return strays.length > 0 ? strays.join('; ') : null;
}

export async function restOf(pool: E2ePool): Promise<Omit<Rest, 'afterSeconds' | 'unrest'>> {
  return census(pool, (await rowsOf(pool)) ?? { nodes: [], images: [] });
}

interface Rows {
  readonly nodes: readonly NodeView[];
  readonly images: readonly ImageView[];
}

/** Null: the database is away, or the daemon has just been started. */
async function rowsOf(pool: E2ePool): Promise<Rows | null> {
  try {
    return { nodes: await pool.nodes(), images: await pool.client.images() };
  } catch {
    // Whoever waits for it to answer gives up at a deadline.
    return null;
  }
}

function census({ world }: E2ePool, { nodes, images }: Rows): Omit<Rest, 'afterSeconds' | 'unrest'> {
  const { servers, slaves } = world.judge();
  const subnodes = nodes.flatMap(node => node.subnodes);
  const clouds = [...world.clouds.values()];
  const known = new Set([...nodes, ...subnodes].map(row => row.serverId));
  const names = new Set(nodes.map(node => node.nodename));
  const there = new Set(servers.map(server => server.id));
  const made = clouds.flatMap(cloud => cloud.images.all().filter(image => image.isOwn));
  const imageRows = new Set(images.map(row => row.imageId));
  const working = new Set(slaves.filter(slave => slave.hasNode).map(slave => slave.name));
  return {
    rows: nodes.length,
    subnodeRows: subnodes.length,
    servers: servers.length,
    slaves: slaves.length,
    imageRows: images.length,
    images: made.length,
    strays: [
      ...servers.filter(({ id }) => !known.has(id)).map(({ name, id }) => `server ${name} (${id}) has no row`),
      ...slaves.filter(({ name }) => !names.has(name)).map(({ name }) => `slave ${name} has no row`),
      ...[...nodes, ...subnodes].flatMap(row =>
        row.serverId && there.has(row.serverId) ? [] : [`row ${row.id} has no server`],
      ),
      ...nodes.flatMap(({ id, nodename }) => (working.has(nodename ?? '') ? [] : [`row ${id} has no slave`])),
      ...made.filter(({ id }) => !imageRows.has(id)).map(({ name, id }) => `image ${name} (${id}) has no row`),
      ...images.flatMap(row =>
        made.some(({ id }) => id === row.imageId) ? [] : [`row ${row.id} of an image has none`],
      ),
      ...clouds.flatMap(cloud =>
        cloud
          .addresses()
          .flatMap(({ ip, portId }) => (portId === null ? [`address ${ip} of ${cloud.name} has no server`] : [])),
      ),
      ...clouds.flatMap(cloud =>
        cloud.inventory.keypairs.names().map(name => `key pair ${name} of ${cloud.name} has no server`),
      ),
    ],
  };
}
