/** What statsd gets, packet by packet (reference 18; lessons 168 to 171): the real tree, a real socket. */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, test } from 'vitest';
import { StatsdByConfig } from '../../src/adapters/metrics/statsd-by-config.js';
import type { PoolConfig } from '../../src/domain/pool-config.js';
import type { ConfigWish } from '../support/pool-config.js';
import { poolConfig } from '../support/pool-config.js';
import { startPool, type Pool } from '../support/pool.js';
import { until } from '../support/until.js';

let listener: Socket | null = null;
afterEach(() => {
  listener?.close();
  listener = null;
});

interface Wire {
  readonly pool: Pool;
  readonly statsd: StatsdByConfig;
  /** All packets so far, in order; what comes later is read by the next call. */
  readonly read: () => Promise<string[]>;
}

const wish: ConfigWish = { labels: [{ name: 'bare', minReady: 1 }], providers: [{ name: 'alpha', maxServers: 3 }] };

async function startWire(keys: PoolConfig['statsd']['keys'], more: ConfigWish = {}): Promise<Wire> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  listener = socket;
  await once(socket, 'listening');
  const packets: string[] = [];
  socket.on('message', packet => packets.push(packet.toString('latin1')));
  const to = { host: '127.0.0.1', port: socket.address().port, prefix: '', keys };
  const configured = { ...wish, ...more, statsd: to };
  const statsd = new StatsdByConfig(poolConfig(configured));
  const pool = await startPool({ ...configured, statistics: statsd });
  let marks = 0;
  return {
    pool,
    statsd,
    async read() {
      const mark = `mark${++marks}:1|c`;
      statsd.count(`mark${marks}`);
      await until(() => packets.includes(mark));
      return packets.splice(0).filter(packet => packet !== mark && !packet.startsWith('nodepool.event.'));
    },
  };
}

const gauge = (packet: string): boolean => packet.endsWith('|g');
const other = (packet: string): boolean => !gauge(packet) && !packet.startsWith('nodepool.task.');

test('a node’s life in the keys of the seed', async () => {
  const { pool, read } = await startWire('seed');
  await pool.rest();
  const launch = (await read()).filter(other);
  const ms = /:(\d+)\|ms$/.exec(launch.find(packet => packet.endsWith('|ms')) ?? '')?.[1] ?? '';
  expect(Number(ms)).toBeGreaterThan(20_000);
  expect(launch).toEqual(
    ['', 'provider.alpha.', 'image.img.', 'target.jenkins01.'].flatMap((place): unknown[] => [
      `nodepool.launch.${place}ready:1|c`,
      `nodepool.launch.${place}ready:${ms}|ms`,
    ]),
  );
  const { nodename } = pool.one('ready');
  if (nodename === null) throw new Error('it is in Jenkins');
  pool.jobs.start(nodename, { job: 'gate-x' });
  await pool.advance(90_000);
  pool.jobs.finish(nodename, { job: 'gate-x' });
  await pool.advance(1_000);
  const job = (await read()).filter(packet => packet.startsWith('nodepool.job.'));
  expect(job).toEqual(
    ['gate-x', 'gate-x.unknown_branch', 'gate-x.unknown_branch.bare', 'gate-x.unknown_branch.bare.alpha'].flatMap(
      place => [
        `nodepool.job.${place}.builds:1|c`,
        expect.stringMatching(`^nodepool\\.job\\.${place}\\.runtime:9000\\d\\|ms$`) as unknown,
      ],
    ),
  );
  await pool.advance(90_000);
  const deleted = (await read()).filter(packet => packet.startsWith('nodepool.delete.'));
  expect(deleted).toEqual([
    'nodepool.delete.img.alpha.jenkins01:1|c',
    expect.stringMatching(/^nodepool\.delete\.img\.alpha\.jenkins01:\d+\|ms$/),
  ]);
});

test('lesson 170: all gauges of the seed, zeros too, at each pass', async () => {
  const { pool, read } = await startWire('seed');
  await pool.rest();
  await pool.advance(2_000);
  await read();
  await pool.advance(10_000);
  const states = (place: string, ready: number): string[] =>
    ['building:0', `ready:${ready}`, 'used:0', 'delete:0', 'hold:0', 'test:0'].map(state => `${place}.${state}|g`);
  expect((await read()).filter(gauge).sort()).toEqual(
    [
      ...states('nodepool.target', 1),
      ...states('nodepool.target.jenkins01.bare.alpha', 1),
      'nodepool.target.jenkins01.bare.min_ready:1|g',
      'nodepool.provider.alpha.max_servers:3|g',
    ].sort(),
  );
});

test('the gauges of 0.3, and both', async () => {
  const { pool, read, statsd } = await startWire('0.3');
  await pool.rest();
  await pool.advance(2_000);
  await read();
  await pool.advance(10_000);
  const ready = ['nodepool.nodes', 'nodepool.target.jenkins01.nodes', 'nodepool.label.bare.nodes'];
  const later = (await read()).filter(gauge);
  expect(later).toHaveLength(4 * 6 + 1);
  for (const place of [...ready, 'nodepool.provider.alpha.nodes']) expect(later).toContain(`${place}.ready:1|g`);
  const both = { ...pool.config, statsd: { ...pool.config.statsd, keys: 'both' as const } };
  await pool.reload(both);
  statsd.follow(both);
  await pool.advance(10_000);
  await read();
  await pool.advance(10_000);
  const all = (await read()).filter(gauge);
  expect(all).toHaveLength(4 * 6 + 1 + 2 * 6 + 1);
  expect(all).toContain('nodepool.target.ready:1|g');
});

test('lesson 169: a burst of changes is sent once', async () => {
  const { pool, read } = await startWire('seed', {
    labels: [{ name: 'bare', minReady: 8 }],
    providers: [{ name: 'alpha' }],
  });
  await pool.rest();
  await pool.advance(10_000 - (pool.clock.now() % 10_000) + 2_000);
  await read();
  for (const { nodename } of pool.in('ready')) if (nodename !== null) pool.jobs.start(nodename);
  await pool.advance(1_900);
  const changed = (await read()).filter(gauge);
  expect(changed.filter(packet => packet.startsWith('nodepool.target.used:'))).toEqual(['nodepool.target.used:8|g']);
});

test('lesson 170: the gauges of a label that is removed go to zero, and are then sent no more', async () => {
  const labels = [
    { name: 'bare', minReady: 1 },
    { name: 'old', minReady: 1 },
  ];
  const { pool, read } = await startWire('seed', { labels });
  await pool.rest();
  await read();
  await pool.reload(poolConfig({ ...wish, statsd: pool.config.statsd }));
  for (const { id } of pool.in('ready', 'old')) await pool.delete(id);
  await pool.advance(60_000);
  const packets = (await read()).filter(packet => packet.startsWith('nodepool.target.jenkins01.old.'));
  expect(packets.filter(packet => packet.includes('.ready:')).at(-1)).toBe(
    'nodepool.target.jenkins01.old.alpha.ready:0|g',
  );
  await pool.advance(60_000);
  expect((await read()).filter(packet => packet.includes('.old.'))).toEqual([]);
});

test('lesson 171: what failed has a word of the original and a name of its own', async () => {
  const { pool, read } = await startWire('0.3', { providers: [{ name: 'alpha', bootTimeoutMs: 30_000 }] });
  pool.sshAnswer = () => 'ssh.timeout';
  await pool.until(() => pool.stats.counts.has('nodepool.launch.error.ssh.timeout'));
  const counters = (await read()).filter(packet => packet.startsWith('nodepool.launch.') && packet.endsWith(':1|c'));
  expect(counters).toContain('nodepool.launch.error.ssh:1|c');
  expect(counters).toContain('nodepool.launch.provider.alpha.error.ssh.timeout:1|c');
  expect(counters.join()).not.toContain('unknown');
});

test('lesson 172: each call to a cloud is timed, by provider', async () => {
  const { pool, read } = await startWire('0.3');
  await pool.rest();
  const tasks = (await read()).filter(packet => packet.startsWith('nodepool.task.'));
  expect(tasks).toContain('nodepool.task.alpha.createServer:1|c');
  expect(tasks).toContain('nodepool.task.alpha.createServer:100|ms');
});
